from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.udp_relay import Bottleneck, Lossy, UdpRelay


@pytest.fixture
def behind() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        one.settimeout(10)
        yield one


@pytest.fixture
def caller() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        one.settimeout(10)
        yield one


def port_of(one: socket.socket) -> int:
    return int(one.getsockname()[1])


def pending(one: socket.socket) -> int:
    """How many datagrams come until none comes for a while."""
    one.settimeout(0.5)
    count = 0
    try:
        while one.recv(2000):
            count += 1
    except TimeoutError:
        return count
    return count


def test_answers_find_the_caller_that_asked(behind: socket.socket, caller: socket.socket) -> None:
    with UdpRelay(port_of(behind)) as relay, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.settimeout(10)
        for one, word in ((caller, b"a"), (other, b"b")):
            one.sendto(word, ("127.0.0.1", relay.port))
        for _ in range(2):
            word, sender = behind.recvfrom(100)
            behind.sendto(word.upper(), sender)
        assert (caller.recv(100), other.recv(100)) == (b"A", b"B")


def test_lost_share_is_about_what_was_asked_for_and_the_same_every_time() -> None:
    one, other = Lossy(0.2), Lossy(0.2)
    through = [one(b"x") is not None for _ in range(1000)]
    assert through == [other(b"x") is not None for _ in range(1000)]
    assert one.dropped == through.count(False)
    assert 150 < one.dropped < 250


def test_bottleneck_spaces_and_its_queue_overflows() -> None:
    """1000 bytes last 10 ms at 800 kb/s; 50 ms of them may wait."""
    link = Bottleneck(800_000, 50)
    out = [link.through_at_s(1000, 0.0) for _ in range(10)]
    assert out == [pytest.approx(0.01 * n) for n in range(1, 7)] + [None] * 4
    assert link.through_at_s(1000, 0.03) == pytest.approx(0.07)


def test_what_overflows_is_counted_towards_the_target_alone(behind: socket.socket, caller: socket.socket) -> None:
    with UdpRelay(port_of(behind), rate_bps=80_000, queue_ms=0) as relay:
        for _ in range(5):
            caller.sendto(b"x" * 1000, ("127.0.0.1", relay.port))
        _, sender = behind.recvfrom(2000)
        for _ in range(5):
            behind.sendto(b"y", sender)
        assert pending(caller) == 5
        assert relay.overflowed == 4


def test_silent_path_carries_nothing_until_it_is_not(behind: socket.socket, caller: socket.socket) -> None:
    with UdpRelay(port_of(behind)) as relay:
        relay.silent = True
        caller.sendto(b"lost", ("127.0.0.1", relay.port))
        assert pending(behind) == 0
        relay.silent = False
        caller.sendto(b"there", ("127.0.0.1", relay.port))
        assert behind.recv(100) == b"there"
