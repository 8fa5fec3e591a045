from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from edge.model.feedback import LinkReport, Role
from edge.model.frame import AccessUnit
from edge.rtc.viewer_sink import ViewerSink
from edge.rtc.viewing import Viewing
from tests.edge.rtc.conftest import HeardFeedback, StandingClock


class Watcher:
    """A viewer of `main` with `view` beside it; `got` is what reached its track, as `main5` or `VIEW6` (a keyframe)."""

    def __init__(self, clock: StandingClock, make_unit: Callable[..., AccessUnit], *, lesser: str | None) -> None:
        self.clock = clock
        self._make_unit = make_unit
        self.main, self.view = HeardFeedback(), HeardFeedback()
        feedback = {"main": self.main, "view": self.view}
        self.sink = ViewerSink(name="viewer-1", feedback=self.main, clock=clock)
        self.viewing = Viewing(home="main", lesser=lesser, sink=self.sink, feedback=feedback, clock=clock)
        self.got: list[str] = []
        self.resyncs: list[str] = []
        self.sink.write = self._write  # type: ignore[method-assign]
        self.sink.track.resync = self.resyncs.append  # type: ignore[method-assign]

    def unit(self, rung: str, at: int, *, key: bool = False, data: bytes | None = None) -> AccessUnit:
        """`at` in tenths of a second."""
        payload = f"{rung}{at}".encode() if data is None else data
        unit = self._make_unit(at, key=key, at_ns=at * 100_000_000, payload=payload)
        return replace(unit, format=replace(unit.format, rung=rung))

    def show(self, *names: str, data: bytes | None = None) -> list[str]:
        """Units by their names, capitals for keyframes; returns what came through of them."""
        before = len(self.got)
        for name in names:
            rung, at = name[:4], int(name[4:])
            self.viewing.take(self.unit(rung.lower(), at, key=rung.isupper(), data=data))
        return self.got[before:]

    def _write(self, unit: AccessUnit) -> None:
        rung = unit.format.rung
        self.got.append(f"{rung.upper() if unit.key else rung}{unit.seq}")


@pytest.fixture
def watcher(clock, make_unit) -> Watcher:
    return Watcher(clock, make_unit, lesser="view")


@pytest.fixture
def alone(clock, make_unit) -> Watcher:
    return Watcher(clock, make_unit, lesser=None)


def test_a_viewer_gets_its_own_rung_and_no_other(watcher: Watcher) -> None:
    assert watcher.show("MAIN1", "VIEW1", "main2", "view2") == ["MAIN1", "main2"]
    assert watcher.viewing.rungs == {"main"}


def test_a_demoted_viewer_goes_over_at_a_keyframe_of_the_lesser_rung(watcher: Watcher) -> None:
    watcher.show("MAIN1", "main2")
    watcher.viewing.demote(True)
    assert watcher.viewing.rungs == {"main", "view"}
    assert watcher.show("main3", "view3", "main4", "VIEW5", "main5", "view6") == ["main3", "main4", "VIEW5", "view6"]
    assert (watcher.viewing.rung, watcher.viewing.rungs) == ("view", {"view"})


def test_a_keyframe_of_the_lesser_rung_is_asked_for_once_it_flows(watcher: Watcher) -> None:
    watcher.show("MAIN1")
    watcher.viewing.demote(True)
    watcher.show("main2")
    assert watcher.view.keyframes == []
    watcher.show("view2", "view3")
    assert watcher.view.keyframes == [("viewer-1", "demoted")]
    watcher.clock.advance(0.6)
    watcher.show("view4")
    assert len(watcher.view.keyframes) == 2
    assert watcher.main.keyframes == []


def test_wishes_go_to_the_rung_that_is_shown_and_reports_to_the_one_that_was_asked_for_too(watcher: Watcher) -> None:
    watcher.viewing.demote(True)
    watcher.show("MAIN1", "VIEW2")
    watcher.sink.want_keyframe("picture lost")
    report = LinkReport("viewer-1", Role.GUIDE, 1, 1)
    watcher.sink.report_link(report)
    assert watcher.view.keyframes[-1] == ("viewer-1", "picture lost")
    assert (watcher.main.links, watcher.view.links) == ([report], [report])


def test_a_keyframe_older_than_what_was_sent_is_not_shown_but_stops_the_old_rung(watcher: Watcher) -> None:
    watcher.show("MAIN1", "main5")
    watcher.viewing.demote(True)
    assert watcher.show("VIEW5", "main6", "view6", "VIEW7", "main7", "view8") == ["VIEW7", "view8"]
    assert watcher.view.keyframes == [("viewer-1", "demoted")]


def test_a_rung_that_stopped_for_nothing_goes_on(watcher: Watcher) -> None:
    watcher.show("MAIN1", "main5")
    watcher.viewing.demote(True)
    watcher.show("VIEW5", "main6")
    watcher.clock.advance(3.1)
    watcher.viewing.look()
    assert watcher.resyncs == ["promoted"]
    assert watcher.show("MAIN40") == ["MAIN40"]


def test_a_promoted_viewer_goes_back_at_a_keyframe_and_waits_for_a_usual_one_first(watcher: Watcher) -> None:
    watcher.viewing.demote(True)
    watcher.show("MAIN1", "VIEW2")
    watcher.viewing.demote(False)
    assert watcher.show("view3", "main3", "view4") == ["view3", "view4"]
    assert watcher.main.keyframes == []
    watcher.clock.advance(2.6)
    watcher.show("main5")
    assert watcher.main.keyframes == [("viewer-1", "promoted")]
    assert watcher.show("MAIN6", "view6", "main7") == ["MAIN6", "main7"]
    assert watcher.viewing.rungs == {"main"}
    assert watcher.resyncs == []


def test_a_demotion_taken_back_before_it_took_effect_changes_nothing(watcher: Watcher) -> None:
    watcher.show("MAIN1")
    watcher.viewing.demote(True)
    watcher.viewing.demote(False)
    assert watcher.show("main2", "VIEW3", "main4") == ["main2", "main4"]
    assert (watcher.viewing.rungs, watcher.resyncs) == ({"main"}, [])


def test_without_a_lesser_rung_only_keyframes_go_out(alone: Watcher) -> None:
    alone.show("MAIN1", "main2")
    alone.viewing.demote(True)
    assert alone.show("main3", "MAIN4", "main5", "MAIN6") == ["MAIN4", "MAIN6"]
    alone.viewing.demote(False)
    assert alone.resyncs == ["promoted"]
    assert alone.show("main7") == ["main7"]


def test_keyframes_that_do_not_come_by_themselves_are_asked_for_now_and_then(alone: Watcher) -> None:
    alone.show("MAIN1")
    alone.viewing.demote(True)
    alone.viewing.look()
    assert alone.main.keyframes == []
    for _ in range(3):
        alone.clock.advance(1.1)
        alone.viewing.look()
    assert alone.main.keyframes == [("viewer-1", "demoted")]


def test_a_lesser_rung_that_does_not_start_is_waited_for_with_keyframes_only(watcher: Watcher) -> None:
    watcher.show("MAIN1")
    watcher.viewing.demote(True)
    watcher.clock.advance(3.1)
    watcher.viewing.look()
    assert watcher.show("main2", "MAIN3", "main4") == ["MAIN3"]
    assert watcher.show("VIEW5", "view6") == ["VIEW5", "view6"]
    assert not watcher.viewing.keyframes_only


@pytest.mark.parametrize("order", [("main", "view"), ("view", "main")])
def test_a_lesser_rung_that_shows_the_very_same_pictures_brings_keyframes_only(
    watcher: Watcher, order: tuple[str, str]
) -> None:
    watcher.show("MAIN1")
    watcher.viewing.demote(True)
    for at in range(2, 6):
        for rung in order:
            watcher.show(f"{rung.upper() if at == 2 else rung}{at}", data=b"picture%d" % at)
    assert watcher.viewing.keyframes_only
    assert watcher.got[-1] in ("MAIN2", "VIEW2")


def test_a_lesser_rung_that_gets_an_encode_of_its_own_again_is_shown_whole(watcher: Watcher) -> None:
    watcher.show("MAIN1")
    watcher.viewing.demote(True)
    for rung in ("VIEW2", "MAIN2", "view3", "main3"):
        watcher.show(rung, data=b"same" + rung[4:].encode())
    assert watcher.viewing.keyframes_only
    assert watcher.show("MAIN4", "VIEW4", "main5", "view5") == ["VIEW4", "view5"]


def test_the_same_decision_twice_changes_nothing(watcher: Watcher) -> None:
    watcher.show("MAIN1")
    watcher.viewing.demote(True)
    watcher.show("VIEW2")
    watcher.viewing.demote(True)
    assert watcher.viewing.rungs == {"view"}


def test_a_loss_before_us_concerns_the_rung_that_is_shown(watcher: Watcher) -> None:
    watcher.viewing.resync("view")
    assert watcher.resyncs == []
    watcher.viewing.resync("main")
    assert watcher.resyncs == ["reconnect"]
