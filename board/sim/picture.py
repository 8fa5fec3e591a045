"""The test picture: a still pattern, and over it what moves, rewritten in place."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from board.sim.bars import BLACK, WHITE, Bytes, Planes, paint_background
from board.sim.grain import Grain
from edge.model.frame import Plane
from edge.model.strip import CELLS, LUMA_ONE, LUMA_ZERO, cell_px, strip_word
from edge.model.video import VideoFormat
from edge.ports import Painter

_TIME_CHARS = len("00:00:00.000")
_COUNTER_CHARS = len("#00000000")
_COLUMNS = _TIME_CHARS + len(" UTC  ") + _COUNTER_CHARS
_SWEEP_S = 4


@dataclass(frozen=True, slots=True)
class Moment:
    """What a picture shows: UTC capture time in ns, and the frame counter."""

    utc_ns: int
    counter: int

    def text(self) -> str:
        seconds, rest_ns = divmod(self.utc_ns, 1_000_000_000)
        clock = time.strftime("%H:%M:%S", time.gmtime(seconds))
        return f"{clock}.{rest_ns // 1_000_000:03d}#{self.counter % 100_000_000:08d}"


class Sheet:
    """One buffer with the pattern in it, and what is drawn on it now."""

    def __init__(self, format: VideoFormat, background: Bytes) -> None:
        self._pixels = Planes(format.width, format.height)
        self._pixels.buffer[:] = background
        self.luma = self._pixels.luma
        self.text = ""
        self.mover_x = 0
        flat, luma = self._pixels.buffer.data, format.width * format.height
        half = format.width // 2
        self.planes = (
            Plane(flat[:luma], format.width),
            Plane(flat[luma : luma * 5 // 4], half),
            Plane(flat[luma * 5 // 4 :], half),
        )


class Pattern:
    """Draws moments on sheets of one format. From the top: time strip, time and counter, mover, pattern.

    `grain` is the strength of the noise in its lower part, in steps of luma; 0 is none.
    """

    def __init__(self, *, format: VideoFormat, painter: Painter, grain: int = 0) -> None:
        self._format = format
        self._cell = cell_px(format.width)
        self._glyphs, self._advance = _glyphs(painter, format)
        self._glyph_px = self._glyphs["0"].shape[0]
        self._text_top = self._cell + max(2, self._glyph_px // 8)
        self._mover = _disc(max(8, format.height // 32 // 2 * 2))
        self._mover_top = self._text_top + self._glyph_px + max(2, self._glyph_px // 8)
        self._mover_step = max(1, round((format.width - len(self._mover)) / (_SWEEP_S * format.fps)))
        self._background = self._paint(painter)
        self._grain = Grain(self.sheet().luma, steps=grain) if grain else None

    def sheet(self) -> Sheet:
        return Sheet(self._format, self._background)

    def draw(self, sheet: Sheet, moment: Moment) -> None:
        """Rewrite only what differs from the sheet's last moment."""
        if self._cell:
            bits = np.unpackbits(np.frombuffer(strip_word(moment.utc_ns // 1000), np.uint8))
            row = np.repeat(bits * np.uint8(LUMA_ONE - LUMA_ZERO) + np.uint8(LUMA_ZERO), self._cell)
            sheet.luma[: self._cell, : CELLS * self._cell] = row
        self._write(sheet, moment.text())
        self._move(sheet, moment.counter)
        if self._grain:
            self._grain.draw(sheet.luma, moment.counter)

    def _write(self, sheet: Sheet, text: str) -> None:
        before = sheet.text
        for index, letter in enumerate(text):
            if before[index : index + 1] != letter:
                column = index if index < _TIME_CHARS else index + _COLUMNS - len(text)
                self._put(sheet.luma, letter, column)
        sheet.text = text

    def _put(self, luma: Bytes, letter: str, column: int) -> None:
        room = luma[self._text_top : self._text_top + self._glyph_px, column * self._advance :][:, : self._advance]
        room[:] = self._glyphs[letter][:, : room.shape[1]]

    def _move(self, sheet: Sheet, counter: int) -> None:
        side = len(self._mover)
        rows = sheet.luma[self._mover_top : self._mover_top + side]
        rows[:, sheet.mover_x : sheet.mover_x + side] = BLACK
        sheet.mover_x = counter * self._mover_step % (self._format.width - side)
        rows[:, sheet.mover_x : sheet.mover_x + side] = self._mover

    def _paint(self, painter: Painter) -> Bytes:
        planes = Planes(self._format.width, self._format.height)
        top = (self._mover_top + len(self._mover) + 3) // 2 * 2
        paint_background(planes, top=top, colorimetry=self._format.colorimetry)
        for offset, letter in enumerate("UTC", start=_TIME_CHARS + 1):
            self._put(planes.luma, letter, offset)
        return planes.buffer


def _glyphs(painter: Painter, format: VideoFormat) -> tuple[dict[str, Bytes], int]:
    """Letters as luma in cells of one size, and that cell's width: the whole line fits the picture."""
    letters = "0123456789:.#UTC"
    height_px = max(8, format.height // 9)
    widest = max(painter.text(letter, height_px)[0] for letter in letters)
    if widest * (_COLUMNS + 1) > format.width:
        height_px = max(8, height_px * format.width // (widest * (_COLUMNS + 1)))
    masks = {letter: _mask(painter, letter, height_px) for letter in letters}
    height = max(mask.shape[0] for mask in masks.values())
    width = max(mask.shape[1] for mask in masks.values())
    return {letter: _cell(mask, height, width) for letter, mask in masks.items()}, width


def _mask(painter: Painter, letter: str, height_px: int) -> Bytes:
    width, height, coverage = painter.text(letter, height_px)
    return np.frombuffer(coverage, np.uint8).reshape(height, width)


def _cell(mask: Bytes, height: int, width: int) -> Bytes:
    """The letter in the middle of a cell, white on black."""
    cell = np.full((height, width), BLACK, np.uint8)
    left = (width - mask.shape[1]) // 2
    inked = BLACK + mask.astype(np.uint16) * (WHITE - BLACK) // 255
    cell[: mask.shape[0], left : left + mask.shape[1]] = inked
    return cell


def _disc(side: int) -> Bytes:
    """A white disc on black."""
    axis = np.arange(side) - (side - 1) / 2
    inside = axis[:, None] ** 2 + axis[None, :] ** 2 <= (side / 2) ** 2
    return np.where(inside, np.uint8(WHITE), np.uint8(BLACK))
