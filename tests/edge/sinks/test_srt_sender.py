from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from edge.model.feedback import Feedback, LinkReport, Role
from edge.model.frame import AccessUnit
from edge.model.sink import SinkSpec
from edge.sinks.srt import SrtSink
from tests.media_units import make_units
from tests.peers.srt_pump import Feed, Feeding, answers
from tests.srt_peers import Collector, Listening, free_udp_port, srt_spec, wait_until
from tests.udp_relay import UdpRelay


@pytest.fixture(scope="module")
def units() -> list[AccessUnit]:
    return make_units(120, 60, gop=30)


@pytest.fixture
def reports() -> list[LinkReport]:
    return []


@pytest.fixture
def far(reports: list[LinkReport]) -> Iterator[SrtSink]:
    """A sink whose peer is 20 ms away."""
    port = free_udp_port()

    def heard(feedback: Feedback) -> None:
        assert isinstance(feedback, LinkReport)
        reports.append(feedback)

    with UdpRelay(port, delay_s=0.02) as relay, Collector(port, "listener"):
        sink = SrtSink(spec=srt_spec(relay.port, "caller", role=Role.GUIDE), on_feedback=heard)
        yield sink
        sink.close()


def test_sink_reports_while_it_sends(far: SrtSink, reports: list[LinkReport], units: list[AccessUnit]) -> None:
    with Feed(far, units):
        wait_until(lambda: len(reports) >= 8, "eight reports")
        link = far.detail()["link"]
    last = reports[-1]
    assert (last.sink, last.role) == ("srt", Role.GUIDE)
    assert last.rtt_ms is not None
    assert last.rtt_ms >= 40
    assert last.loss == 0.0
    assert link.keys() == {"sent_bps", "delivered_bps", "rtt_ms", "queue_ms", "backlog_ms", "loss"}


def test_what_is_delivered_adds_up_to_what_is_sent(
    far: SrtSink, reports: list[LinkReport], units: list[AccessUnit]
) -> None:
    with Feed(far, units):
        wait_until(lambda: len(reports) >= 12, "twelve reports")
    sent, delivered = sum(one.sent_bps for one in reports), sum(one.delivered_bps for one in reports)
    assert sent > 0
    assert delivered == pytest.approx(sent, rel=0.25), "what differs is what is in flight at the end"


def test_each_receiver_reports_under_its_own_name(units: list[AccessUnit]) -> None:
    heard: list[Feedback] = []
    outlet = Feeding(units)
    with Listening(outlet=outlet, on_feedback=heard.append) as listening:
        with Collector(listening.port, "caller"), Collector(listening.port, "caller"):
            wait_until(lambda: len({one.sink for one in heard}) == 2, "reports of both receivers")
        assert {one.sink for one in heard} <= {*outlet.sinks, *outlet.detached}


def automatic(port: int) -> SinkSpec:
    return replace(srt_spec(port, "caller"), latency_ms=0)


def test_automatic_latency_of_a_near_peer_is_120_ms(units: list[AccessUnit]) -> None:
    port = free_udp_port()
    sink = SrtSink(spec=automatic(port))
    assert (sink.detail()["latency_auto"], sink.detail()["latency_ms"]) == (True, 120)
    with Collector(port, "listener"):
        wait_until(lambda: answers(lambda: sink.open(units[0].format)), "the receiver")
        assert sink.detail()["latency_ms"] == 120
        sink.close()


def test_automatic_latency_of_a_far_peer_is_right_from_the_first_packet(units: list[AccessUnit]) -> None:
    port = free_udp_port()
    with UdpRelay(port, delay_s=0.04) as relay, Collector(port, "listener"):
        sink = SrtSink(spec=automatic(relay.port))
        sink.open(units[0].format)
        with Feed(sink, units):
            wait_until(lambda: sink.detail().get("latency_needed_ms"), "a measured round trip")
            detail = sink.detail()
    assert 320 <= detail["latency_ms"] <= 8000
    assert detail["latency_needed_ms"] >= 320


def agreed_and_needed(listening: Listening, relay: UdpRelay) -> tuple[int, int]:
    """Of a receiver that calls through the relay and leaves again."""
    with Collector(relay.port, "caller"):
        listening.wait_for_receivers(1)
        (sink,) = listening.outlet.sinks.values()
        wait_until(lambda: sink.detail().get("latency_needed_ms"), "a measured round trip")
        detail = sink.detail()
    listening.wait_for_receivers(0)
    return detail["latency_ms"], detail["latency_needed_ms"]


def test_receiver_from_afar_gets_the_right_latency_when_it_calls_again(units: list[AccessUnit]) -> None:
    with (
        Listening(latency_ms=0, outlet=Feeding(units)) as listening,
        UdpRelay(listening.port, delay_s=0.04) as relay,
    ):
        first, again = (agreed_and_needed(listening, relay) for _ in range(2))
    assert first[0] == 120
    assert first[1] >= 320
    assert again[0] == pytest.approx(first[1], rel=0.2), "what its first connection had shown to be needed"


def test_listener_of_a_fixed_latency_raises_it_for_nobody(units: list[AccessUnit]) -> None:
    with (
        Listening(latency_ms=150, outlet=Feeding(units)) as listening,
        UdpRelay(listening.port, delay_s=0.04) as relay,
    ):
        assert [agreed_and_needed(listening, relay)[0] for _ in range(2)] == [150, 150]
