"""read_strip on pictures of each kind."""

from __future__ import annotations

import pytest

from edge.measure.strip_reader import read_strip
from tests.edge.measure.bench import START_UTC_NS, picture

UTC_US = START_UTC_NS // 1000


@pytest.mark.parametrize(("width", "height"), [(512, 288), (1008, 568), (1024, 576), (1920, 1080)])
def test_strip_is_read_at_both_cell_sizes(width: int, height: int) -> None:
    assert read_strip(picture(width, height, UTC_US)) == UTC_US % (1 << 48)


@pytest.mark.parametrize("layout", ["nv12", "yuv422p", "yuv444p", "uyvy422", "rgb24", "gray", "yuvj420p"])
def test_strip_is_read_from_other_layouts(layout: str) -> None:
    assert read_strip(picture(640, 360, UTC_US).reformat(format=layout)) == UTC_US % (1 << 48)


def test_picture_without_strip_has_none() -> None:
    assert read_strip(picture(640, 360, None)) is None


def test_picture_too_small_for_a_strip_has_none() -> None:
    assert read_strip(picture(320, 240, UTC_US)) is None
