"""What a group does on the system's libsrt, which is built without; tests/peers has one that is built with it."""

from __future__ import annotations

import ctypes

import pytest

from edge.model.errors import Invalid, NotSupported, PeerGone
from edge.model.sink import SinkKind, SinkSpec
from edge.sinks import libsrt_groups
from edge.sinks.libsrt import Libsrt
from edge.sinks.libsrt_groups import GroupCalls, GroupKind
from edge.sinks.srt_group import SrtGroupSink
from tests.media_units import make_units

_URL = "srt://127.0.0.1:9,127.0.0.1:10?group=backup"


def group_sink(url: str = _URL, passphrase: str = "") -> SrtGroupSink:
    return SrtGroupSink(spec=SinkSpec("two", SinkKind.SRT, url=url, passphrase=passphrase, stream_id="or-3"))


@pytest.mark.parametrize("kind", GroupKind)
def test_library_without_bonding_says_so(kind: GroupKind) -> None:
    with pytest.raises(NotSupported, match="one SRT output for each path") as raised:
        GroupCalls(Libsrt()).create(kind)
    assert raised.value.code == "bonding_not_available"


def test_sink_says_so_when_it_is_opened() -> None:
    with pytest.raises(NotSupported) as raised:
        group_sink().open(make_units(1)[0].format)
    assert raised.value.code == "bonding_not_available"


def test_wrong_passphrase_and_address_are_refused_at_once() -> None:
    with pytest.raises(Invalid, match="10 to 79 bytes"):
        group_sink(passphrase="short")
    with pytest.raises(Invalid, match="not one of broadcast, backup"):
        group_sink("srt://a:1,b:2?group=x")


def test_sink_that_is_not_open_takes_nothing_and_closes() -> None:
    sink = group_sink()
    with pytest.raises(PeerGone, match=r"127\.0\.0\.1:9,127\.0\.0\.1:10: not connected"):
        sink.write(make_units(1)[0])
    sink.close()
    sink.close()


def test_detail_names_every_path_before_it_is_connected() -> None:
    detail = group_sink(passphrase="correct horse battery").detail()
    assert (detail["group"], detail["encrypted"], detail["stream_id"]) == ("backup", True, "or-3")
    assert [(path["peer"], path["state"]) for path in detail["paths"]] == [
        ("127.0.0.1:9", "broken"),
        ("127.0.0.1:10", "broken"),
    ]


def test_structures_are_as_srt_h_has_them_on_64_bits() -> None:
    config, entry = libsrt_groups._Config, libsrt_groups._Entry
    assert (ctypes.sizeof(config), config.weight.offset, config.token.offset) == (288, 264, 284)
    assert (ctypes.sizeof(entry), entry.memberstate.offset) == (160, 144)
