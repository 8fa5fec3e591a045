"""`kill -9`: how long a browser is without the live picture, and what SRT notices of a dying edge-rtc."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import tempfile
import time
from pathlib import Path

import av
from playwright.async_api import Page, async_playwright

from edge.model import sei
from edge.model.video import Codec
from tests.bench.conditions import say
from tests.chromium import CHROMIUM, FLAGS
from tests.running_box import RunningBox

_RUNS = 3


async def _badge(page: Page, *, live: bool) -> float:
    word = "true" if live else "false"
    await page.wait_for_selector(f'#badge[data-live="{word}"]', timeout=30_000)
    return time.monotonic()


async def _without_picture_s(page: Page, box: RunningBox, process: str) -> float:
    await _badge(page, live=True)
    await asyncio.sleep(3)
    killed = time.monotonic()
    await asyncio.to_thread(box.kill, process)
    await _badge(page, live=False)
    return await _badge(page, live=True) - killed


async def _browser(box: RunningBox) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page(viewport={"width": 1280, "height": 800})
        await page.goto(box.url + "/")
        for process, budget in (("media", "budget 3 s"), ("rtc", "no budget")):
            took = [await _without_picture_s(page, box, process) for _ in range(_RUNS)]
            say(f"kill -9 of edge-{process} to LIVE, no reload: {', '.join(f'{s:.1f}' for s in took)} s; {budget}")
        await browser.close()


def _srt_through_rtc_death(box: RunningBox, folder: Path) -> None:
    kept = folder / "received.ts"
    seconds = str(6 * _RUNS)
    argv = ("ffmpeg", "-v", "error", "-y", "-t", seconds, "-i", box.srt_url, "-c", "copy", "-f", "mpegts", str(kept))
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as receiver:
        time.sleep(3)
        for _ in range(_RUNS):
            box.wait_until(lambda: "rtc" in box.pids, what="rtc runs")
            box.kill("rtc")
            time.sleep(3)
        receiver.wait(60)
    with av.open(str(kept)) as stream:
        found = [sei.find(Codec.H264, bytes(packet)) for packet in stream.demux(video=0) if packet.size]
    seen = [one.seq for one in found if one is not None]
    missing = sum(after - before - 1 for before, after in itertools.pairwise(seen))
    say(f"kill -9 of edge-rtc x {_RUNS}: SRT received {len(seen)} access units, {missing} missing (budget 0)")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="box-", dir="/tmp") as folder:
        sets = ("source.sim.width=1280", "source.sim.height=720", "source.sim.fps=30")
        with RunningBox(Path(folder), *sets) as box:
            box.wait_live()
            asyncio.run(_browser(box))
            _srt_through_rtc_death(box, Path(folder))


if __name__ == "__main__":
    main()
