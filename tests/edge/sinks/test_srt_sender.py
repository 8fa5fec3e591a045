from __future__ import annotations

from collections.abc import Iterator

import pytest

from edge.model.feedback import Feedback, LinkReport, Role
from edge.model.frame import AccessUnit
from edge.sinks.srt import SrtSink
from tests.media_units import make_units
from tests.peers.srt_pump import Feed, Feeding
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
