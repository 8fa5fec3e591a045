from __future__ import annotations

from edge.media.keyframe_gate import KeyframeGate
from edge.media.relay import Relay
from edge.model.feedback import KeyframeRequest
from edge.model.frame import AccessUnit
from edge.model.video import Codec, StreamFormat
from tests.fakes import SMALL, FakeClock, make_unit


class _Bench:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.own, self.other = KeyframeGate(clock=self.clock), KeyframeGate(clock=self.clock)
        self.units: list[AccessUnit] = []
        self.relay = Relay(name="view", own_gate=self.own, other_gate=self.other, publish=self.units.append)

    def offer(self, *, key: bool = False) -> None:
        self.relay.offer(make_unit(self.clock, key=key))
        self.clock.advance(20)


def test_nothing_passes_while_it_is_off() -> None:
    bench = _Bench()
    bench.offer(key=True)
    assert bench.units == []


def test_it_begins_at_a_keyframe_and_asks_for_one_once() -> None:
    bench = _Bench()
    bench.relay.start("too weak")
    bench.own.request(KeyframeRequest("viewer-1", "join"))
    for _ in range(5):
        bench.offer()
    assert bench.units == []
    assert bench.other.requested == 1
    bench.offer(key=True)
    bench.offer()
    assert [unit.key for unit in bench.units] == [True, False]


def test_what_passes_is_of_the_rung_that_was_asked_for() -> None:
    bench = _Bench()
    bench.relay.start("too weak")
    theirs = StreamFormat("main", 7, Codec.H264, SMALL)
    for key in (True, False):
        bench.relay.offer(make_unit(bench.clock, key=key, format=theirs))
    assert [(unit.format.rung, unit.epoch) for unit in bench.units] == [("view", 7)] * 2
    assert bench.units[0].format is bench.units[1].format, "one object per epoch"


def test_a_receiver_in_need_gets_the_other_rung_to_make_a_keyframe() -> None:
    bench = _Bench()
    bench.relay.start("too weak")
    bench.offer(key=True)
    bench.clock.advance(2000)
    bench.own.request(KeyframeRequest("viewer-1", "pli"))
    bench.offer()
    assert bench.other.take()
    bench.offer(key=True)
    assert not bench.own.take()


def test_after_it_was_off_it_begins_at_a_keyframe_again() -> None:
    bench = _Bench()
    bench.relay.start("too weak")
    bench.offer(key=True)
    bench.relay.stop()
    bench.offer(key=True)
    bench.relay.start("too weak")
    bench.offer()
    assert len(bench.units) == 1
    assert (bench.relay.on, bench.relay.reason) == (True, "too weak")
