from __future__ import annotations

from fractions import Fraction

import pytest

from board.sim.fault import FaultKind, Mode, SimFault, check_seconds, parse_fault
from edge.model.errors import Invalid
from edge.model.signal import SignalState


@pytest.mark.parametrize("kind", [kind for kind in FaultKind if kind is not FaultKind.MODE])
def test_every_plain_kind_is_its_own_word(kind: FaultKind) -> None:
    assert parse_fault(kind.value) == SimFault(kind)


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("mode:1280x720@50", Mode(1280, 720, Fraction(50))),
        ("mode:1920x1080@59.94", Mode(1920, 1080, Fraction(60000, 1001))),
        ("mode:1920x1080@24000/1001", Mode(1920, 1080, Fraction(24000, 1001))),
    ],
)
def test_a_mode_names_size_and_exact_rate(text: str, mode: Mode) -> None:
    assert parse_fault(text).mode == mode


@pytest.mark.parametrize("text", ["", "nosignal", "NO_SIGNAL", "stall:3", "no_signal "])
def test_an_unknown_fault_is_refused_naming_the_allowed_ones(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_fault(text)
    for kind in FaultKind:
        assert kind.value in str(caught.value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("mode", "mode '' is not WIDTHxHEIGHT@FPS"),
        ("mode:1280x720", "mode '1280x720' is not"),
        ("mode:1280x720@60/0", "is not WIDTHxHEIGHT@FPS"),
        ("mode:1281x720@50", "mode 1281x720@50: sides must be even"),
        ("mode:32x32@50", "sides must be even, 64x64 to"),
        ("mode:9000x720@50", "sides must be even, 64x64 to"),
        ("mode:1280x720@500", "frames per second must be 1 to 120"),
        ("mode:1280x720@0", "frames per second must be 1 to 120"),
    ],
)
def test_a_mode_that_cannot_be_drawn_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(Invalid, match=complaint):
        parse_fault(text)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_length_that_is_none_is_refused(seconds: float) -> None:
    with pytest.raises(Invalid, match="above 0"):
        check_seconds(seconds)


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (FaultKind.NO_CABLE, SignalState.NO_CABLE),
        (FaultKind.GONE, SignalState.NO_DEVICE),
        (FaultKind.STALL, SignalState.LOCKED),
        (FaultKind.FREEZE, SignalState.LOCKED),
        (FaultKind.CLEAR, SignalState.LOCKED),
    ],
)
def test_only_what_a_receiver_can_see_shows_in_the_signal(kind: FaultKind, state: SignalState) -> None:
    assert SimFault(kind).signal_state is state
