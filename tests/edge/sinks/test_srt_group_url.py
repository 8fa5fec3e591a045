from __future__ import annotations

import pytest

from edge.model.errors import Invalid
from edge.sinks.libsrt_groups import GroupKind
from edge.sinks.srt_group_url import SrtPath, address_of, is_group, parse_group_url
from edge.sinks.srt_url import SrtAddress, SrtMode


def caller(host: str, port: int, latency_ms: int | None = None, stream_id: str | None = None) -> SrtAddress:
    return SrtAddress(host, port, SrtMode.CALLER, latency_ms=latency_ms, stream_id=stream_id)


def test_every_path_has_the_same_options() -> None:
    address = parse_group_url("srt://a:9000,b:9001?mode=caller&group=broadcast&latency=300&streamid=or%2D3")
    assert address.kind is GroupKind.BROADCAST
    assert address.paths == (SrtPath(caller("a", 9000, 300, "or-3")), SrtPath(caller("b", 9001, 300, "or-3")))
    assert address.where == "a:9000,b:9001"


def test_one_peer_may_be_called_from_two_addresses() -> None:
    address = parse_group_url("srt://[2001:db8::1]:9000,[2001:db8::1]:9000?group=backup&adapter=2001:db8::8,")
    assert address.kind is GroupKind.BACKUP
    assert [path.adapter for path in address.paths] == ["2001:db8::8", ""]
    assert [path.peer.host for path in address.paths] == ["2001:db8::1"] * 2


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("srt://a:1,b:2?group=balancing", "group 'balancing' is not one of broadcast, backup"),
        ("srt://a:1,b:2", "group '' is not one of"),
        ("srt://a:1?group=backup", "a group has 2 to 8 paths, not 1"),
        ("srt://a:1,a:2,a:3,a:4,a:5,a:6,a:7,a:8,a:9?group=backup", "a group has 2 to 8 paths, not 9"),
        ("http://a:1,b:2?group=backup", "a group has 2 to 8 paths, not 1"),
        ("srt://a:1,b?group=backup", "a port of 1 to 65535 is needed"),
        ("srt://a:1,b:2?group=backup&mode=listener", "a group calls, mode 'listener' does not fit"),
        ("srt://a:1,:2?group=backup", "a group calls, mode 'listener' does not fit"),
        ("srt://a:1,a:1?group=backup", "two paths of the group are the same"),
        ("srt://a:1,b:2?group=backup&group=broadcast", "a key stands twice"),
        ("srt://a:1,b:2?group=backup&adapter=10.0.0.1", "1 adapters for 2 paths"),
        ("srt://a:1,b:2?group=backup&adapter=eth0,eth1", "adapter 'eth0' of a group is no address"),
        ("srt://a:1,b:2?group=backup&colour=red", "unknown key 'colour'"),
        ("srt://a:1,b:2?group=backup&passphrase=hushhushhush", "a passphrase does not belong into a URL"),
    ],
)
def test_what_is_wrong_is_named(url: str, words: str) -> None:
    with pytest.raises(Invalid, match=words) as raised:
        parse_group_url(url)
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "group"),
    [
        ("srt://a:1,b:2?group=backup", True),
        ("srt://a:1,b:2?mode=caller&group=", True),
        ("srt://a:1?mode=caller", False),
        ("srt://a:1?streamid=group", False),
        ("srt://:1", False),
    ],
)
def test_group_is_known_by_its_key(url: str, group: bool) -> None:
    assert is_group(url) is group


def test_address_is_the_groups_first_or_the_only_one() -> None:
    assert address_of("srt://a:1,b:2?group=backup").port == 1
    assert address_of("srt://a:3").port == 3
    with pytest.raises(Invalid):
        address_of("srt://a:1,b:0?group=backup")
