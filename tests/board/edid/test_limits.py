"""Fitting to a board and locking: what goes, why, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from board.edid.build import build
from board.edid.dtd import fits_dtd
from board.edid.limits import limit, lock
from board.edid.modes import BY_DMT, BY_VIC, mode
from board.edid.presets import preset
from board.edid.receiver import CsiLink, Receiver, tc358743
from edge.model.errors import NotSupported
from tests.board.edid.edid_decode import judge


def test_dropped_modes_are_told_with_their_reason() -> None:
    limited = limit(preset("4-lane"), tc358743(CsiLink(2)))
    assert [str(each) for each in limited.dropped] == [
        "1920x1080p60 needs 3 lanes of 972 Mb/s at 2 bytes a pixel, the board has 2",
        "1920x1200p60rb needs 3 lanes of 972 Mb/s at 2 bytes a pixel, the board has 2",
    ]
    assert limited.description.preferred.name == "1920x1080p50"


def test_interlaced_modes_go_where_the_board_has_no_use_for_them() -> None:
    known = preset("interlaced")
    limited = limit(known, replace(known.receiver, interlaced=False))
    assert {each.mode.name for each in limited.dropped} == {
        *("1920x1080i60", "1920x1080i50", "1440x576i50", "1440x480i60"),
    }
    assert {each.reason for each in limited.dropped} == {"is interlaced, which the board cannot take"}


def test_board_that_carries_all_changes_nothing() -> None:
    known = preset("4-lane")
    limited = limit(known, known.receiver)
    assert limited.dropped == ()
    assert build(limited.description) == build(known)


def test_limited_edid_is_another_display_to_the_host() -> None:
    known = preset("4-lane")
    limited = build(limit(known, tc358743(CsiLink(2))).description)
    assert limited[10:16] != build(known)[10:16]


def test_next_preferred_mode_is_one_that_an_edid_can_prefer() -> None:
    card = Receiver(max_width=4096, max_height=2160, max_clock_khz=600_000, interlaced=False)
    wide = replace(preset("2160p60"), receiver=card, modes=(mode("4096x2160p24"), mode("1080p60")))
    limited = limit(wide, replace(card, max_clock_khz=340_000))
    assert limited.description.preferred.name == "1920x1080p60"
    assert mode("4096x2160p24") in limited.description.offered


def test_board_that_cannot_do_the_obligatory_mode_is_refused() -> None:
    with pytest.raises(NotSupported) as caught:
        limit(preset("2-lane"), tc358743(CsiLink(1, lane_mbps=100)))
    assert str(caught.value) == (
        "the board carries not even the obligatory 640x480p60: "
        "it needs 3 lanes of 100 Mb/s at 2 bytes a pixel, the board has 1"
    )


def test_lock_offers_a_mode_that_the_preset_did_not_have() -> None:
    locked = lock(preset("2-lane"), mode("1280x960p60"))
    assert [each.name for each in locked.offered] == ["1280x960p60", "640x480p60"]


@pytest.mark.parametrize(
    ("name", "wanted", "message"),
    [
        ("2-lane", "1080p60", "needs 3 lanes of 972 Mb/s at 2 bytes a pixel, the board has 2"),
        ("4-lane", "1080i50", "is interlaced, which the board cannot take"),
        ("4-lane", "2160p30", "is larger than the board's 1920x1200"),
        ("2160p30", "2160p60", "has a pixel clock of 594 MHz, the board takes 300"),
    ],
)
def test_lock_beyond_the_board_is_refused_with_the_reason(name: str, wanted: str, message: str) -> None:
    with pytest.raises(NotSupported) as caught:
        lock(preset(name), mode(wanted))
    assert str(caught.value) == f"cannot lock to {mode(wanted).name}: it {message}"


def test_lock_to_what_no_edid_can_prefer_is_refused() -> None:
    card = replace(preset("2160p60"), receiver=Receiver(4096, 2160, 600_000, interlaced=False))
    with pytest.raises(NotSupported, match="cannot lock to 4096x2160p24: it is too large for a detailed timing"):
        lock(card, mode("4096x2160p24"))


@pytest.mark.peer
def test_lock_to_any_known_mode_of_a_board_that_takes_all_passes_edid_decode() -> None:
    card = Receiver(4096, 2160, 600_000, interlaced=True)
    known = replace(preset("2160p60"), receiver=card)
    carried = [each for each in (*BY_VIC.values(), *BY_DMT.values()) if not card.refusal(each.timing)]
    lockable = [each for each in carried if fits_dtd(each.timing)]
    assert len(lockable) > 190
    verdicts = {each: judge(build(lock(known, each))) for each in lockable}
    assert [(each.name, verdict.complaints) for each, verdict in verdicts.items() if not verdict.passed] == []
