"""What is wanted of the picture before it is encoded: capture modes, a crop, privacy masks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from edge.model.errors import Invalid
from edge.model.rect import Rect

Size = tuple[int, int]
MASK_AREAS = 32
NO_PRESET = "none"
_MODE = re.compile(r"([1-9]\d{1,4})x([1-9]\d{1,4})@([1-9]\d{0,2})")


@dataclass(frozen=True, slots=True)
class CaptureMode:
    """A mode that a source may be asked for. `fine_colour`: rather a layout with much colour, if it has several."""

    width: int
    height: int
    fps: int
    fine_colour: bool = False

    def __str__(self) -> str:
        return f"{self.width}x{self.height}@{self.fps}"

    @classmethod
    def parse(cls, text: str, *, fine_colour: bool = False) -> Self:
        """`1920x1080@60`. Raises Invalid."""
        match = _MODE.fullmatch(text)
        if match is None:
            raise Invalid(f"{text!r} is not a mode such as 1920x1080@60")
        width, height, fps = map(int, match.groups())
        return cls(width, height, fps, fine_colour)


@dataclass(frozen=True, slots=True)
class Area:
    """A crop: that rectangle of a picture of the size `of`. Raises Invalid `crop_outside_picture`."""

    of: Size
    rect: Rect

    def __post_init__(self) -> None:
        _require_inside("crop", self.of, self.rect)

    def on(self, size: Size) -> Rect | None:
        """The rectangle in a picture of that size; None where the shape is another."""
        return scaled(self.rect, self.of, size)


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rectangles to black out in a picture of the size `of`. Raises Invalid `mask_outside_picture`."""

    of: Size
    rects: tuple[Rect, ...]

    def __post_init__(self) -> None:
        for rect in self.rects:
            _require_inside("mask", self.of, rect)


@dataclass(frozen=True, slots=True)
class Mask:
    """One mask, drawn for one or several picture sizes.

    A picture of another size takes a sheet of its own shape, scaled: a device that is switched
    from 1080p to 2160p shows the same screen larger. A picture of another shape has its text
    elsewhere: no sheet fits, and none is guessed.
    """

    sheets: tuple[Sheet, ...]

    def on(self, size: Size) -> tuple[Rect, ...] | None:
        """The rectangles in a picture of that size; None when no sheet fits."""
        fitting = [sheet for sheet in self.sheets if sheet.of == size] or self.sheets
        for sheet in fitting:
            rects = [scaled(rect, sheet.of, size) for rect in sheet.rects]
            if None not in rects:
                return tuple(rect for rect in rects if rect is not None)
        return None

    @property
    def sizes(self) -> tuple[Size, ...]:
        return tuple(sheet.of for sheet in self.sheets)


@dataclass(frozen=True, slots=True)
class PictureSpec:
    """The wish for the picture. `masks` hold together: what any of them covers is black.

    Masks and crop are told in pixels of the source's picture, so that one can change without the
    other. `withheld` is the reason why no picture may leave at all: the masks are not known.
    """

    modes: tuple[CaptureMode, ...] = ()
    crop: Area | None = None
    masks: tuple[Mask, ...] = ()
    freeze_after_ms: int = 400
    withheld: str = ""

    def blacks(self, size: Size) -> tuple[Rect, ...] | None:
        """The rectangles that must be black in a picture of that size; None: all of it."""
        if self.withheld:
            return None
        found: list[Rect] = []
        for mask in self.masks:
            rects = mask.on(size)
            if rects is None:
                return None
            found += rects
        return tuple(dict.fromkeys(found))


def uncovers(before: PictureSpec, after: PictureSpec, *, now: Size | None) -> bool:
    """Whether `after` would show a pixel that `before` hides: in the picture of the size `now`, or in
    one of any size for which either has a mask."""
    sizes = {size for spec in (before, after) for mask in spec.masks for size in mask.sizes}
    sizes |= {now or (1920, 1080)}
    return any(not _covers(after.blacks(size), before.blacks(size)) for size in sizes)


def scaled(rect: Rect, of: Size, to: Size) -> Rect | None:
    """The rectangle in the same picture of another size, grown to whole pixels; None where the shape differs."""
    if of == to:
        return rect
    if of[0] * to[1] != of[1] * to[0]:
        return None
    x, y = rect.x * to[0] // of[0], rect.y * to[1] // of[1]
    right = -(-(rect.x + rect.width) * to[0] // of[0])
    bottom = -(-(rect.y + rect.height) * to[1] // of[1])
    return Rect(x, y, right - x, bottom - y)


def _covers(cover: tuple[Rect, ...] | None, hidden: tuple[Rect, ...] | None) -> bool:
    """Whether every pixel of `hidden` is in `cover`; None is all of the picture."""
    if cover is None or hidden is None:
        return cover is None
    return all(_is_covered(rect, cover) for rect in hidden)


def _is_covered(rect: Rect, cover: tuple[Rect, ...]) -> bool:
    """Each cell of the grid that all edges make is either in one rectangle or in none: its corner decides."""
    right, bottom = rect.x + rect.width, rect.y + rect.height
    xs = {rect.x} | {x for one in cover for x in (one.x, one.x + one.width) if rect.x <= x < right}
    ys = {rect.y} | {y for one in cover for y in (one.y, one.y + one.height) if rect.y <= y < bottom}
    return all(any(_holds(one, x, y) for one in cover) for x in xs for y in ys)


def _holds(rect: Rect, x: int, y: int) -> bool:
    return rect.x <= x < rect.x + rect.width and rect.y <= y < rect.y + rect.height


def _require_inside(what: str, of: Size, rect: Rect) -> None:
    if not rect.within(*of):
        sentence = f"{what} {rect} does not lie inside the picture of {of[0]}x{of[1]}"
        raise Invalid(sentence, code=f"{what}_outside_picture")
