from __future__ import annotations

import pytest

from edge.model.errors import Busy, Invalid, PeerGone, TimedOut
from edge.model.frame import AccessUnit
from edge.sinks.srt import SrtSink
from edge.sinks.srt_receiver import SrtReceiver
from edge.sinks.srt_url import SrtAddress, SrtMode, parse_srt_url
from tests.media_units import make_units
from tests.srt_peers import PASSPHRASE, Collector, Listening, free_udp_port, srt_spec, wait_until


@pytest.fixture(scope="module")
def units() -> list[AccessUnit]:
    return make_units(10, 60)


def caller(port: int, passphrase: str = "") -> SrtReceiver:
    return SrtReceiver(SrtAddress("127.0.0.1", port, SrtMode.CALLER), passphrase=passphrase)


def test_ends_when_the_sender_leaves(units: list[AccessUnit]) -> None:
    port = free_udp_port()
    sink = SrtSink(spec=srt_spec(port, "caller"))
    with Collector(port, "listener") as receiver:
        sink.open(units[0].format)
        sink.write(units[0])
        receiver.wait_for(units[0])
        sink.close()
        wait_until(lambda: not receiver._thread.is_alive(), "the end of the iteration")
    assert receiver.error is None


def test_is_a_file_of_payloads(units: list[AccessUnit]) -> None:
    with Listening() as listening, caller(listening.port) as receiver:
        receiver.open()
        listening.wait_for_receivers(1)
        (sink,) = listening.outlet.sinks.values()
        sink.write(units[0])
        assert receiver.read(32768)[0] == 0x47
        receiver.close()
        assert receiver.read(32768) == b""


def test_statistics_while_connected_only() -> None:
    with Listening() as listening:
        receiver = caller(listening.port)
        assert receiver.stats() is None
        receiver.open()
        stats = receiver.stats()
        assert stats is not None
        assert stats.lost_packets == 0
        receiver.close()
        assert receiver.stats() is None


def test_nobody_there_times_out() -> None:
    with pytest.raises(TimedOut):
        next(caller(free_udp_port()))


def test_wrong_passphrase_is_told() -> None:
    with Listening(passphrase=PASSPHRASE) as listening, pytest.raises(PeerGone, match="wrong passphrase"):
        next(caller(listening.port, "quite another one"))


def test_port_in_use_is_busy() -> None:
    with Listening() as listening, pytest.raises(Busy, match="the UDP port is in use"):
        next(SrtReceiver(parse_srt_url(f"srt://127.0.0.1:{listening.port}?mode=listener")))


def test_short_passphrase_is_refused_at_once() -> None:
    with pytest.raises(Invalid, match="10 to 79"):
        caller(9, "short")


def test_waiting_listener_ends_on_close() -> None:
    waits = Collector(free_udp_port(), "listener")
    waits.close()
    assert waits.error is None
    assert waits.payloads == []
