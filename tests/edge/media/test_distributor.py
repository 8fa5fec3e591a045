from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator

import pytest

from edge.media.distributor import Distributor
from edge.media.keyframe_gate import KeyframeGate
from edge.media.latency import LatencyBook
from edge.media.sink_runner import SinkReport
from edge.model.errors import Busy, PeerGone
from edge.model.feedback import Demotion
from edge.model.status import SinkState
from edge.model.video import Codec, StreamFormat
from tests.fakes import SMALL, FakeClock, MemorySink, make_unit


class _Stage:
    """A distributor that publishes numbered units, a keyframe every tenth."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.gate = KeyframeGate(clock=self.clock)
        self.latency = LatencyBook(clock=self.clock)
        self.distributor = Distributor(gate=self.gate, latency=self.latency, clock=self.clock)
        self.format = StreamFormat("main", 1, Codec.H264, SMALL)
        self.seq = 0

    def publish(self, count: int, *, then: Callable[[], object] = lambda: None, live: bool = True) -> None:
        for _ in range(count):
            self.clock.advance(20)
            self.distributor.publish(
                make_unit(self.clock, seq=self.seq, key=self.seq % 10 == 0, format=self.format, live=live)
            )
            self.seq += 1
            then()

    def report(self, name: str) -> SinkReport:
        return next(report for report in self.distributor.reports() if report.name == name)


@pytest.fixture
def stage() -> Iterator[_Stage]:
    stage = _Stage()
    yield stage
    stage.distributor.close()


def _paced(*sinks: MemorySink) -> Callable[[], object]:
    """After each unit wait until these sinks have it, so that they are truly fast."""
    counts = [0] * len(sinks)

    def wait() -> None:
        for index, sink in enumerate(sinks):
            counts[index] += 1
            assert sink.wait_for(counts[index])

    return wait


def test_fast_sink_gets_every_unit_in_order(stage: _Stage) -> None:
    fast = MemorySink("fast")
    stage.distributor.attach(fast)
    stage.publish(100, then=_paced(fast))
    assert [unit.seq for unit in fast.units] == list(range(100))
    assert (stage.report("fast").delivered, stage.report("fast").dropped) == (100, 0)


def test_slow_sink_drops_to_next_keyframe_and_leaves_the_fast_one_unharmed(stage: _Stage) -> None:
    fast, slow = MemorySink("fast"), MemorySink("slow")
    stage.distributor.attach(fast)
    stage.distributor.attach(slow)
    stage.publish(5, then=_paced(fast, slow))
    slow.gate.clear()
    stage.publish(95, then=lambda: fast.wait_for(stage.seq))
    slow.gate.set()
    _publish_until(stage, fast, lambda: len(slow.units) >= 10)
    assert [unit.seq for unit in fast.units] == list(range(stage.seq))
    received = [unit.seq for unit in slow.units]
    gaps = [after for before, after in itertools.pairwise(received) if after != before + 1]
    assert gaps, "it must have dropped"
    assert all(after % 10 == 0 for after in gaps), "after a gap the first unit is a keyframe"
    assert stage.report("slow").dropped > 60


def test_a_demoted_sink_gets_keyframes_alone_until_it_is_promoted_at_one(stage: _Stage) -> None:
    good, weak = MemorySink("good"), MemorySink("weak")
    stage.distributor.attach(good)
    stage.distributor.attach(weak)
    stage.publish(5, then=_paced(good, weak))
    stage.distributor.demote(Demotion("weak", demoted=True))
    stage.publish(18, then=lambda: good.wait_for(stage.seq))
    assert weak.wait_for(7)
    assert stage.report("weak").demoted
    stage.distributor.demote(Demotion("weak", demoted=False))
    stage.publish(9, then=lambda: good.wait_for(stage.seq))
    assert weak.wait_for(9)
    assert [unit.seq for unit in weak.units] == [0, 1, 2, 3, 4, 10, 20, 30, 31]
    assert [unit.seq for unit in good.units] == list(range(32))
    assert stage.report("weak").dropped == 23


def test_a_demotion_of_nobodys_sink_is_told_to_those_that_have_receivers_behind_them(stage: _Stage) -> None:
    told: list[Demotion] = []
    plain, process = MemorySink("plain"), _Process("bus-1", told)
    stage.distributor.attach(plain)
    stage.distributor.attach(process)
    stage.distributor.demote(Demotion("viewer-1", demoted=True))
    assert told == [Demotion("viewer-1", demoted=True)]
    process.gone = True
    stage.distributor.demote(Demotion("viewer-1", demoted=False))
    assert [report.demoted for report in stage.distributor.reports()] == [False, False]


class _Process(MemorySink):
    """A sink with receivers behind it."""

    def __init__(self, name: str, told: list[Demotion]) -> None:
        super().__init__(name)
        self._told = told
        self.gone = False

    def demote(self, demotion: Demotion) -> None:
        if self.gone:
            raise PeerGone("the process went away")
        self._told.append(demotion)


def test_crashing_sink_comes_back_at_a_keyframe_and_leaves_the_fast_one_unharmed(
    stage: _Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("edge.media.distributor.Backoff", _NoWait)
    fast, crashing = MemorySink("fast"), MemorySink("crashing")
    stage.distributor.attach(fast)
    stage.distributor.attach(crashing)
    stage.publish(5, then=_paced(fast, crashing))
    crashing.error = lambda: ZeroDivisionError("its own mistake")
    stage.publish(1, then=lambda: fast.wait_for(stage.seq))
    _wait(lambda: crashing.closed >= 1)
    crashing.error = None
    _publish_until(stage, fast, lambda: len(crashing.units) >= 6)
    assert crashing.units[5].key, "a sink that returns starts at a keyframe"
    assert [unit.seq for unit in fast.units] == list(range(stage.seq))
    assert stage.report("crashing").reopened >= 1
    assert "ZeroDivisionError" in caplog.text


def test_late_sink_starts_at_the_next_keyframe_and_asks_for_one(stage: _Stage) -> None:
    early, late = MemorySink("early"), MemorySink("late")
    stage.distributor.attach(early)
    stage.publish(13, then=_paced(early))
    asked = stage.gate.requested
    stage.distributor.attach(late)
    assert stage.gate.requested == asked + 1
    stage.publish(17, then=lambda: early.wait_for(stage.seq))
    assert late.wait_for(10)
    assert late.units[0].seq == 20
    assert [unit.seq for unit in early.units] == list(range(30))


def test_sink_whose_peer_is_away_keeps_trying(stage: _Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.media.distributor.Backoff", _NoWait)
    sink = MemorySink("away")
    sink.fail_opens = 3
    stage.distributor.attach(sink)
    stage.publish(1)
    _wait(lambda: stage.report("away").state is SinkState.CONNECTING and stage.report("away").code == "peer_gone")
    for _ in range(60):
        stage.publish(10)
        if sink.opened:
            break
        threading.Event().wait(0.02)
    assert sink.opened == 1
    assert sink.wait_for(1)
    assert stage.report("away").state is SinkState.LIVE
    assert stage.report("away").code == ""


def test_sink_that_cannot_return_is_detached(stage: _Stage) -> None:
    class Over(PeerGone):
        final = True

    sink = MemorySink("accepted")
    stage.distributor.attach(sink)
    stage.publish(1, then=_paced(sink))
    sink.error = lambda: Over("it left")
    stage.publish(1)
    _wait(lambda: not stage.distributor.reports())
    _wait(lambda: sink.closed == 1)


def test_new_epoch_is_opened_again_without_losing_a_unit(stage: _Stage) -> None:
    sink = MemorySink("sink")
    stage.distributor.attach(sink)
    stage.publish(10, then=_paced(sink))
    stage.format = StreamFormat("main", 2, Codec.H264, SMALL)
    stage.publish(10, then=lambda: sink.wait_for(stage.seq))
    assert [unit.epoch for unit in sink.units] == [1] * 10 + [2] * 10
    assert sink.opened == 2
    assert stage.report("sink").epoch == 2


def test_detached_sink_is_closed_and_gets_no_more(stage: _Stage) -> None:
    sink = MemorySink("sink")
    stage.distributor.attach(sink)
    stage.publish(3, then=_paced(sink))
    stage.distributor.detach("sink")
    stage.publish(10)
    assert len(sink.units) == 3
    assert sink.closed == 1
    stage.distributor.detach("sink")


def test_unit_that_grew_old_during_a_long_dial_is_not_sent(stage: _Stage) -> None:
    sink = MemorySink("far")
    dial = _dialling(stage, sink)
    asked = stage.gate.requested
    stage.publish(50)
    assert stage.gate.requested == asked, "a dial begs for no keyframes"
    dial.set()
    _wait(lambda: stage.report("far").state is SinkState.LIVE)
    _wait(lambda: (stage.publish(1), len(sink.units) > 0)[1])
    assert sink.units[0].seq > 50
    assert sink.units[0].key


def test_units_that_come_during_a_short_dial_are_not_lost(stage: _Stage) -> None:
    sink = MemorySink("near")
    dial = _dialling(stage, sink)
    stage.publish(5)
    dial.set()
    assert sink.wait_for(6)
    assert [unit.seq for unit in sink.units] == [0, 1, 2, 3, 4, 5]


def test_name_is_taken_only_once(stage: _Stage) -> None:
    stage.distributor.attach(MemorySink("sink"))
    with pytest.raises(Busy, match="'sink' is attached already"):
        stage.distributor.attach(MemorySink("sink"))


def test_latency_of_slates_does_not_count_for_the_box(stage: _Stage) -> None:
    sink = MemorySink("sink")
    stage.distributor.attach(sink)
    stage.publish(3, then=_paced(sink), live=False)
    assert "box" not in stage.latency.report()
    assert "queue:sink" in stage.latency.report()


def _dialling(stage: _Stage, sink: MemorySink) -> threading.Event:
    """Attach a sink, wait until it opens with one unit in hand; it goes on once the event is set."""
    dial, began = threading.Event(), threading.Event()
    opened = sink.open

    def slow_open(format: StreamFormat) -> None:
        began.set()
        assert dial.wait(10)
        opened(format)

    sink.open = slow_open  # type: ignore[method-assign]
    stage.distributor.attach(sink)
    stage.publish(1)
    assert began.wait(10)
    return dial


class _NoWait:
    def __init__(self, **_: object) -> None:
        pass

    def next_wait_s(self, *, ran_s: float = 0.0) -> float:
        return 0.0


def _publish_until(stage: _Stage, fast: MemorySink, condition: Callable[[], bool]) -> None:
    """Publish at a pace that leaves other threads real time to catch up."""
    for _ in range(500):
        stage.publish(1, then=lambda: fast.wait_for(stage.seq))
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("the awaited never happened")


def _wait(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("the awaited never happened")
