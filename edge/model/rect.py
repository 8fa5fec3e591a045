"""A rectangle in a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from edge.model.errors import Invalid


@dataclass(frozen=True, slots=True)
class Rect:
    """In pixels from the upper left corner of the picture. Raises Invalid when it is empty or begins outside."""

    x: int
    y: int
    width: int
    height: int

    def __post_init__(self) -> None:
        if self.x < 0 or self.y < 0 or self.width < 1 or self.height < 1:
            raise Invalid(f"rectangle {self}: x and y must be 0 or more, width and height 1 or more")

    def __str__(self) -> str:
        return f"{self.width}x{self.height}+{self.x}+{self.y}"

    def within(self, width: int, height: int) -> bool:
        """Whether a picture of that size holds all of it."""
        return self.x + self.width <= width and self.y + self.height <= height

    def grown_to_even(self) -> Self:
        """The smallest rectangle with even sides at even places that covers this one, since pixels share chroma."""
        x, y = self.x & ~1, self.y & ~1
        right, bottom = self.x + self.width + 1 & ~1, self.y + self.height + 1 & ~1
        return type(self)(x, y, right - x, bottom - y)
