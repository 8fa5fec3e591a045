"""Every preset, and every lock of it, before the judgement of edid-decode."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from board.edid.build import build
from board.edid.description import Description
from board.edid.limits import limit, lock
from board.edid.modes import Mode, mode
from board.edid.parse import parse
from board.edid.presets import preset, preset_names, purpose
from board.edid.receiver import CsiLink, tc358743
from edge.model.errors import NotFound
from tests.board.edid.edid_decode import Seen, Verdict, clock_10khz, judge

ROOT = Path(__file__).resolve().parents[3]
NAMES = ("2-lane", "2160p30", "2160p60", "4-lane", "interlaced")

# Warnings that nothing can be done about:
# - the front porches of 2160p50, p25 and p24 are longer than the ten bits of a detailed timing, so that the
#   preferred timing differs from the VIC in where the sync stands (the VIC beside it has the true place);
# - with an interlaced timing as the only native one edid-decode fails, with none it warns;
# - 1440x576i50 and 1440x480i60 are 4:3 as VICs, which a detailed timing cannot say: so it takes them for two modes.
SIMILAR = "DTD is similar but not identical to VIC"
NOT_NATIVE = "For improved preferred timing interoperability, set 'Native detailed modes' to 1."
OVERRIDING = "is the preferred timing, overriding the first detailed timings. Is this intended?"


def expected_complaints(preferred: Mode) -> tuple[str, ...]:
    if preferred.timing.interlaced:
        return (NOT_NATIVE, OVERRIDING) if preferred.timing.width == 1440 else (NOT_NATIVE,)
    return (SIMILAR,) if preferred.timing.h_front > 1023 else ()


def seen(modes: tuple[Mode, ...]) -> set[Seen]:
    return {Seen(m.timing.width, m.timing.height, m.timing.interlaced, clock_10khz(m.timing.clock_khz)) for m in modes}


def assert_right(description: Description) -> Verdict:
    """It passes, without a complaint that is not argued above, and lists what was meant and nothing else."""
    raw = build(description)
    verdict = judge(raw)
    expected = expected_complaints(description.preferred)
    assert verdict.passed, verdict.text
    assert [line for line in verdict.complaints if not any(each in line for each in expected)] == []
    assert verdict.modes == seen(description.offered)
    told = parse(raw)
    assert {offer.name for offer in told.modes} == {each.name for each in description.offered}
    assert told.preferred is not None
    assert told.preferred.name == description.preferred.name
    return verdict


def test_presets_are_these_and_say_what_they_are_for() -> None:
    assert preset_names() == NAMES
    assert all(len(purpose(name)) > 20 for name in NAMES)


def test_unknown_preset_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(NotFound, match="unknown preset '3-lane'; there are 2-lane, 2160p30") as caught:
        preset("3-lane")
    assert caught.value.code == "unknown_preset"
    with pytest.raises(NotFound):
        preset("../presets/2-lane")


@pytest.mark.peer
@pytest.mark.parametrize("audio", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_preset_passes_without_a_complaint(name: str, audio: bool) -> None:
    assert assert_right(replace(preset(name), audio=audio)).complaints == ()


@pytest.mark.peer
@pytest.mark.parametrize("name", NAMES)
def test_each_lock_offers_one_mode_and_the_obligatory_one(name: str) -> None:
    for wanted in preset(name).offered:
        locked = lock(preset(name), wanted)
        assert_right(locked)
        assert len(parse(build(locked)).modes) == (1 if wanted.name == "640x480p60" else 2)


@pytest.mark.peer
@pytest.mark.parametrize("lanes", [1, 2, 3, 4])
@pytest.mark.parametrize(("mbps", "depth"), [(972, 2), (972, 3), (594, 2), (594, 3)])
@pytest.mark.parametrize("name", NAMES)
def test_limited_preset_passes_and_fits_the_lanes(name: str, lanes: int, mbps: int, depth: int) -> None:
    receiver = tc358743(CsiLink(lanes, mbps, depth))
    limited = limit(preset(name), receiver)
    assert_right(limited.description)
    kept, dropped = set(limited.description.offered), {each.mode for each in limited.dropped}
    assert kept | dropped == set(preset(name).offered)
    assert [each.name for each in kept if receiver.refusal(each.timing)] == []


def test_two_lanes_know_no_1080p60_and_nothing_interlaced() -> None:
    offers = parse(build(preset("2-lane"))).modes
    assert max(o.timing.clock_khz * o.timing.width for o in offers if o.timing) <= 162_000 * 1920
    assert [o.name for o in offers if o.timing is None or o.timing.interlaced] == []
    link = CsiLink(2, 972, 2)
    assert [o.name for o in offers if o.timing and link.lanes_needed(o.timing) > 2] == []
    assert "1920x1080p60" not in {o.name for o in offers}


def test_each_preset_prefers_the_best_that_its_board_can() -> None:
    preferred = {name: preset(name).preferred for name in NAMES}
    assert {name: each.name for name, each in preferred.items()} == {
        "2-lane": "1920x1080p50",
        "2160p30": "3840x2160p30",
        "2160p60": "3840x2160p60",
        "4-lane": "1920x1080p60",
        "interlaced": "1920x1080p60",
    }


def test_interlaced_preset_has_both_rates_of_1080i() -> None:
    assert {mode("1080i50"), mode("1080i60")} <= set(preset("interlaced").offered)


def test_presets_are_in_what_is_installed() -> None:
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["*"]
    package = ROOT / "board/edid"
    taken = {path for pattern in patterns for path in package.glob(pattern)}
    assert taken == set(package.glob("presets/*"))
