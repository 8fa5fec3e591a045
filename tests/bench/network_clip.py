"""The clip of the network benchmark, and how like it a received picture is."""

from __future__ import annotations

import time
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from board.sim.picture import Moment, Pattern
from edge.media.painter import PillowPainter
from edge.model import strip
from edge.model.video import VideoFormat

WIDTH, HEIGHT, FPS, GRAIN = 1920, 1080, 30, 8
BITRATE_BPS, MAX_BITRATE_BPS = 8_000_000, 20_000_000
SPEED = "ultrafast"  # 1080p30 with this grain costs 15 ms a picture here; the box's own choice takes 24
DESCRIPTION = (
    f"sim {HEIGHT}p{FPS}, grain {GRAIN} (fresh noise on the lower third), "
    f"x264 {SPEED} at {BITRATE_BPS / 1e6:g} Mb/s, ceiling {MAX_BITRATE_BPS / 1e6:g}"
)
_COUNTERS = 6000  # 200 s: no source of a run is older when its first picture is looked at
_TEXT_ROWS = slice(16, 160)


class Original:
    """Draws again what the source drew: the strip tells the time, one look at the text the frame counter."""

    def __init__(self) -> None:
        video = VideoFormat(WIDTH, HEIGHT, Fraction(FPS))
        self._pattern = Pattern(format=video, painter=PillowPainter(), grain=GRAIN)
        self._sheet = self._pattern.sheet()
        self._known: tuple[int, int] | None = None

    def psnr_now_db(self, luma: NDArray[np.uint8]) -> float | None:
        """As `psnr_db`, of a picture of just now that brings its time in its strip; None when that is damaged."""
        side = strip.cell_px(luma.shape[1])
        cells = luma[side // 2, side // 2 : side * strip.CELLS : side] if side else ()
        stamp_us = strip.read_cells([int(value) for value in cells])
        return None if stamp_us is None else self.psnr_db(luma, strip.unwrap_us(stamp_us, time.time_ns() // 1000))

    def psnr_db(self, luma: NDArray[np.uint8], captured_us: int) -> float | None:
        """Of the luma of one whole picture; None when it has another size."""
        if luma.shape != (HEIGHT, WIDTH):
            return None
        if self._known is None:
            self._known = captured_us, self._counter(luma, captured_us)
        first_us, counter = self._known
        self._draw(captured_us, counter + round((captured_us - first_us) * FPS / 1e6))
        error = luma.astype(np.int16) - self._sheet.luma
        square = float(np.mean(np.square(error, dtype=np.int32)))
        return 99.0 if square == 0 else float(10 * np.log10(255 * 255 / square))

    def _draw(self, captured_us: int, counter: int) -> None:
        self._pattern.draw(self._sheet, Moment(captured_us * 1000, max(0, counter)))

    def _counter(self, luma: NDArray[np.uint8], captured_us: int) -> int:
        """The counter whose picture is most like this one where the text stands."""
        text = luma[_TEXT_ROWS, ::4].astype(np.int16)

        def difference(counter: int) -> int:
            self._draw(captured_us, counter)
            return int(np.abs(text - self._sheet.luma[_TEXT_ROWS, ::4]).sum())

        return min(range(_COUNTERS), key=difference)
