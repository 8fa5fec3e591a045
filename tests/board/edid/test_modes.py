"""The tables of modes are those of the standards, and people can name a mode as they are used to."""

from __future__ import annotations

import pytest

from board.edid.dtd import as_dtd
from board.edid.modes import BY_DMT, BY_VIC, Mode, mode, named
from board.edid.timing import Timing
from edge.model.errors import NotFound
from tests.board.edid.edid_decode import clock_10khz, known

TABLE = [("vic", number, each) for number, each in BY_VIC.items()]
TABLE += [("dmt", number, each) for number, each in BY_DMT.items()]


def test_tables_are_whole() -> None:
    assert set(BY_VIC) == {*range(1, 128), *range(193, 220)}
    assert set(BY_DMT) == set(range(1, 0x59))


@pytest.mark.parametrize("kind", ["vic", "dmt"])
def test_timing_is_the_one_that_edid_decode_knows(kind: str) -> None:
    differing = []
    for of_kind, number, each in TABLE:
        if of_kind != kind:
            continue
        timing, theirs = each.timing, known(kind, number)
        ours = (
            (timing.width, timing.height, timing.interlaced, clock_10khz(timing.clock_khz)),
            (timing.h_front, timing.h_sync, timing.h_back),
            (timing.v_front, timing.v_sync, timing.v_back),
            (timing.h_positive, timing.v_positive),
        )
        same_rate = abs(float(timing.rate_hz) - theirs.rate_hz) < 1e-5
        if ours != (theirs.seen, theirs.h, theirs.v, theirs.positive) or not same_rate:
            differing.append((number, ours, theirs))
    assert differing == []


@pytest.mark.parametrize(
    ("said", "name", "vic", "dmt"),
    [
        ("1280x720p50", "1280x720p50", 19, None),
        ("720p60", "1280x720p60", 4, None),
        ("1080p24", "1920x1080p24", 32, None),
        ("1080p25", "1920x1080p25", 33, None),
        ("1080p30", "1920x1080p30", 34, None),
        ("1080P50", "1920x1080p50", 31, None),
        ("1920x1080@60", "1920x1080p60", 16, None),
        ("1080i50", "1920x1080i50", 20, None),
        ("1080i60", "1920x1080i60", 5, None),
        ("1920x1200p60RB", "1920x1200p60rb", None, 0x44),
        ("1600x1200p60", "1600x1200p60", None, 0x33),
        ("1280x1024p60", "1280x1024p60", None, 0x23),
        ("1024x768p60", "1024x768p60", None, 0x10),
        (" 800x600p60 ", "800x600p60", None, 0x09),
        ("640x480p60", "640x480p60", 1, None),
        ("576p50", "720x576p50", 17, None),
        ("480p60", "720x480p60", 2, None),
        ("2160p24", "3840x2160p24", 93, None),
        ("2160p60", "3840x2160p60", 97, None),
        ("vic3", "720x480p60", 3, None),
    ],
)
def test_mode_is_found_by_what_people_call_it(said: str, name: str, vic: int | None, dmt: int | None) -> None:
    found = mode(said)
    assert (found.name, found.vic, found.dmt) == (name, vic, dmt)


def test_reduced_blanking_for_two_lanes_has_fifty_pictures_at_a_lower_clock() -> None:
    timing = mode("1080p50rb").timing
    assert timing.clock_khz == 115_020
    assert abs(float(timing.rate_hz) - 50) < 0.002
    assert timing.h_blank == 160


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("1080p51", "unknown mode '1080p51'; did you mean 1920x1080p50"),
        ("1280x1024", "or 1280x1024p60?"),
        ("vic200000000000000000", "unknown mode"),
        ("vic0", "unknown mode 'vic0'"),
        ("", "unknown mode ''"),
        ("x" * 400, f"unknown mode '{'x' * 40}'"),
    ],
)
def test_unknown_mode_is_refused_with_its_neighbours(said: str, words: str) -> None:
    with pytest.raises(NotFound) as caught:
        mode(said)
    assert caught.value.code == "unknown_mode"
    assert words in str(caught.value)


def test_timing_read_from_an_edid_has_its_name_again() -> None:
    for name in ("640x480p60", "1920x1080i50", "1920x1080p50rb", "3840x2160p50", "1280x1024p60"):
        assert named(as_dtd(mode(name).timing)).name == name


def test_timing_of_nobody_is_called_after_its_size_and_rate() -> None:
    odd = Timing(1000, 700, False, 60000, 40, 40, 120, 3, 4, 26, True, True)
    assert named(odd) == Mode("1000x700p68", odd)
