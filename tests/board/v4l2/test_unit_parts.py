"""When the buffers of a picture are a whole unit, and what becomes of those of another time."""

from __future__ import annotations

import pytest

from board.v4l2.coding import AnnexB
from board.v4l2.unit_parts import Dropped, UnitParts
from edge.model.errors import EncoderFailed
from edge.model.video import Codec

SETS, IDR, P = b"\0\0\0\x01\x67\x42\0\0\0\x01\x68\xce", b"\0\0\0\x01\x65" + b"\x88" * 200, b"\0\0\0\x01\x41\x9a"


@pytest.fixture
def dropped() -> Dropped:
    return Dropped()


@pytest.fixture
def first(dropped: Dropped) -> UnitParts:
    return UnitParts(AnnexB(Codec.H264), 1000, dropped=dropped, first=True)


@pytest.fixture
def later(dropped: Dropped) -> UnitParts:
    coding = AnnexB(Codec.H264)
    coding.picture(SETS + IDR)
    return UnitParts(coding, 1000, dropped=dropped, first=False)


def test_a_buffer_with_room_left_is_a_whole_unit(first: UnitParts) -> None:
    first.add(SETS + IDR, 1000, room=4096)
    assert first.done
    assert first.picture is not None
    assert first.picture.data == SETS + IDR


@pytest.mark.parametrize("stamp_us", [1000, 0])
def test_a_full_buffer_has_a_sequel_with_the_same_time_or_none(first: UnitParts, stamp_us: int) -> None:
    whole = SETS + IDR
    first.add(whole[:128], 1000, room=128)
    assert (first.done, first.unsure) == (False, True)
    first.add(whole[128:], stamp_us, room=256)
    assert (first.done, first.unsure) == (True, False)
    assert first.picture is not None
    assert first.picture.data == whole


def test_a_full_buffer_without_a_sequel_is_whole_once_it_settles(first: UnitParts) -> None:
    first.add(SETS + IDR, 1000, room=len(SETS + IDR))
    assert not first.done
    first.settle()
    assert first.done


def test_the_first_picture_is_waited_for_behind_its_header(first: UnitParts) -> None:
    first.add(SETS, 1000, room=4096)
    assert (first.done, first.unsure) == (False, False)
    first.add(IDR, 1000, room=4096)
    assert first.picture is not None
    assert first.picture.data == SETS + IDR


def test_later_on_a_header_without_a_picture_is_a_picture_left_out(later: UnitParts, dropped: Dropped) -> None:
    later.add(SETS, 1000, room=4096)
    assert (later.done, later.unsure) == (False, True)
    later.settle()
    assert (later.done, later.picture, dropped.skipped) == (True, None, 1)


def test_parameter_sets_without_a_time_are_kept(first: UnitParts, dropped: Dropped) -> None:
    first.add(SETS, 0, room=4096)
    assert (dropped.junk, first.done) == (1, False)
    first.add(IDR, 1000, room=4096)
    assert first.picture is not None
    assert first.picture.data == SETS + IDR


def test_junk_and_empty_buffers_are_passed_over(first: UnitParts, dropped: Dropped) -> None:
    first.add(b"\0" * 16, 0, room=4096)
    first.add(b"", 1000, room=4096)
    assert (dropped.junk, dropped.late, first.done, first.lost) == (1, 0, False, False)


def test_a_unit_of_the_past_is_a_loss(later: UnitParts, dropped: Dropped) -> None:
    later.add(P, 500, room=4096)
    assert (dropped.late, later.lost, later.done) == (1, True, False)


def test_garbage_of_this_time_is_an_error(later: UnitParts) -> None:
    with pytest.raises(EncoderFailed):
        later.add(b"\x47" * 20, 1000, room=4096)
