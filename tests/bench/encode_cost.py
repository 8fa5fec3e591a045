"""What our x264 encoder costs beside ffmpeg's own on the same raw pictures: CPU milliseconds per frame.

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

import numpy as np
from numpy.typing import NDArray

from board.av.x264 import X264Encoder
from board.sim.picture import Moment, Pattern
from edge.media.painter import PillowPainter
from edge.model.frame import Frame, Lease, Plane, Stamps
from edge.model.video import EncodeTarget, VideoFormat

_VIDEO = VideoFormat(1920, 1080, Fraction(60))
_TARGET = EncodeTarget(8_000_000, 20_000_000)
_Pictures = list[NDArray[np.uint8]]


def sim_pictures(count: int) -> _Pictures:
    pattern = Pattern(format=_VIDEO, painter=PillowPainter())
    sheet = pattern.sheet()
    pictures = []
    for index in range(count):
        pattern.draw(sheet, Moment(1_795_000_000_000_000_000 + index * 16_666_667, index))
        pictures.append(np.concatenate([np.frombuffer(plane.memory, np.uint8) for plane in sheet.planes]))
    return pictures


def moving_pictures(count: int) -> _Pictures:
    """Soft texture that drifts over the whole picture, as a camera's does."""
    rows, columns = _VIDEO.height * 3 // 2, _VIDEO.width
    y, x = np.mgrid[0:rows, 0:columns]
    still = (110 + 50 * np.sin(x / 37) * np.cos(y / 23) + 20 * np.sin((x + y) / 7)).astype(np.uint8)
    return [np.roll(still, (index, 2 * index), axis=(0, 1)).reshape(-1) for index in range(count)]


def _frame(picture: NDArray[np.uint8], index: int) -> Frame:
    flat, luma, width = picture.data, _VIDEO.width * _VIDEO.height, _VIDEO.width
    planes = (
        Plane(flat[:luma], width),
        Plane(flat[luma : luma * 5 // 4], width // 2),
        Plane(flat[luma * 5 // 4 :], width // 2),
    )
    return Frame(index, _VIDEO, Lease(planes), Stamps(10**12 + index * 16_666_667), 0)


def ours(pictures: _Pictures) -> tuple[float, list[float], int]:
    """(CPU ms per frame, wall ms of each, bytes)."""
    encoder = X264Encoder()
    encoder.open(_VIDEO, _TARGET)
    walls, size, cpu = [], 0, time.process_time()
    for index, picture in enumerate(pictures):
        begin = time.perf_counter()
        size += sum(len(unit.data) for unit in encoder.encode(_frame(picture, index), force_key=False))
        walls.append((time.perf_counter() - begin) * 1e3)
    return (time.process_time() - cpu) * 1e3 / len(pictures), walls, size


def ffmpeg(raw: Path, frames: int) -> float:
    """CPU ms per frame of the command line on the same pictures and settings."""
    source = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "1920x1080", "-r", "60", "-i", str(raw)]
    coding = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-profile:v", "baseline"]
    rate = ["-b:v", "8M", "-maxrate", "20M", "-bufsize", "1M", "-g", "120", "-sc_threshold", "0", "-threads", "1"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["ffmpeg", "-v", "error", *source, *coding, *rate, "-f", "null", "-"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3 / frames


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
        cpu, walls, size = sorted((ours(pictures) for _ in range(3)), key=lambda run: run[0])[1]
        p50, p99 = statistics.median(walls), statistics.quantiles(walls, n=100)[98]
        print(
            f"{name} 1080p60: ours {cpu:.2f} ms CPU per frame (wall p50 {p50:.2f}, p99 {p99:.2f}), ffmpeg"
            f" {reference:.2f}, ratio {cpu / reference:.2f}, {size * 8 * 60 / frames / 1e6:.1f} Mbit/s"
        )
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    print(f"conditions: {frames} frames, one thread, {os.cpu_count()} cores, load {load}")


if __name__ == "__main__":
    main()
