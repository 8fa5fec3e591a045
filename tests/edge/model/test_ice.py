from __future__ import annotations

import pytest

from edge.model.errors import Invalid
from edge.model.ice import IceAddress, IceServer, ice_address
from edge.model.ice_link import ice_servers_of, link_of


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("stun:a.example", IceAddress(False, "a.example", 3478, "udp", False)),
        ("turn:10.0.0.1:80?transport=tcp", IceAddress(True, "10.0.0.1", 80, "tcp", False)),
        ("turn:a", IceAddress(True, "a", 3478, "udp", False)),
        ("turns:a:443", IceAddress(True, "a", 443, "tcp", True)),
        ("turns:[2001:db8::1]", IceAddress(True, "2001:db8::1", 5349, "tcp", True)),
    ],
)
def test_address_is_taken_apart(url: str, address: IceAddress) -> None:
    assert ice_address(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "http://a",
        "turn:me:hunter2@a:3478",
        "turn:a:0",
        "turn:a:70000",
        "turns:a?transport=udp",
        "stun:a?transport=tcp",
        "stuns:a",
        "turn:",
        "turn:a b",
    ],
)
def test_address_that_cannot_be_asked_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        ice_address(url)
    assert "hunter2" not in str(caught.value)


def test_credential_is_not_in_repr() -> None:
    assert "hunter2" not in repr(IceServer("turn:a", "me", "hunter2"))


def test_link_is_read_back_as_it_was_written() -> None:
    server = IceServer("turns:a:443?transport=tcp", "17:me", 'c=/"\\;,x')
    assert ice_servers_of([link_of(server)]) == (server,)


def test_links_of_one_field_are_taken_apart_and_others_passed_over() -> None:
    field = (
        '<https://a/?x,y>; rel="next", <stun:a:1>; rel=ice-server, <turn:b>; rel="x ice-server"; username=u; '
        'credential="p,;q"; credential-type="password", <turn:c>; rel="ice-server"; credential-type="oauth"'
    )
    assert ice_servers_of([field]) == (IceServer("stun:a:1"), IceServer("turn:b", "u", "p,;q"))


@pytest.mark.parametrize(
    "field", ["", "<", "<turn:a", '<turn:a>; rel="', "<a>;;;", '<turn:a@b>; rel="ice-server"', "x" * 9000]
)
def test_hostile_links_are_no_servers(field: str) -> None:
    assert ice_servers_of([field]) == ()


def test_no_more_than_eight_servers_are_taken() -> None:
    assert len(ice_servers_of(['<stun:a>; rel="ice-server"'] * 50)) == 8
