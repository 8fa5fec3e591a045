"""UdpReceiver on loopback."""

from __future__ import annotations

import socket

import pytest

from edge.measure.udp import UdpReceiver
from edge.model.errors import Busy, Invalid


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_datagrams_are_chunks_and_close_ends_them() -> None:
    port = free_port()
    receiver = UdpReceiver(f"udp://127.0.0.1:{port}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"one", ("127.0.0.1", port))
        sender.sendto(b"two", ("127.0.0.1", port))
        chunks = iter(receiver)
        assert [next(chunks), next(chunks)] == [b"one", b"two"]
    receiver.close()
    assert list(chunks) == []


def test_taken_port_is_busy() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(Busy, match="cannot listen there: Address already in use"):
            UdpReceiver(f"udp://127.0.0.1:{taken.getsockname()[1]}")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("udp://127.0.0.1", "is not udp://HOST:PORT"),
        ("tcp://127.0.0.1:5", "is not udp://HOST:PORT"),
        ("udp://127.0.0.1:x", "the port is not a number of 1 to 65535"),
        ("udp://127.0.0.1:99999", "the port is not a number of 1 to 65535"),
    ],
)
def test_url_that_is_none_is_named(url: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        UdpReceiver(url)
