"""What tests of the board share: a painter without fonts, clocks set by hand, pictures, real programs."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.model.frame import Frame, Lease, Plane, Stamps
from edge.model.signal import Signal
from edge.model.strip import CELLS, cell_px, read_cells, unwrap_us
from edge.model.video import Pixel, VideoFormat
from edge.ports import Source

UTC_0_NS = 1_795_000_000_123_456_789
Bytes = NDArray[np.uint8]


class BlockPainter:
    """Every character is a block with a hole that tells it from the others."""

    def text(self, text: str, height_px: int) -> tuple[int, int, bytes]:
        width = max(1, height_px // 2)
        mask = np.full((height_px, width * len(text)), 255, np.uint8)
        for index, letter in enumerate(text):
            mask[ord(letter) % height_px, index * width] = 0
        return mask.shape[1], height_px, mask.tobytes()


class HandClock:
    """Stands still until moved; `advance` also serves as a sleep."""

    def __init__(self) -> None:
        self.now_ns = 5_000_000_000

    def mono_ns(self) -> int:
        return self.now_ns

    def utc_ns(self, mono_ns: int | None = None) -> int:
        return UTC_0_NS + (self.now_ns if mono_ns is None else mono_ns)

    def synchronised(self) -> bool:
        return True

    def uncertainty_us(self) -> int | None:
        return 10

    def advance(self, seconds: float) -> None:
        self.now_ns += round(seconds * 1e9)


def next_frame(source: Source, *, tries: int = 50) -> Frame:
    """The next frame, whatever signals come before it."""
    for _ in range(tries):
        taken = source.read(0.5)
        if isinstance(taken, Frame):
            return taken
    raise AssertionError(f"no frame from {source.name} in {tries} reads")


def next_signal(source: Source, *, tries: int = 400) -> Signal:
    for _ in range(tries):
        taken = source.read(0.5)
        if isinstance(taken, Signal):
            return taken
        if taken is not None:
            taken.lease.release()
    raise AssertionError(f"no signal from {source.name} in {tries} reads")


def plane(frame: Frame, index: int) -> Bytes:
    """Luma (0), Cb (1) or Cr (2) of a yuv420p frame without padding."""
    width, height = frame.format.width, frame.format.height
    if index:
        width, height = width // 2, height // 2
    one = frame.lease.planes[index]
    flat = np.frombuffer(one.memory, np.uint8)[: one.stride * height]
    return flat.reshape(height, one.stride)[:, :width]


def strip_us(frame: Frame) -> int | None:
    """The time strip of a frame as full UTC microseconds; None when it has none."""
    cell = cell_px(frame.format.width)
    luma = plane(frame, 0)
    found = read_cells([int(luma[cell // 2, cell * i + cell // 2]) for i in range(CELLS)])
    return None if found is None else unwrap_us(found, frame.utc_ns // 1000)


def frame_of(picture: Bytes, video: VideoFormat, index: int, *, stride: int | None = None) -> Frame:
    """Flat bytes laid out as that format says, as a frame captured at `index` periods."""
    captured_ns = 10**12 + int(index * 1_000_000_000 / video.fps)
    planes = _planes(picture, video, video.width if stride is None else stride)
    return Frame(index, video, Lease(planes), Stamps(captured_ns, captured_ns), UTC_0_NS + captured_ns)


def _planes(picture: Bytes, video: VideoFormat, stride: int) -> tuple[Plane, ...]:
    flat, luma = picture.reshape(-1).data, stride * video.height
    if video.pixel is Pixel.YUV420P:
        quarter = stride // 2 * (video.height // 2)
        chroma = (flat[luma : luma + quarter], flat[luma + quarter : luma + 2 * quarter])
        return (Plane(flat[:luma], stride), *(Plane(part, stride // 2) for part in chroma))
    if video.pixel is Pixel.NV12:
        return (Plane(flat[:luma], stride), Plane(flat[luma:], stride))
    return (Plane(flat, stride * (3 if video.pixel is Pixel.RGB24 else 2)),)


def run(program: str, arguments: Sequence[str], *, stdin: bytes = b"") -> bytes:
    """A real program's stdout; the test fails when it is missing, fails or complains."""
    if shutil.which(program) is None:
        pytest.fail(f"{program} is not installed: apt-get install ffmpeg")
    done = subprocess.run([program, *arguments], input=stdin, capture_output=True, timeout=50, check=False)
    assert done.returncode == 0, f"{program}: {done.stderr.decode(errors='replace')[-2000:]}"
    assert done.stderr == b"", f"{program} complains: {done.stderr.decode(errors='replace')[-2000:]}"
    return done.stdout
