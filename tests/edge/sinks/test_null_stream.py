from __future__ import annotations

from collections.abc import Iterator

import pytest

from edge.model.errors import EdgeError, PeerGone
from edge.sinks.null_stream import NullStream, null_payload
from edge.sinks.srt_socket import SrtOptions, SrtSocket
from tests.edge.sinks.test_srt_socket import connected
from tests.ts_reader import ts_packets

_NULL_PID = 0x1FFF


@pytest.fixture
def ends() -> Iterator[tuple[SrtSocket, SrtSocket]]:
    ends = connected(SrtOptions())
    yield ends
    for end in ends:
        end.close()


def test_payload_is_seven_null_packets_that_do_not_compress() -> None:
    payload = null_payload()
    packets = list(ts_packets(payload))
    assert [packet.pid for packet in packets] == [_NULL_PID] * 7
    assert not any(packet.start or packet.pcr for packet in packets)
    assert len({packet.payload for packet in packets}) == 7


def test_all_that_was_offered_arrives(ends: tuple[SrtSocket, SrtSocket]) -> None:
    caller, callee = ends
    stream = NullStream(caller)
    stream.send(1_000_000, 0.3, every_s=0.1, look=lambda: None)
    assert stream.offered > 0
    for _ in range(stream.offered):
        assert {packet.pid for packet in ts_packets(callee.receive())} == {_NULL_PID}


def test_never_faster_than_asked(ends: tuple[SrtSocket, SrtSocket]) -> None:
    stream = NullStream(ends[0])
    stream.send(1_000_000, 0.5, every_s=0.1, look=lambda: None)
    assert stream.offered <= 1_000_000 * 0.5 / 8 / 1316 + 2


def test_slow_stream_sends_too(ends: tuple[SrtSocket, SrtSocket]) -> None:
    """At 100 kb/s a payload is due every 105 ms, more than it may catch up."""
    stream = NullStream(ends[0])
    stream.send(100_000, 1.0, every_s=0.1, look=lambda: None)
    assert stream.offered >= 4


def test_look_comes_first_and_last(ends: tuple[SrtSocket, SrtSocket]) -> None:
    stream, offered = NullStream(ends[0]), []
    stream.send(1_000_000, 0.3, every_s=0.05, look=lambda: offered.append(stream.offered))
    assert (offered[0], offered[-1]) == (0, stream.offered)
    assert len(offered) > 2


def test_peer_that_leaves_ends_it(ends: tuple[SrtSocket, SrtSocket]) -> None:
    caller, callee = ends
    callee.close()
    with pytest.raises(EdgeError) as raised:
        NullStream(caller).send(1_000_000, 10.0, every_s=0.1, look=lambda: None)
    assert isinstance(raised.value, PeerGone)
