"""What a raw 1080p picture costs from capture to the encoder's door: layout by layout, and the watches beside it.

Run: python -m tests.bench intake_cost
"""

from __future__ import annotations

import io
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import count
from typing import Any

import numpy as np
from PIL import Image

from board.av.intake import FrameIntake
from board.av.jpeg import JpegDecoder
from edge.media.freeze import FreezeWatch
from edge.media.painter import PillowPainter
from edge.media.slate import FrozenBanner
from edge.media.watch import BlackWatch
from edge.model.frame import Frame, Stamps
from edge.model.video import Pixel, Range, VideoFormat
from tests.bench.conditions import percentile, say
from tests.raw_bars import bars_frame

_VIDEO = VideoFormat(1920, 1080, Fraction(60))
_PERIOD_NS = 16_666_667
_ROUNDS = 60
_FRAMES = 4  # more than the caches hold, as with a capture queue


def main() -> None:
    for pixel in Pixel:
        video = replace(_VIDEO, pixel=pixel, range=Range.FULL if pixel.is_rgb else Range.LIMITED)
        frames = [_textured(bars_frame(video, index), index) for index in range(_FRAMES)]
        intake = FrameIntake(video)
        freeze, black = FreezeWatch(after_ns=400_000_000), BlackWatch()
        still = [replace(frames[0], stamps=Stamps(10**12 + index * _PERIOD_NS)) for index in range(_ROUNDS)]
        say(f"{pixel.value:>12}: intake {_cost(intake.take, frames)}; black watch {_cost(black.observe, frames)};")
        moving, frozen = _cost(freeze.observe, frames), _cost(freeze.observe, still)
        say(f"{'':14}freeze watch, moving {moving}, frozen {frozen}")
    _whole_way()
    _jpeg()
    _banner()
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    say(f"conditions: 1080p, {_ROUNDS} rounds over {_FRAMES} pictures, one thread, {os.cpu_count()} cores, load {load}")


def _whole_way() -> None:
    """UYVY at 60 frames/s: both watches and the intake, from a buffer that the processor has not just written."""
    video = replace(_VIDEO, pixel=Pixel.UYVY422)
    frames = [_textured(bars_frame(video, index), index) for index in range(_FRAMES)]
    intake, freeze, black = FrameIntake(video), FreezeWatch(after_ns=400_000_000), BlackWatch()

    def way(frame: Frame) -> None:
        freeze.observe(frame)
        black.observe(frame)
        intake.take(frame)

    say(f"capture to encoder, uyvy422 1080p60: {_cost(way, frames)}; the budget is 2.5 ms")


def _jpeg() -> None:
    rows, columns = np.mgrid[0:1080, 0:1920]
    waves = 110 + 50 * np.sin(columns / 37) * np.cos(rows / 23) + 20 * np.sin((rows + columns) / 7)
    noisy = waves[..., None] + np.random.default_rng(1).normal(0, 3, (1080, 1920, 3))
    file = io.BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=85, subsampling=1)
    decoder = JpegDecoder(width=1920, height=1080)
    say(f"JPEG 4:2:2 of {len(file.getvalue()) // 1000} kB decoded: {_cost(decoder.decode, [file.getvalue()])}")


def _banner() -> None:
    """The one path that is simple, not fast: a copy with a banner, once for each freeze."""
    for pixel in (Pixel.YUV420P, Pixel.UYVY422, Pixel.P010, Pixel.RGB24):
        banner, since = FrozenBanner(painter=PillowPainter()), count()
        frame = bars_frame(replace(_VIDEO, pixel=pixel))

        def over(frame: Frame, banner: FrozenBanner = banner, since: Iterator[int] = since) -> None:
            frame.lease.retain()
            banner.over(frame, since_text=f"freeze {next(since)}")

        say(f"frozen banner on {pixel.value}, once per freeze: {_cost(over, [frame])}")


def _textured(frame: Frame, seed: int) -> Frame:
    """With noise in the lowest bit, so that every picture differs."""
    random = np.random.default_rng(seed)
    for plane in frame.lease.planes:
        flat = np.frombuffer(plane.memory, np.uint8)
        flat ^= random.integers(0, 2, flat.size, dtype=np.uint8)
    return frame


def _cost(work: Callable[[Any], object], inputs: Sequence[Any]) -> str:
    for each in inputs[:2]:
        work(each)
    times = []
    for index in range(_ROUNDS):
        begin = time.perf_counter()
        work(inputs[index % len(inputs)])
        times.append((time.perf_counter() - begin) * 1e3)
    return (
        f"p50 {statistics.median(times):.3f} ms (p5 {percentile(times, 0.05):.3f}, p95 {percentile(times, 0.95):.3f})"
    )
