"""Rectangles know what they cover."""

from __future__ import annotations

import pytest

from edge.model.errors import Invalid
from edge.model.rect import Rect


@pytest.mark.parametrize(("x", "y", "width", "height"), [(-1, 0, 2, 2), (0, -1, 2, 2), (0, 0, 0, 2), (0, 0, 2, 0)])
def test_empty_or_outside_is_refused(x: int, y: int, width: int, height: int) -> None:
    with pytest.raises(Invalid, match="rectangle"):
        Rect(x, y, width, height)


def test_within_counts_the_last_pixel() -> None:
    assert Rect(2, 2, 8, 8).within(10, 10)
    assert not Rect(3, 2, 8, 8).within(10, 10)
    assert not Rect(2, 3, 8, 8).within(10, 10)


def test_growing_to_even_covers_it_and_no_more_than_needed() -> None:
    assert Rect(3, 5, 2, 1).grown_to_even() == Rect(2, 4, 4, 2)
    assert Rect(2, 4, 4, 2).grown_to_even() == Rect(2, 4, 4, 2)
