from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from edge.app.outputs import Outputs
from edge.media.distributor import Distributor
from edge.media.keyframe_gate import KeyframeGate
from edge.media.latency import LatencyBook
from edge.model.feedback import Feedback
from edge.model.frame import AccessUnit
from edge.model.sink import RungSpec, SinkSpec
from edge.model.status import SinkState
from edge.runtime.clock import SystemClock
from edge.runtime.supervisor import Supervisor
from tests.media_units import make_units
from tests.srt_peers import Collector, Listening, free_udp_port, srt_spec, wait_until
from tests.udp_relay import UdpRelay

Heard = list[tuple[str, Feedback]]


@pytest.fixture(scope="module")
def units() -> list[AccessUnit]:
    return make_units(30, 60, gop=10)


@pytest.fixture
def outlets() -> Iterator[dict[str, Distributor]]:
    clock = SystemClock()
    made = {
        rung: Distributor(gate=KeyframeGate(clock=clock), latency=LatencyBook(clock=clock), clock=clock)
        for rung in ("main", "view")
    }
    yield made
    for outlet in made.values():
        outlet.close()


def fresh(unit: AccessUnit) -> AccessUnit:
    now_ns = time.monotonic_ns()
    return replace(unit, stamps=replace(unit.stamps, captured_ns=now_ns, encode_end_ns=now_ns))


def publish_until_heard(outlet: Distributor, units: list[AccessUnit], heard: Heard) -> None:
    def heard_after_one_more() -> bool:
        outlet.publish(fresh(units[next(turn) % len(units)]))
        return bool(heard)

    turn = iter(range(10_000))
    wait_until(heard_after_one_more, "feedback")


def test_feedback_comes_with_the_rung_that_it_is_about(
    outlets: dict[str, Distributor], units: list[AccessUnit]
) -> None:
    heard: Heard = []
    outputs = Outputs(
        outlets=outlets, supervisor=Supervisor(), on_feedback=lambda rung, feedback: heard.append((rung, feedback))
    )
    port = free_udp_port()
    spec: SinkSpec = replace(srt_spec(port, "caller", name="expert"), rung="view")
    with Collector(port, "listener"):
        asyncio.run(outputs.apply([spec]))
        publish_until_heard(outlets["view"], units, heard)
        asyncio.run(outputs.apply([]))
    assert {(rung, feedback.sink) for rung, feedback in heard} == {("view", "expert")}


@pytest.mark.parametrize(("view_bps", "paced_bps"), [(2_000_000, 8_000_000), (20_000_000, 20_000_000)])
def test_sink_is_paced_for_its_rung_and_for_the_first_one_that_may_stand_in(
    outlets: dict[str, Distributor], units: list[AccessUnit], view_bps: int, paced_bps: int
) -> None:
    heard: Heard = []
    outputs = Outputs(
        outlets=outlets, supervisor=Supervisor(), on_feedback=lambda rung, feedback: heard.append((rung, feedback))
    )
    port = free_udp_port()
    spec = replace(srt_spec(port, "caller"), rung="view")
    rungs = (RungSpec("main", 4_000_000, 8_000_000, 2.0), RungSpec("view", 1_000_000, view_bps, 2.0))
    with Collector(port, "listener"):
        asyncio.run(outputs.apply([spec], rungs))
        publish_until_heard(outlets["view"], units, heard)
        (report,) = outputs.reports()
        asyncio.run(outputs.apply([]))
    assert report.detail["stats"]["pace_bps"] == pytest.approx(paced_bps * 1.1 * 1.5, rel=0.01)


def test_output_whose_path_fell_silent_is_dialled_again(
    outlets: dict[str, Distributor], units: list[AccessUnit]
) -> None:
    outputs, turn = Outputs(outlets=outlets, supervisor=Supervisor()), iter(range(100_000))

    def is_now(state: SinkState) -> bool:
        outlets["main"].publish(fresh(units[next(turn) % len(units)]))
        (report,) = outputs.reports()
        return report.state is state

    with Listening() as listening, UdpRelay(listening.port) as relay:
        asyncio.run(outputs.apply([srt_spec(relay.port, "caller")]))
        wait_until(lambda: is_now(SinkState.LIVE), "the first connection")
        relay.silent = True
        wait_until(lambda: is_now(SinkState.CONNECTING), "the silence to be noticed")
        relay.silent = False
        wait_until(lambda: is_now(SinkState.LIVE), "the second connection")
        asyncio.run(outputs.apply([]))
