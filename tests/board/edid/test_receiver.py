"""What each board can carry: the table of the TC358743's driver, and the other limits."""

from __future__ import annotations

import pytest

from board.edid.modes import mode
from board.edid.receiver import CsiLink, Receiver, tc358743


@pytest.mark.parametrize(
    ("name", "lanes"),
    [
        # at 972 Mb/s UYVY, 972 RGB, 594 UYVY, 594 RGB
        ("720p60", (1, 2, 2, 3)),
        ("1080p30", (2, 2, 2, 3)),
        ("1080p50", (2, 3, 3, 5)),
        ("1080p60", (3, 4, 4, 6)),
        ("1600x1200p60", (2, 3, 4, 5)),
        ("1920x1200p60rb", (3, 4, 4, 6)),
    ],
)
def test_lanes_are_counted_as_the_driver_counts_them(name: str, lanes: tuple[int, ...]) -> None:
    links = (CsiLink(4, 972, 2), CsiLink(4, 972, 3), CsiLink(4, 594, 2), CsiLink(4, 594, 3))
    assert tuple(link.lanes_needed(mode(name).timing) for link in links) == lanes


def test_rate_is_rounded_as_the_driver_rounds_it() -> None:
    """59.94 counts as 60: 480 lines of 60 are what the lane must hold."""
    link = CsiLink(1, lane_mbps=331, bytes_per_pixel=2)
    assert 720 * 480 * 16 * 59.94 < 331.5e6 < 720 * 480 * 16 * 60
    assert link.lanes_needed(mode("480p60").timing) == 2


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("1080p60", "needs 3 lanes of 972 Mb/s at 2 bytes a pixel, the board has 2"),
        ("1080i50", "is interlaced, which the board cannot take"),
        ("2160p24", "is larger than the board's 1920x1200"),
        ("1600x1200p65", "has a pixel clock of 175.5 MHz, the board takes 165"),
        ("1080p50", None),
        ("1080p50rb", None),
    ],
)
def test_two_lanes_refuse_with_the_reason(name: str, reason: str | None) -> None:
    assert tc358743(CsiLink(2)).refusal(mode(name).timing) == reason


def test_receiver_without_lanes_is_bound_by_size_and_clock_only() -> None:
    card = Receiver(max_width=3840, max_height=2160, max_clock_khz=600_000, interlaced=True)
    assert [card.refusal(mode(name).timing) for name in ("2160p60", "1080i60", "640x480p60")] == [None] * 3
