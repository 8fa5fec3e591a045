"""What an SRT recording shows: decoded after the run, so that decoding costs the run nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av import VideoFrame
from av.codec.context import Flags
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext

from edge.measure.mpegts import TsUnits
from edge.measure.strip_reader import read_strip
from edge.measure.unit import ReceivedUnit
from edge.model import sei, strip
from tests.bench.network_clip import Original
from tests.bench.network_figures import Shown
from tests.bench.network_receiver import recorded

_LOOK_EVERY = 6  # pictures whose PSNR is taken


class SrtRecording:
    """The recorder as a child of the calling thread, so in its namespace. Use as a context; read it afterwards."""

    def __init__(self, path: Path, *, port: int, latency_ms: int) -> None:
        self._path = path
        self._argv = (sys.executable, "-m", "tests.bench.network_receiver", str(port), str(latency_ms), str(path))
        self.sessions = 0
        self._dropped: list[tuple[float, int]] = []

    def __enter__(self) -> SrtRecording:
        self._process = subprocess.Popen(self._argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self

    def __exit__(self, *_: object) -> None:
        said, _ = self._process.communicate(timeout=20)
        told = json.loads(said)
        self.sessions = told["sessions"]
        self._dropped = [((mono_ns + _utc_minus_mono_ns()) / 1e9, count) for mono_ns, count in told["dropped"]]

    def wait_first(self, patience_s: float) -> None:
        """Until something has come. Raises TimeoutError."""
        until_s = time.monotonic() + patience_s
        while not self._path.exists() or self._path.stat().st_size == 0:
            if time.monotonic() > until_s:
                raise TimeoutError(f"nothing came over SRT within {patience_s:g} s")
            time.sleep(0.1)

    def dropped_packets(self, begin_s: float, end_s: float) -> int:
        """How many libsrt gave up as too late between two times, UTC seconds."""
        counts = [count for at_s, count in self._dropped if begin_s <= at_s <= end_s]
        return counts[-1] - counts[0] if counts else 0

    def received(self) -> Received:
        return _received(self._path)


@dataclass(frozen=True, slots=True)
class Received:
    """Pictures in UTC seconds; of some the arrival and PSNR; of those with a SEI its time and number."""

    pictures: list[Shown]
    psnr_db: list[tuple[float, float]]
    seqs: list[tuple[float, int]]
    unreadable: int


def lost_by_seq(seqs: list[tuple[float, int]], begin_s: float, end_s: float) -> float:
    """The share of sequence numbers that are missing among those captured in that time."""
    inside = [seq for captured_s, seq in seqs if begin_s <= captured_s < end_s]
    if len(inside) < 2:
        return 1.0
    return 1 - len(set(inside)) / (max(inside) - min(inside) + 1)


def lost_by_time(pictures: list[Shown], sent_s: list[float], begin_s: float, end_s: float) -> float:
    """The share of pictures sent in that time (capture times) that were not shown."""
    shown_ms = {round(picture.captured_s * 1000) + off for picture in pictures for off in (-1, 0, 1)}
    sent = [at_s for at_s in sent_s if begin_s <= at_s < end_s]
    return sum(round(at_s * 1000) not in shown_ms for at_s in sent) / len(sent) if sent else 1.0


def _received(path: Path) -> Received:
    pictures: list[Shown] = []
    psnr_db: list[tuple[float, float]] = []
    seqs: list[tuple[float, int]] = []
    unreadable = 0
    original, decoder = Original(), _Decoder()
    utc_minus_mono_ns = _utc_minus_mono_ns()
    for unit in _units(path):
        arrived_s = (unit.arrived_ns + utc_minus_mono_ns) / 1e9
        found = sei.find(unit.codec, unit.data)
        if found is not None:
            seqs.append((found.utc_ns / 1e9, found.seq))
        for frame, took_s in decoder.frames(unit):
            captured_us = _captured_us(frame, found, arrived_s)
            if captured_us is None:
                unreadable += 1
                continue
            if len(pictures) % _LOOK_EVERY == 0 and (found_db := original.psnr_db(_luma(frame), captured_us)):
                psnr_db.append((arrived_s, found_db))
            pictures.append(Shown(captured_us / 1e6, arrived_s + took_s))
    return Received(pictures, psnr_db, seqs, unreadable)


def _captured_us(frame: VideoFrame, found: sei.TimeSei | None, arrived_s: float) -> int | None:
    """By the strip; by the SEI where the picture is too small or too damaged to read."""
    stamp_us = read_strip(frame)
    if stamp_us is not None:
        return strip.unwrap_us(stamp_us, int(arrived_s * 1e6))
    return None if found is None else found.utc_ns // 1000


def _utc_minus_mono_ns() -> int:
    return time.time_ns() - time.monotonic_ns()


def _units(path: Path) -> Iterator[ReceivedUnit]:
    demuxer = TsUnits()
    for arrived_ns, payload in recorded(path):
        yield from demuxer.feed(payload, arrived_ns=arrived_ns)
    yield from demuxer.flush()


def _luma(frame: VideoFrame) -> np.ndarray:
    plane = frame.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: frame.height, : frame.width]


class _Decoder:
    """As a player: shows what it can, begins anew with a keyframe after an error."""

    def __init__(self) -> None:
        self._context: VideoCodecContext | None = None

    def frames(self, unit: ReceivedUnit) -> Iterator[tuple[VideoFrame, float]]:
        """Pictures, each with the seconds that decoding it took."""
        if self._context is None:
            if not unit.key:
                return
            context = av.CodecContext.create("h264", "r")
            assert isinstance(context, VideoCodecContext)
            context.flags |= Flags.low_delay
            context.thread_count = 1
            self._context = context
        began_s = time.monotonic()
        try:
            decoded = self._context.decode(av.Packet(unit.data))
        except FFmpegError:
            self._context = None
            return
        for frame in decoded:
            yield frame, time.monotonic() - began_s
