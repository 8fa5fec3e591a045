"""From capture to a picture in Chromium, on the box's own page: `python -m tests.bench latency_browser`.

The browser reads the time strip out of the very pixels of each picture that it presents (a canvas,
in requestVideoFrameCallback), so that the figure holds capture, encoding, WebRTC, jitter buffer and
decoding. Box and browser share this machine: one clock, and one set of cores.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from edge.model import strip
from tests.bench.conditions import conditions, cpu_s, percentile, say
from tests.chromium import CHROMIUM, FLAGS
from tests.running_box import RunningBox

_BITRATE_BPS = 8_000_000
_SETTLE_S, _MEASURE_S = 5, 30
_READ_EVERY = 5  # reading a strip costs the page milliseconds: reading each would make the next one late

# Per picture that is read: when it was handed over and is to be shown, on the clock of `performance`; its cells.
_READ_STRIPS = """
async ([seconds, every]) => {
  const video = document.querySelector("video");
  const side = video.videoWidth >= 1024 ? 16 : 8;
  const canvas = new OffscreenCanvas(64 * side, 1);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const pictures = [];
  const untilMs = performance.now() + seconds * 1000;
  let utcMinusPerformanceMs = -Infinity;
  const presented = await new Promise((done) => {
    let count = 0;
    const read = (nowMs, metadata) => {
      const atMs = performance.now();
      if (count++ % every === 0) readStrip(atMs, metadata);
      if (atMs < untilMs) video.requestVideoFrameCallback(read); else done(count);
    };
    const readStrip = (atMs, metadata) => {
      // Date.now() is cut to whole milliseconds: the largest difference seen is the true one
      utcMinusPerformanceMs = Math.max(utcMinusPerformanceMs, Date.now() - performance.now());
      context.drawImage(video, 0, side / 2, 64 * side, 1, 0, 0, 64 * side, 1);
      const row = context.getImageData(0, 0, 64 * side, 1).data;
      const cells = Array.from({ length: 64 }, (_, index) => row[4 * (index * side + side / 2) + 1]);
      pictures.push({ cells, atMs, shownMs: metadata.expectedDisplayTime, took: performance.now() - atMs });
    };
    video.requestVideoFrameCallback(read);
  });
  return { utcMinusPerformanceMs, pictures, presented };
}
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """Milliseconds from capture: to the callback that hands the picture over, and to its expected display."""

    callback_ms: list[float]
    display_ms: list[float]
    presented: int
    unreadable: int
    read_ms: float


def main() -> None:
    for fps in (30, 60):
        _measure(fps)


def _measure(fps: int) -> None:
    sets = (f"source.sim.fps={fps}", f"encoder.bitrate_bps={_BITRATE_BPS}", "srt=[]")
    with tempfile.TemporaryDirectory(prefix="box-", dir="/tmp") as folder, RunningBox(Path(folder), *sets) as box:
        box.wait_live()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
            page = browser.new_page(viewport={"width": 1280, "height": 800}, bypass_csp=True)  # it lets no script in
            page.goto(box.url)
            page.wait_for_function("document.querySelector('video')?.videoWidth > 0", timeout=20_000)
            page.wait_for_timeout(_SETTLE_S * 1000)
            before_s = _cpu_s(box)
            seen = _seen(page)
            used_s = _cpu_s(box) - before_s
            version, status = browser.version, box.status()
            browser.close()
    rung, own = status["encoder"]["rungs"][0], status["latency"]["box"]
    used, asked = rung["measured_bps"] / 1e6, _BITRATE_BPS / 1e6
    say(f"1080p{fps}, capture to Chromium {version} on the box's page, {_MEASURE_S} s")
    say(f"  to the callback:         {_percentiles(seen.callback_ms)}")
    say(f"  to its expected display: {_percentiles(seen.display_ms)}")
    say(f"  of which the box itself: p50 {own['p50'] / 1000:5.1f} ms, p95 {own['p95'] / 1000:5.1f} ms")
    say(f"  {used:.1f} of {asked:.0f} Mbit/s used, {rung['fps']:.1f} fps encoded, {seen.presented} pictures presented")
    say(f"  one in {_READ_EVERY} read, {seen.unreadable} unreadable; the page needs {seen.read_ms:.1f} ms to read one")
    say(f"  the box used {100 * used_s / _MEASURE_S:.0f} % of a core; {conditions()}")


def _seen(page: Page) -> Seen:
    found = page.evaluate(_READ_STRIPS, [_MEASURE_S, _READ_EVERY])
    offset_ms = found["utcMinusPerformanceMs"]
    callback_ms, display_ms, unreadable = [], [], 0
    for picture in found["pictures"]:
        at_ms = picture["atMs"] + offset_ms
        stamp_us = strip.read_cells(picture["cells"])
        if stamp_us is None:
            unreadable += 1
            continue
        captured_ms = strip.unwrap_us(stamp_us, int(at_ms * 1000)) / 1000
        callback_ms.append(at_ms - captured_ms)
        display_ms.append(picture["shownMs"] + offset_ms - captured_ms)
    if not callback_ms:
        raise SystemExit(f"no strip could be read in {len(found['pictures'])} pictures")
    took_ms = percentile([picture["took"] for picture in found["pictures"]], 0.5)
    return Seen(callback_ms, display_ms, found["presented"], unreadable, took_ms)


def _percentiles(values: list[float]) -> str:
    return f"p50 {percentile(values, 0.5):5.1f} ms, p95 {percentile(values, 0.95):5.1f} ms"


def _cpu_s(box: RunningBox) -> float:
    return sum(cpu_s(pid) for pid in box.pids.values())


if __name__ == "__main__":
    main()
