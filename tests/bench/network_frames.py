"""The benchmark's clip as raw yuv420p for other people's encoders: `python -m tests.bench.network_frames SENT`.

Writes pictures to standard output as they are captured, and into the file SENT a line with each one's capture
time (UTC ns). A reader that does not keep up gets the newest picture, as the box's own encoder does.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from board.sim.source import SimSource
from edge.media.painter import PillowPainter
from edge.model.frame import Frame
from edge.runtime.clock import SystemClock
from tests.bench.network_clip import FPS, GRAIN, HEIGHT, WIDTH

PICTURE_BYTES = WIDTH * HEIGHT * 3 // 2


def frames() -> Iterator[tuple[Frame, bytes]]:
    """Without end: each frame and its planes in one piece."""
    source = SimSource(clock=SystemClock(), painter=PillowPainter(), width=WIDTH, height=HEIGHT, fps=FPS, grain=GRAIN)
    source.open()
    while True:
        frame = source.read(1.0)
        if not isinstance(frame, Frame):
            continue
        picture = b"".join(plane.memory for plane in frame.lease.planes)
        frame.lease.release()
        yield frame, picture


def sent_s(path: Path) -> list[float]:
    """The capture times in such a file, UTC seconds."""
    return [int(line) / 1e9 for line in path.read_text().splitlines()]


def main() -> None:
    with Path(sys.argv[1]).open("w") as sent:
        for frame, picture in frames():
            rest = memoryview(picture)
            while rest:
                rest = rest[os.write(1, rest) :]
            print(frame.utc_ns, file=sent, flush=True)


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        sys.exit(0)
