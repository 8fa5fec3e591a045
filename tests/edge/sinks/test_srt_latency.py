from __future__ import annotations

import socket
import threading

import pytest

from edge.sinks.libsrt import Libsrt
from edge.sinks.sockaddr import resolve
from edge.sinks.srt_latency import answered, fitting_latency_ms, induction, probe_rtt_ms
from edge.sinks.srt_socket import SrtOptions, listening
from tests.srt_peers import free_udp_port
from tests.udp_relay import Lossy, UdpRelay


@pytest.mark.parametrize(
    ("rtt_ms", "latency_ms"),
    [(None, 120), (0.1, 120), (30.0, 120), (30.1, 121), (50.0, 200), (120.0, 480), (5000.0, 8000)],
)
def test_latency_is_four_round_trips_within_bounds(rtt_ms: float | None, latency_ms: int) -> None:
    assert fitting_latency_ms(rtt_ms) == latency_ms


def test_induction_is_one_handshake_packet_of_version_4() -> None:
    packet = induction(0x01020304)
    assert len(packet) == 64
    assert packet[:4] == b"\x80\x00\x00\x00"
    assert packet[16:24] == bytes((0, 0, 0, 4, 0, 0, 0, 2))
    assert packet[36:44] == bytes((0, 0, 0, 1, 1, 2, 3, 4))


@pytest.mark.parametrize(
    "packet",
    [b"", bytes(63), bytes(64), b"\x80\x02" + induction(7)[2:], induction(7)[:36] + b"\xff" * 28],
    ids=["empty", "short", "data", "acknowledgement", "conclusion"],
)
def test_other_packets_answer_nothing(packet: bytes) -> None:
    assert answered(packet) is None


def test_listener_answers_and_keeps_nothing_of_it() -> None:
    libsrt, port = Libsrt(), free_udp_port()
    listener = listening(libsrt, "127.0.0.1", port, SrtOptions(passphrase="correct horse"), backlog=1)
    try:
        rtt_ms = probe_rtt_ms(resolve("127.0.0.1", port))
        assert libsrt.accept(listener) is None
    finally:
        libsrt.close(listener)
    assert rtt_ms is not None
    assert rtt_ms > 0


@pytest.mark.parametrize("loss", [0.0, 0.3])
def test_round_trip_is_that_of_the_path_whatever_gets_lost(loss: float) -> None:
    libsrt, port = Libsrt(), free_udp_port()
    listener = listening(libsrt, "127.0.0.1", port, SrtOptions(), backlog=1)
    try:
        with UdpRelay(port, delay_s=0.05, mangle=Lossy(loss, seed=3)) as relay:
            rtt_ms = probe_rtt_ms(resolve("127.0.0.1", relay.port))
    finally:
        libsrt.close(listener)
    assert rtt_ms is not None
    assert rtt_ms >= 100


def test_closed_port_gives_none_at_once() -> None:
    assert probe_rtt_ms(resolve("127.0.0.1", free_udp_port())) is None


def test_stranger_that_answers_something_else_gives_none() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=lambda: stranger.sendto(b"hello", stranger.recvfrom(100)[1]))
        thread.start()
        assert probe_rtt_ms(resolve("127.0.0.1", stranger.getsockname()[1])) is None
        thread.join()


def test_socket_that_cannot_be_prepared_gives_none() -> None:
    def refuse(_own: socket.socket) -> None:
        raise OSError("no such device")

    assert probe_rtt_ms(resolve("127.0.0.1", 9), prepare=refuse) is None
