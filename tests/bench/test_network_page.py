"""RTP times become capture times by the strips that were read."""

from __future__ import annotations

from typing import Any

import pytest

from edge.model.strip import strip_word
from tests.bench.network_page import paired

UTC_S = 1_795_000_000.0


def cells(captured_s: float) -> list[int]:
    word = strip_word(round(captured_s * 1e6))
    return [235 if word[index // 8] >> (7 - index % 8) & 1 else 16 for index in range(64)]


def raw(index: int, *, read: bool, rtp_base: int = 0, rtp_step: float = 3000) -> list[Any]:
    """Picture `index` of 30 a second, shown 80 ms after its capture on a page that began at UTC_S."""
    rtp = round(rtp_base + index * rtp_step) % 2**32
    return [index * 1000 / 30 + 80, rtp, cells(UTC_S + index / 30) if read else None]


def test_pictures_between_strips_get_their_capture_time_from_rtp() -> None:
    found = paired([raw(index, read=index % 3 == 0, rtp_base=2**32 - 9000) for index in range(30)], UTC_S * 1000)
    assert len(found) == 30
    assert [one.shown_s - one.captured_s for one in found] == pytest.approx([0.08] * 30, abs=1e-4)


def test_new_session_begins_a_new_reckoning() -> None:
    before = [raw(index, read=index % 3 == 0) for index in range(61)]
    after = [raw(index, read=index % 3 == 0, rtp_base=123_456_789) for index in range(61, 120)]
    found = paired(before + after, UTC_S * 1000)
    assert [one.shown_s - one.captured_s for one in found] == pytest.approx([0.08] * 120, abs=1e-4)


def test_rtp_times_that_are_no_capture_times_are_not_believed() -> None:
    found = paired([raw(index, read=index % 3 == 0, rtp_step=2500) for index in range(30)], UTC_S * 1000)
    assert [one.shown_s - one.captured_s for one in found] == pytest.approx([0.08] * 30, abs=1e-4)


def test_strip_of_a_later_picture_than_the_callbacks_misleads_nobody() -> None:
    pictures = [raw(index, read=index % 3 == 0) for index in range(60)]
    for index in (3, 9, 30):
        pictures[index][2] = cells(UTC_S + (index + 1) / 30)
    found = paired(pictures, UTC_S * 1000)
    assert [one.shown_s - one.captured_s for one in found] == pytest.approx([0.08] * 60, abs=1e-4)


def test_damaged_strip_says_nothing() -> None:
    one = raw(0, read=True)
    one[2][20] = 255 - one[2][20]
    found = paired([one, raw(3, read=True), raw(6, read=True)], UTC_S * 1000)
    assert [one.captured_s - UTC_S for one in found] == pytest.approx([0, 0.1, 0.2], abs=1e-4)
    assert paired([one], UTC_S * 1000) == []
