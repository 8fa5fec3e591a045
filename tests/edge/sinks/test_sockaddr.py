from __future__ import annotations

import socket

import pytest

from edge.model.errors import Unavailable
from edge.sinks.sockaddr import family_of, pack, resolve, unpack


@pytest.mark.parametrize(
    ("family", "host"), [(socket.AF_INET, "192.0.2.7"), (socket.AF_INET6, "2001:db8::7"), (socket.AF_INET6, "::")]
)
def test_address_comes_back_as_packed(family: int, host: str) -> None:
    raw = pack(family, host, 9710)
    assert unpack(raw) == (host, 9710)
    assert family_of(raw) == family


def test_layout_is_that_of_the_kernel() -> None:
    assert pack(socket.AF_INET, "192.0.2.7", 0x1234)[2:8] == bytes((0x12, 0x34, 192, 0, 2, 7))
    assert len(pack(socket.AF_INET, "192.0.2.7", 1)) == 16
    assert len(pack(socket.AF_INET6, "::1", 1)) == 28


def test_ipv4_peer_of_an_ipv6_socket_shows_as_ipv4() -> None:
    assert unpack(pack(socket.AF_INET6, "::ffff:192.0.2.7", 5)) == ("192.0.2.7", 5)


def test_other_family_has_no_host() -> None:
    assert unpack(bytes(16)) == ("", 0)


def test_empty_host_is_every_interface() -> None:
    assert unpack(resolve("", 9)) == ("0.0.0.0", 9)


def test_unknown_host_is_named() -> None:
    with pytest.raises(Unavailable, match=r"host 'nowhere\.invalid' is not known") as error:
        resolve("nowhere.invalid", 9)
    assert error.value.code == "host_not_found"


def test_host_that_is_no_name_is_named() -> None:
    with pytest.raises(Unavailable, match="is not known"):
        resolve("a" * 70 + ".example", 9)
