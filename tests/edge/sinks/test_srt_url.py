from __future__ import annotations

import pytest

from edge.model.errors import Invalid
from edge.sinks.srt_url import SrtAddress, SrtMode, is_interface, parse_srt_url


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("srt://127.0.0.1:9710?mode=listener", SrtAddress("127.0.0.1", 9710, SrtMode.LISTENER)),
        ("srt://expert.example:9000?mode=caller", SrtAddress("expert.example", 9000, SrtMode.CALLER)),
        ("srt://expert.example:9000", SrtAddress("expert.example", 9000, SrtMode.CALLER)),
        ("srt://:9000", SrtAddress("", 9000, SrtMode.LISTENER)),
        ("srt://:9000/?mode=listener", SrtAddress("", 9000, SrtMode.LISTENER)),
        ("srt://[::1]:9000?mode=caller", SrtAddress("::1", 9000, SrtMode.CALLER)),
        (
            "srt://h:1?mode=caller&latency=200&streamid=%23!::r=or3",
            SrtAddress("h", 1, SrtMode.CALLER, 200, "#!::r=or3"),
        ),
        (
            "srt://h:1?mode=rendezvous&port=2&adapter=wwan0",
            SrtAddress("h", 1, SrtMode.RENDEZVOUS, adapter="wwan0", local_port=2),
        ),
        (
            "srt://h:1?adapter=10.0.0.7&pbkeylen=16",
            SrtAddress("h", 1, SrtMode.CALLER, adapter="10.0.0.7", key_bytes=16),
        ),
        ("srt://:1?adapter=fd00:0::7", SrtAddress("", 1, SrtMode.LISTENER, adapter="fd00::7")),
    ],
)
def test_good_address_is_understood(url: str, address: SrtAddress) -> None:
    assert parse_srt_url(url) == address


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "scheme '' is not 'srt'"),
        ("udp://h:1", "scheme 'udp' is not 'srt'"),
        ("srt://h", "a port of 1 to 65535 is needed"),
        ("srt://h:0", "a port of 1 to 65535 is needed"),
        ("srt://h:70000", "the port is not a number of 1 to 65535"),
        ("srt://h:http", "the port is not a number of 1 to 65535"),
        ("srt://[::1:9000", "Invalid IPv6 URL"),
        ("srt://h:1?mode=push", "mode 'push' is not one of caller, listener, rendezvous"),
        ("srt://:1?mode=rendezvous", "mode 'rendezvous' needs a host"),
        ("srt://:1?mode=listener&port=2", "'port' is for callers"),
        ("srt://10.0.0.7:1?mode=listener&adapter=10.0.0.8", "before its port or as adapter, not twice"),
        ("srt://h:1?port=0", "port '0' is not 1 to 65535"),
        ("srt://h:1?port=x", "port 'x' is not 1 to 65535"),
        ("srt://h:1?pbkeylen=20", "pbkeylen '20' is not 16, 24, 32"),
        ("srt://h:1?adapter=", "adapter '' is neither an address nor an interface"),
        ("srt://h:1?adapter=wwan%20zero", "adapter 'wwan zero' is neither"),
        ("srt://h:1?adapter=an-interface-of-24-bytes", "adapter 'an-interface-of-24-bytes' is neither"),
        ("srt://:1?mode=caller", "mode 'caller' needs a host"),
        ("srt://h:1?latency=120000", "latency '120000' is not 20 to 8000 ms"),
        ("srt://h:1?latency=-5", "latency '-5' is not 20 to 8000 ms"),
        ("srt://h:1?latency=\u00b2", "is not 20 to 8000 ms"),
        ("srt://h:1?colour=red", "unknown key 'colour', known are mode, latency, streamid, adapter, port, pbkeylen"),
        ("srt://h:1?mode=caller&mode=listener", "a key stands twice"),
        ("srt://h:1?mode", "after '?' must come key=value pairs"),
        ("srt://h:1/live", "nothing may follow the port but '?': '/live'"),
        ("srt://u:p@h:1", "no user or password belongs before the host"),
        ("srt://h:1?streamid=" + "x" * 513, "SRT stream id: longer than 512 bytes"),
    ],
)
def test_bad_address_names_the_part(url: str, message: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_srt_url(url)
    assert message in str(refused.value)


def test_passphrase_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(Invalid, match="passphrase does not belong into a URL") as refused:
        parse_srt_url("srt://h:1?passphrase=very-secret-word")
    assert "very-secret-word" not in str(refused.value)


def test_where_puts_an_ipv6_host_in_brackets() -> None:
    assert parse_srt_url("srt://[fe80::1]:9").where == "[fe80::1]:9"


@pytest.mark.parametrize(
    ("adapter", "interface"), [("", False), ("10.0.0.7", False), ("fe80::1", False), ("eth0", True), ("wwan0.5", True)]
)
def test_adapter_is_an_address_or_an_interface(adapter: str, interface: bool) -> None:
    assert is_interface(adapter) is interface
