"""What one more viewer costs the process edge-rtc: `python tests/bench/viewer_cost.py`.

Processes on this machine: a source that repeats pre-encoded 1080p60 units at 8 Mb/s, the rtc
process as shipped, one process per viewer (aiortc peers that count packets and parse nothing), and this
one, which reads CPU times from /proc. A viewer that cannot keep up makes sending over loopback look cheap,
so each line also says how busy the busiest viewer was and how many pictures arrived; a line where fewer
than 98 % did is shown but not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import aiortc
import av
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from edge.config.webrtc import WebrtcConfig
from edge.model.frame import AccessUnit, Stamps, pts_of
from edge.model.sei import TimeSei, insert
from edge.model.video import Codec, StreamFormat, VideoFormat
from edge.rtc.process import RtcProcess
from edge.runtime.clock import SystemClock
from edge.runtime.component import Context
from edge.runtime.ipc import IpcClient
from edge.runtime.supervisor import Supervisor
from edge.runtime.unit_wire import pack_format, pack_unit

_ROOT = Path(__file__).parents[2]
FPS, BITRATE_BPS, WIDTH, HEIGHT = 60, 8_000_000, 1920, 1080
FORMAT = StreamFormat("main", 1, Codec.H264, VideoFormat(WIDTH, HEIGHT, Fraction(FPS)))


def encoded() -> list[tuple[bool, bytes]]:
    """Two seconds of moving noise at the target bitrate, one keyframe at the start."""
    codec: Any = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    codec.time_base, codec.framerate, codec.bit_rate = Fraction(1, FPS), Fraction(FPS), BITRATE_BPS
    codec.profile = "Baseline"
    rate = f"keyint=600:vbv-maxrate={BITRATE_BPS // 1000}:vbv-bufsize={BITRATE_BPS // 4000}:nal-hrd=cbr"
    codec.options = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": rate}
    noise = np.random.default_rng(1).integers(40, 120, (HEIGHT, WIDTH), dtype=np.uint8)
    return [_picture(codec, noise, index) for index in range(2 * FPS)]


def _picture(codec: Any, noise: np.ndarray, index: int) -> tuple[bool, bytes]:
    planes = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
    planes[:HEIGHT] = np.roll(noise, index * 5, axis=1)
    frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
    frame.pts = index
    [packet] = codec.encode(frame)
    return packet.is_keyframe, bytes(packet)


class Source:
    """The media process's side of the unit socket."""

    def __init__(self) -> None:
        self._units = encoded()
        self._writers: list[asyncio.StreamWriter] = []

    async def serve(self, path: Path) -> None:
        server = await asyncio.start_unix_server(self._listen, path)
        print("ready", flush=True)
        async with server:
            due = time.monotonic()
            for index in range(1 << 30):
                for writer in self._writers:
                    writer.write(pack_unit(self._unit(index)))
                due += 1 / FPS
                await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(pack_format(FORMAT))
        self._writers.append(writer)
        while await reader.read(1024):
            pass

    def _unit(self, index: int) -> AccessUnit:
        key, annexb = self._units[index % len(self._units)]
        now_ns, utc_ns = time.monotonic_ns(), time.time_ns()
        whole = insert(Codec.H264, annexb, TimeSei(utc_ns, index, live=True, clock_synchronised=True))
        stamps = Stamps(now_ns, now_ns, now_ns, now_ns)
        return AccessUnit(FORMAT, index, pts_of(now_ns), utc_ns, key, True, False, stamps, whole)


async def run_rtc(folder: Path) -> None:
    process = RtcProcess(
        config=WebrtcConfig(), units={"main": folder / "u.sock"}, ipc_path=folder / "rtc.sock", clock=SystemClock()
    )
    print("ready", flush=True)
    await Supervisor().run(*process.components)


async def run_viewer(folder: Path) -> None:
    """One viewer; answers each line on stdin with packets, bytes and pictures so far."""
    rtc = IpcClient(name="rtc", path=folder / "rtc.sock")
    running = asyncio.ensure_future(rtc.run(Context()))
    while not rtc.connected:
        await asyncio.sleep(0.01)
    seen = [0, 0, 0]
    connection = await _join(rtc, seen)
    print("ready", flush=True)
    while (await asyncio.to_thread(sys.stdin.readline)).strip():
        print(*seen, flush=True)
    await connection.close()
    running.cancel()


async def _join(rtc: IpcClient, seen: list[int]) -> RTCPeerConnection:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    transport: Any = connection.addTransceiver("video", direction="recvonly").receiver.transport

    async def count(raw: bytes, arrival_time_ms: int) -> None:
        seen[0] += 1
        seen[1] += len(raw)
        seen[2] += raw[1] >> 7

    transport._handle_rtp_data = count
    await connection.setLocalDescription()
    joined = (await rtc.request("offer", {"rung": "main", "sdp": connection.localDescription.sdp})).body
    await connection.setRemoteDescription(RTCSessionDescription(joined["sdp"], "answer"))
    return connection


class Child:
    """This program again, in another role."""

    def __init__(self, role: str, folder: Path) -> None:
        command = [sys.executable, "-m", "tests.bench.viewer_cost", "--role", role, "--folder", str(folder)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_ROOT, text=True)
        assert self.line() == "ready"

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self, line: str) -> list[int]:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return [int(word) for word in self.line().split()]

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Reading:
    """Sums since the start: CPU seconds of rtc and of each viewer, pictures and bytes received."""

    at_s: float
    rtc_s: float
    viewers_s: tuple[float, ...]
    pictures: int
    size: int


def read(rtc: Child, viewers: list[Child]) -> Reading:
    counts = [viewer.ask("?") for viewer in viewers]
    busy = tuple(viewer.cpu_s() for viewer in viewers)
    return Reading(time.monotonic(), rtc.cpu_s(), busy, sum(c[2] for c in counts), sum(c[1] for c in counts))


def one_round(seconds: float, most_viewers: int) -> list[float | None]:
    """CPU of rtc in percent of a core with 0, 1, 2 ... viewers, None where pictures were lost; prints each."""
    percents: list[float | None] = []
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        source_and_rtc = [stack.enter_context(Child(role, Path(name))) for role in ("source", "rtc")]
        viewers: list[Child] = []
        for count in range(most_viewers + 1):
            if count:
                viewers.append(stack.enter_context(Child("viewer", Path(name))))
            time.sleep(2)
            before = read(source_and_rtc[1], viewers)
            time.sleep(seconds)
            after = read(source_and_rtc[1], viewers)
            percents.append(_tell(count, before, after))
    return percents


def _tell(count: int, before: Reading, after: Reading) -> float | None:
    took_s = after.at_s - before.at_s
    percent = (after.rtc_s - before.rtc_s) / took_s * 100
    busiest = max((b - a for a, b in zip(before.viewers_s, after.viewers_s, strict=True)), default=0.0) / took_s * 100
    pictures, mbps = (after.pictures - before.pictures) / took_s, (after.size - before.size) * 8e-6 / took_s
    received = f"received {pictures:5.1f}/{count * FPS} pictures/s, {mbps:4.1f} Mb/s"
    load = f"busiest viewer {busiest:2.0f} %, load {os.getloadavg()[0]:.1f}"
    complete = pictures >= count * FPS * 0.98
    note = "" if complete else "; incomplete, not counted"
    print(f"  {count} viewers: rtc {percent:5.1f} % of a core; {received}; {load}{note}", flush=True)
    return percent if complete else None


def measure(seconds: float, most_viewers: int, rounds: int) -> None:
    print(f"{WIDTH}x{HEIGHT}p{FPS}, {BITRATE_BPS / 1e6:g} Mb/s, loopback, {seconds:g} s each, {rounds} rounds")
    print(f"aiortc {aiortc.__version__}, Python {platform.python_version()}, {os.cpu_count()} cores")
    table = [one_round(seconds, most_viewers) for _ in range(rounds)]
    _sum_up("the first viewer", [(row[0], row[1], 1) for row in table])
    _sum_up("each further viewer", [(row[1], row[count], count - 1) for row in table for count in range(2, len(row))])


def _sum_up(who: str, pairs: list[tuple[float | None, float | None, int]]) -> None:
    """Cost of one viewer from CPU figures (without, with) and the viewers between them."""
    steps = sorted((b - a) / count for a, b, count in pairs if a is not None and b is not None)
    if not steps:
        print(f"{who}: no complete measurement, the machine is too busy")
        return
    middle = statistics.median(steps)
    print(
        f"{who} adds {middle:.1f} % of a core ({steps[0]:.1f} to {steps[-1]:.1f}, {len(steps)} of {len(pairs)} counted)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--role", choices=("measure", "source", "rtc", "viewer"), default="measure")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--viewers", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if options.role == "measure":
        measure(options.seconds, options.viewers, options.rounds)
    elif options.role == "source":
        asyncio.run(Source().serve(options.folder / "u.sock"))
    else:
        asyncio.run({"rtc": run_rtc, "viewer": run_viewer}[options.role](options.folder))


if __name__ == "__main__":
    main()
