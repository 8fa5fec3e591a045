"""Sources made of lists, and one thread that reads whatever is chosen."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from edge.media.switched import SwitchedSource
from edge.model.errors import DeviceGone, Invalid, NotSupported, Unavailable
from edge.model.frame import Frame
from edge.model.picture import CaptureMode
from edge.model.signal import SignalState
from tests.fakes import FakeClock, ListSource, make_frame

MODES = (CaptureMode(1920, 1080, 60),)


class Fine(ListSource):
    """Has wishes and faults."""

    def __init__(self, name: str, clock: FakeClock) -> None:
        super().__init__(*(make_frame(clock, seq=seq) for seq in range(3)))
        self.name = name
        self.preferred: Sequence[CaptureMode] = ()
        self.faults: list[str] = []

    def prefer(self, modes: Sequence[CaptureMode]) -> None:
        self.preferred = modes

    def fault(self, kind: str, seconds: float | None) -> None:
        self.faults.append(kind)


class Rig:
    def __init__(self) -> None:
        clock = FakeClock()
        self.sources: dict[str, list[ListSource]] = {"camera": [], "pattern": []}
        self.errors: list[Exception] = []

        def make(name: str) -> ListSource:
            if name == "broken":
                raise Invalid("no such EDID")
            source = Fine(name, clock) if name == "pattern" else ListSource(make_frame(clock), make_frame(clock, seq=1))
            source.open_errors = list(self.errors)
            self.sources[name].append(source)
            return source

        self.switched = SwitchedSource(make=make, chosen="camera")

    def read(self) -> Frame:
        taken = self.switched.read(0.1)
        assert isinstance(taken, Frame)
        taken.lease.release()
        return taken


def test_until_something_is_chosen_it_is_the_first_source() -> None:
    rig = Rig()
    rig.switched.open()
    rig.switched.choose("camera")
    assert not rig.read().discontinuity
    assert (rig.switched.name, rig.switched.detail()) == ("list", {"opened": 1, "chosen": "camera"})
    assert len(rig.sources["camera"]) == 1


def test_the_next_read_changes_over_and_says_that_the_signal_was_lost() -> None:
    rig = Rig()
    rig.switched.open()
    rig.read()
    rig.switched.choose("pattern")
    news = rig.switched.read(0.1)
    assert not isinstance(news, Frame)
    assert news is not None
    assert news.state is SignalState.NO_SIGNAL
    assert (rig.sources["camera"][0].closed, rig.sources["pattern"][0].opened) == (1, 1)
    assert (rig.read().discontinuity, rig.read().discontinuity) == (True, False)
    assert rig.switched.name == "pattern"


def test_coming_back_makes_the_source_anew() -> None:
    rig = Rig()
    rig.switched.open()
    for name in ("pattern", "camera"):
        rig.switched.choose(name)
        rig.switched.read(0.1)
    assert [len(made) for made in rig.sources.values()] == [2, 1]
    assert rig.sources["pattern"][0].closed == 1
    rig.read()
    rig.switched.close()
    assert rig.sources["camera"][1].closed == 1


def test_a_source_that_cannot_be_opened_stays_chosen_and_is_tried_again() -> None:
    rig = Rig()
    rig.switched.open()
    rig.errors = [DeviceGone("away")]
    rig.switched.choose("pattern")
    with pytest.raises(DeviceGone):
        rig.switched.read(0.1)
    rig.switched.close()
    rig.switched.open()
    assert rig.read().seq == 0
    assert len(rig.sources["pattern"]) == 1


def test_a_source_whose_configuration_is_wrong_is_unavailable_until_another_is_chosen() -> None:
    rig = Rig()
    rig.switched.open()
    rig.switched.choose("broken")
    for step in (lambda: rig.switched.read(0.1), rig.switched.open):
        with pytest.raises(Unavailable, match="no such EDID"):
            step()
    rig.switched.choose("camera")
    rig.switched.open()
    assert rig.read().seq == 0


def test_wishes_for_a_mode_go_with_whatever_is_chosen() -> None:
    rig = Rig()
    rig.switched.prefer(MODES)  # the first has no choice
    rig.switched.choose("pattern")
    rig.switched.open()
    (pattern,) = rig.sources["pattern"]
    assert isinstance(pattern, Fine)
    assert pattern.preferred == MODES
    rig.switched.prefer(())
    assert pattern.preferred == ()


def test_faults_are_for_simulated_sources_alone() -> None:
    rig = Rig()
    with pytest.raises(NotSupported, match="is real"):
        rig.switched.fault("freeze", None)
    rig.switched.choose("pattern")
    rig.switched.open()
    rig.switched.fault("freeze", None)
    assert isinstance(rig.sources["pattern"][0], Fine)
    assert rig.sources["pattern"][0].faults == ["freeze"]
