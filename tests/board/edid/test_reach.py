"""What the lanes carry is computed as the driver of the TC358743 computes it."""

from __future__ import annotations

import pytest

from board.edid.reach import reach
from board.edid.receiver import CsiLink


@pytest.mark.parametrize(
    ("lanes", "mbps", "sentence"),
    [
        (1, 972, "1 lane of 972 Mbit/s: up to 720p60 UYVY"),
        (2, 972, "2 lanes of 972 Mbit/s: up to 1080p50 UYVY, 1080p30 RGB"),
        (3, 972, "3 lanes of 972 Mbit/s: up to 1080p60 UYVY, 1080p50 RGB"),
        (4, 972, "4 lanes of 972 Mbit/s: up to 1080p60 UYVY, 1080p60 RGB"),
        (2, 594, "2 lanes of 594 Mbit/s: up to 1080p30 UYVY, 720p50 RGB"),
        (4, 594, "4 lanes of 594 Mbit/s: up to 1080p60 UYVY, 1080p30 RGB"),
        (1, 300, "1 lane of 300 Mbit/s: less than 720p50"),
    ],
)
def test_sentence_names_the_best_mode_of_each_layout(lanes: int, mbps: int, sentence: str) -> None:
    assert reach(CsiLink(lanes, mbps)) == sentence
