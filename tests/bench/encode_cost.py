"""What our x264 encoder costs beside a bare PyAV loop and ffmpeg's own on the same raw pictures: CPU ms per frame.

Run: python tests/bench/encode_cost.py [FRAMES]
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

from board.av.library import Wish
from board.av.x264 import X264, X264Encoder
from board.sim.picture import Moment, Pattern
from edge.media.painter import PillowPainter
from edge.model.frame import Frame, Lease, Plane, Stamps
from edge.model.video import EncodeTarget, VideoFormat

VIDEO = VideoFormat(1920, 1080, Fraction(60))
_TARGET = EncodeTarget(8_000_000, 20_000_000)
_Pictures = list[NDArray[np.uint8]]


def sim_pictures(count: int) -> _Pictures:
    pattern = Pattern(format=VIDEO, painter=PillowPainter())
    sheet = pattern.sheet()
    pictures = []
    for index in range(count):
        pattern.draw(sheet, Moment(1_795_000_000_000_000_000 + index * 16_666_667, index))
        pictures.append(np.concatenate([np.frombuffer(plane.memory, np.uint8) for plane in sheet.planes]))
    return pictures


def moving_pictures(count: int) -> _Pictures:
    """Soft texture that drifts over the whole picture, as a camera's does."""
    rows, columns = VIDEO.height * 3 // 2, VIDEO.width
    y, x = np.mgrid[0:rows, 0:columns]
    still = (110 + 50 * np.sin(x / 37) * np.cos(y / 23) + 20 * np.sin((x + y) / 7)).astype(np.uint8)
    return [np.roll(still, (index, 2 * index), axis=(0, 1)).reshape(-1) for index in range(count)]


def frame(picture: NDArray[np.uint8], index: int) -> Frame:
    flat, luma, width = picture.data, VIDEO.width * VIDEO.height, VIDEO.width
    planes = (
        Plane(flat[:luma], width),
        Plane(flat[luma : luma * 5 // 4], width // 2),
        Plane(flat[luma * 5 // 4 :], width // 2),
    )
    return Frame(index, VIDEO, Lease(planes), Stamps(10**12 + index * 16_666_667), 0)


def ours(pictures: _Pictures) -> tuple[float, list[float], int]:
    """(CPU ms per frame, wall ms of each, bytes)."""
    encoder = X264Encoder()
    encoder.open(VIDEO, _TARGET)
    walls, size, cpu = [], 0, time.process_time()
    for index, picture in enumerate(pictures):
        begin = time.perf_counter()
        size += sum(len(unit.data) for unit in encoder.encode(frame(picture, index), force_key=False))
        walls.append((time.perf_counter() - begin) * 1e3)
    return (time.process_time() - cpu) * 1e3 / len(pictures), walls, size


def bare(pictures: _Pictures) -> tuple[float, int]:
    """(CPU ms per frame, bytes) of nothing but x264 through PyAV, with the same set-up."""
    wish = Wish(VIDEO, _TARGET, "ultrafast")
    context = cast(VideoCodecContext, av.CodecContext.create(X264.ffmpeg, "w"))
    context.width, context.height, context.pix_fmt = VIDEO.width, VIDEO.height, "yuv420p"
    context.framerate, context.time_base, context.gop_size = VIDEO.fps, Fraction(1, 90_000), wish.gop_frames
    context.bit_rate, context.thread_count = X264.opening_bps(wish), X264.threads(wish)
    context.options = dict(X264.options(wish))
    context.open()
    context.bit_rate = _TARGET.bitrate_bps
    size, cpu = 0, time.process_time()
    for index, picture in enumerate(pictures):
        whole = picture.reshape(VIDEO.height * 3 // 2, VIDEO.width)
        taken = av.VideoFrame.from_numpy_buffer(whole, format="yuv420p", width=VIDEO.width)
        taken.pts = index * 1500
        size += sum(packet.size for packet in context.encode(taken))
    return (time.process_time() - cpu) * 1e3 / len(pictures), size


def ffmpeg(raw: Path, frames: int) -> float:
    """CPU ms per frame of the command line on the same pictures and settings."""
    source = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "1920x1080", "-r", "60", "-i", str(raw)]
    coding = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-profile:v", "baseline"]
    rate = ["-b:v", "8M", "-maxrate", "20M", "-bufsize", "1M", "-g", "120", "-sc_threshold", "0", "-threads", "1"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["ffmpeg", "-v", "error", *source, *coding, *rate, "-f", "null", "-"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3 / frames


def _compare(
    name: str, turns: list[tuple[tuple[float, list[float], int], tuple[float, int]]], reference: float
) -> None:
    (cpu, walls, size), (bare_cpu, bare_size) = min(turns, key=lambda t: t[0][0])[0], min(t[1] for t in turns)
    p50, p95, p99 = statistics.median(walls), *(statistics.quantiles(walls, n=100)[at] for at in (94, 98))
    over = statistics.median(ours_cpu / bare_cpu for (ours_cpu, _, _), (bare_cpu, _) in turns)
    mbit = 8 * 60 / len(walls) / 1e6
    print(
        f"{name} 1080p60: ours {cpu:.2f} ms CPU per frame (wall p50 {p50:.2f}, p95 {p95:.2f}, p99 {p99:.2f}) at"
        f" {size * mbit:.1f} Mbit/s; bare PyAV {bare_cpu:.2f} at {bare_size * mbit:.1f}, ratio turn by turn {over:.3f};"
        f" ffmpeg {reference:.2f}, ratio {cpu / reference:.2f}"
    )


def main(arguments: list[str] | None = None) -> None:
    words = sys.argv[1:] if arguments is None else arguments
    frames = int(words[0]) if words else 240
    for name, make in (("sim", sim_pictures), ("moving", moving_pictures)):
        pictures = make(frames)
        with tempfile.TemporaryDirectory() as directory:
            raw = Path(directory) / "in.yuv"
            with raw.open("wb") as file:
                for picture in pictures:
                    file.write(picture.data)
            reference = statistics.median(ffmpeg(raw, frames) for _ in range(3))
        _compare(name, [(ours(pictures), bare(pictures)) for _ in range(5)], reference)
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    print(f"conditions: {frames} frames, one thread, {os.cpu_count()} cores, load {load}")


if __name__ == "__main__":
    main()
