"""How x264 obeys at 1080p60 on a picture that moves all over: delay, keyframes, a live bitrate, peaks. No CPU figures.

Run: python tests/bench/encode_rate.py [FRAMES]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from board.av.x264 import X264Encoder
from edge.model.video import EncodeTarget, Refresh
from tests.bench.encode_cost import VIDEO, frame, moving_pictures

_FPS = 60
_RATES_BPS = (6_000_000, 12_000_000, 3_000_000, 8_000_000)


class Line:
    """An encoder fed with pictures in a ring; remembers what came out."""

    def __init__(self, pictures: Sequence[np.ndarray], target: EncodeTarget) -> None:  # type: ignore[type-arg]
        self._pictures = pictures
        self._count = 0
        self.encoder = X264Encoder()
        self.encoder.open(VIDEO, target)
        self.bits: list[int] = []
        self.keys: list[int] = []
        self.delay = 0

    def feed(self, frames: int, *, key_at: int = -1) -> list[int]:
        """The sizes in bits of what these frames gave."""
        before = len(self.bits)
        for index in range(frames):
            picture = self._pictures[self._count % len(self._pictures)]
            for unit in self.encoder.encode(frame(picture, self._count), force_key=index == key_at):
                if unit.key:
                    self.keys.append(len(self.bits))
                self.bits.append(8 * len(unit.data))
            self._count += 1
            self.delay = max(self.delay, self._count - len(self.bits))
        return self.bits[before:]


def frames_until_obeyed(bits: Sequence[int], wanted_bps: int) -> int | None:
    """The first frame from which the next half second is within 10 % of it."""
    window = _FPS // 2
    rates = (sum(bits[at : at + window]) * 2 for at in range(len(bits) - window + 1))
    return next((at for at, rate in enumerate(rates) if abs(rate / wanted_bps - 1) <= 0.1), None)


def main(arguments: list[str] | None = None) -> None:
    words = sys.argv[1:] if arguments is None else arguments
    frames = int(words[0]) if words else 120
    pictures = moving_pictures(120)
    line = Line(pictures, EncodeTarget(_RATES_BPS[0], max(_RATES_BPS)))
    line.feed(20, key_at=13)
    print(f"delay {line.delay} frames; keyframe asked for with frame 13 came as frame {line.keys[-1]}")
    for wanted in _RATES_BPS:
        line.encoder.retarget(EncodeTarget(wanted, max(_RATES_BPS)))
        bits = line.feed(frames)
        until, settled = frames_until_obeyed(bits, wanted), bits[_FPS // 2 :]
        rate = sum(settled) * _FPS / len(settled)
        print(f"to {wanted / 1e6:.0f} Mbit/s: obeyed from frame {until} on, after 0.5 s {rate / wanted:.3f} of it")
    cbr = EncodeTarget(8_000_000, 8_000_000, gop_s=1.0)
    for target in (cbr, replace(cbr, refresh=Refresh.INTRA)):
        settled = Line(pictures, target).feed(2 * frames)[_FPS // 2 :]
        peak, mean = max(settled), sum(settled) / len(settled)
        print(f"CBR 8 Mbit/s, {target.refresh}: largest unit {peak / mean:.2f} of the mean, {peak / 8000:.0f} kB")


if __name__ == "__main__":
    main()
