"""Fifty viewers that join and leave for five minutes: `python -m tests.bench viewers [--minutes 5] [--viewers 50]`.

Processes: a source (x264, 640x360 at 30 pictures a second, 0.8 Mb/s), the rtc process as shipped but for more places,
and two that hold the viewers (aiortc peers that count packets and parse nothing). Each viewer stays for 5 to 20 s and
then leaves, half of them without ending its session first. Told every 15 s: the memory of the rtc process, its
CPU, how many watch, how many have come. What counts is that memory does not grow after the first minute.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from edge.config.webrtc import WebrtcConfig
from edge.model.errors import EdgeError
from edge.rtc.process import RtcProcess
from edge.runtime.clock import SystemClock
from edge.runtime.component import Context
from edge.runtime.ipc import IpcClient
from edge.runtime.supervisor import Supervisor
from tests.bench.conditions import cpu_s, rss_mb, say

_ROOT = Path(__file__).parents[2]
_SOURCE = "tests.browser.unit_producer"
_SELF = "tests.bench.viewers"
_CROWDS = 2
_TELL_EVERY_S = 15.0
_STAY_S = (5.0, 20.0)


async def run_rtc(folder: Path, places: int) -> None:
    process = RtcProcess(
        config=WebrtcConfig.model_construct(max_viewers=places, ice_servers=()),
        units={"main": folder / "u.sock"},
        ipc_path=folder / "rtc.sock",
        clock=SystemClock(),
    )
    print("ready", flush=True)
    await Supervisor().run(*process.components)


class Crowd:
    """Viewers of one process; answers each line on stdin with joins, refusals and packets so far."""

    def __init__(self, folder: Path, size: int, seed: int) -> None:
        self._rtc = IpcClient(name="rtc", path=folder / "rtc.sock")
        self._size = size
        self._chance = random.Random(seed)  # noqa: S311 - a measurement's dice
        self._seen = [0, 0, 0]

    async def run(self) -> None:
        talking = asyncio.ensure_future(self._rtc.run(Context()))
        while not self._rtc.connected:
            await asyncio.sleep(0.01)
        coming = asyncio.gather(*(self._keep_coming(place) for place in range(self._size)))
        print("ready", flush=True)
        while (await asyncio.to_thread(sys.stdin.readline)).strip():
            print(*self._seen, flush=True)
        coming.cancel()
        talking.cancel()

    async def _keep_coming(self, place: int) -> None:
        await asyncio.sleep(place * 0.5)
        while True:
            try:
                await self._watch()
            except EdgeError:
                self._seen[1] += 1
                await asyncio.sleep(1)

    async def _watch(self) -> None:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        transport: Any = connection.addTransceiver("video", direction="recvonly").receiver.transport
        transport._handle_rtp_data = self._count
        try:
            await connection.setLocalDescription()
            joined = (await self._rtc.request("offer", {"rung": "main", "sdp": connection.localDescription.sdp})).body
            await connection.setRemoteDescription(RTCSessionDescription(joined["sdp"], "answer"))
            self._seen[0] += 1
            await asyncio.sleep(self._chance.uniform(*_STAY_S))
            if self._chance.random() < 0.5:
                with contextlib.suppress(EdgeError):
                    await self._rtc.request("end", {"session": joined["session"]})
        finally:
            await connection.close()

    async def _count(self, raw: bytes, arrival_time_ms: int) -> None:
        self._seen[2] += 1


class Child:
    """Starts and says so. One that talks on without being asked must not find a pipe that nobody reads."""

    def __init__(self, module: str, *options: object, talks: bool = True) -> None:
        argv = [sys.executable, "-m", module, *map(str, options)]
        heard = subprocess.PIPE if talks else subprocess.DEVNULL
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=heard, cwd=_ROOT, text=True)
        if talks and (said := self.line()) != "ready":
            raise SystemExit(f"{module} did not start, it said {said!r}")

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self) -> list[int]:
        assert self.process.stdin is not None
        self.process.stdin.write("?\n")
        self.process.stdin.flush()
        return [int(word) for word in self.line().split()]


def measure(minutes: float, viewers: int) -> None:
    say(f"{viewers} viewers that come and go for {minutes:g} min, 640x360p30 at 0.8 Mb/s")
    readings: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory(prefix="viewers-", dir="/tmp") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        stack.enter_context(Child(_SOURCE, folder / "u.sock", "--bitrate-bps", 800_000, "--gop-s", 2, talks=False))
        rtc = stack.enter_context(Child(_SELF, "--role", "rtc", "--folder", folder, "--viewers", viewers + 10))
        size = viewers // _CROWDS
        crowd = (_SELF, "--role", "crowd", "--folder", folder, "--viewers", size, "--seed")
        crowds = [stack.enter_context(Child(*crowd, seed)) for seed in range(_CROWDS)]
        pid = rtc.process.pid
        begin, busy_s = time.monotonic(), cpu_s(pid)
        while time.monotonic() - begin < minutes * 60:
            time.sleep(_TELL_EVERY_S)
            counts = [sum(column) for column in zip(*(each.ask() for each in crowds), strict=True)]
            percent, busy_s = (cpu_s(pid) - busy_s) / _TELL_EVERY_S * 100, cpu_s(pid)
            readings.append((time.monotonic() - begin, rss_mb(pid)))
            say(
                f"  {readings[-1][0]:4.0f} s: {readings[-1][1]:6.1f} MB, {percent:5.1f} % of a core, "
                f"{counts[0]} joined, {counts[1]} refused, {counts[2]} packets"
            )
    if not counts[2]:
        raise SystemExit("no viewer got a packet: nothing was measured")
    settled = [size_mb for at_s, size_mb in readings if at_s > 60] or [readings[-1][1]]
    say(f"after the first minute {settled[0]:.1f} MB, at the end {settled[-1]:.1f} MB, at most {max(settled):.1f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--role", choices=("measure", "rtc", "crowd"), default="measure")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--viewers", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.role == "measure":
        measure(options.minutes, options.viewers)
    elif options.role == "rtc":
        asyncio.run(run_rtc(options.folder, options.viewers))
    else:
        asyncio.run(Crowd(options.folder, options.viewers, options.seed).run())


if __name__ == "__main__":
    main()
