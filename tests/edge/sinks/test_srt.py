from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from edge.model.errors import EdgeError, Invalid, Missing, PeerGone, TimedOut, Unavailable
from edge.model.frame import AccessUnit
from edge.model.sink import SinkKind, SinkSpec
from edge.ports import Sink
from edge.sinks.errors import PeerLeft
from edge.sinks.libsrt import Libsrt
from edge.sinks.srt import SrtSink
from tests.contract.sink_contract import SinkContract, write_until_it_fails
from tests.media_units import make_units
from tests.srt_peers import (
    OTHER_PASSPHRASE,
    PASSPHRASE,
    TOO_SHORT,
    Collector,
    Listening,
    free_udp_port,
    srt_spec,
    wait_until,
)
from tests.ts_reader import decoded, pes_of


class CallerRig:
    """We call; the peer listens."""

    secret = PASSPHRASE
    reopens = True

    def __init__(self) -> None:
        self._port = free_udp_port()
        self._peer = self._listening_peer()
        self.sink: Sink = SrtSink(spec=srt_spec(self._port, "caller", passphrase=PASSPHRASE, stream_id="box-7"))

    def received(self) -> bytes:
        return pes_of(self._peer.ts)

    def peer_leaves(self) -> None:
        self._peer.close()

    def peer_returns(self) -> None:
        self._peer = self._listening_peer()

    def end(self) -> None:
        self.sink.close()
        self._peer.close()

    def _listening_peer(self) -> Collector:
        return Collector(self._port, "listener", passphrase=PASSPHRASE)


class AcceptedRig:
    """The peer calls us; what the listener attached is the sink."""

    secret = PASSPHRASE
    reopens = False

    def __init__(self) -> None:
        self._listening = Listening(passphrase=PASSPHRASE).__enter__()
        self._peer = Collector(self._listening.port, "caller", passphrase=PASSPHRASE, stream_id="expert-1")
        self._listening.wait_for_receivers(1)
        (self.sink,) = self._listening.outlet.sinks.values()

    def received(self) -> bytes:
        return pes_of(self._peer.ts)

    def peer_leaves(self) -> None:
        self._peer.close()

    def peer_returns(self) -> None:
        raise AssertionError("an accepted connection does not come back")

    def end(self) -> None:
        self.sink.close()
        self._peer.close()
        self._listening.stop()


class RendezvousRig:
    """Both call at once, each from the port that the other calls."""

    secret = PASSPHRASE
    reopens = True

    def __init__(self) -> None:
        self._ours, self._theirs = free_udp_port(), free_udp_port()
        self._peer = self._meeting_peer()
        url = f"srt://127.0.0.1:{self._theirs}?mode=rendezvous&port={self._ours}"
        self.sink: Sink = SrtSink(spec=SinkSpec("srt", SinkKind.SRT, url, passphrase=PASSPHRASE))

    def received(self) -> bytes:
        return pes_of(self._peer.ts)

    def peer_leaves(self) -> None:
        self._peer.close()

    def peer_returns(self) -> None:
        self._peer = self._meeting_peer()

    def end(self) -> None:
        self.sink.close()
        self._peer.close()

    def _meeting_peer(self) -> Collector:
        return Collector(self._ours, "rendezvous", passphrase=PASSPHRASE, more=f"&port={self._theirs}")


class TestSrtCallerKeepsTheContract(SinkContract):
    @pytest.fixture
    def rig(self) -> Iterator[CallerRig]:
        rig = CallerRig()
        yield rig
        rig.end()


class TestRendezvousKeepsTheContract(SinkContract):
    @pytest.fixture
    def rig(self) -> Iterator[RendezvousRig]:
        rig = RendezvousRig()
        yield rig
        rig.end()


class TestAcceptedReceiverKeepsTheContract(SinkContract):
    @pytest.fixture
    def rig(self) -> Iterator[AcceptedRig]:
        rig = AcceptedRig()
        yield rig
        rig.end()


@pytest.fixture(scope="module")
def units() -> list[AccessUnit]:
    return make_units(30, 60, gop=10)


def test_detail_says_what_the_connection_is(units: list[AccessUnit]) -> None:
    port = free_udp_port()
    sink = SrtSink(spec=srt_spec(port, "caller", passphrase=PASSPHRASE, stream_id="box-7"))
    with Collector(port, "listener", passphrase=PASSPHRASE):
        sink.open(units[0].format)
        sink.write(units[0])
        wait_until(lambda: sink.detail()["stats"]["sent_packets"] > 0, "the statistics")
        detail = sink.detail()
        sink.close()
    assert detail["mode"] == "caller"
    assert detail["peer"] == f"127.0.0.1:{port}"
    assert (detail["stream_id"], detail["latency_ms"]) == ("box-7", 120)
    assert detail["encrypted"] is True
    assert detail["authenticated"] is False, "AES-CTR does not show that somebody changed the picture"


def test_detail_of_an_open_path_says_not_encrypted(units: list[AccessUnit]) -> None:
    port = free_udp_port()
    sink = SrtSink(spec=srt_spec(port, "caller"))
    with Collector(port, "listener"):
        sink.open(units[0].format)
        assert sink.detail()["encrypted"] is False
        sink.close()


def test_sent_stream_decodes_whole(units: list[AccessUnit]) -> None:
    port = free_udp_port()
    sink = SrtSink(spec=srt_spec(port, "caller"))
    with Collector(port, "listener") as peer:
        sink.open(units[0].format)
        for unit in units:
            sink.write(unit)
        peer.wait_for(units[-1])
        sink.close()
    assert len(decoded(peer.ts)) == len(units)


def test_sink_leaves_by_the_adapter_and_port_that_its_url_names(units: list[AccessUnit]) -> None:
    for adapter, seen in (("127.0.0.5", "127.0.0.5"), ("lo", "127.0.0.1")):
        ours = free_udp_port()
        with Listening() as listening:
            url = f"srt://127.0.0.1:{listening.port}?adapter={adapter}&port={ours}"
            sink = SrtSink(spec=SinkSpec("out", SinkKind.SRT, url, latency_ms=0))
            sink.open(units[0].format)
            listening.wait_for_receivers(1)
            assert list(listening.outlet.sinks) == [f"srt/{seen}:{ours}"]
            assert sink.detail()["adapter"] == adapter
            sink.close()


def test_interface_that_does_not_lead_to_the_peer_is_not_left_for_another(units: list[AccessUnit]) -> None:
    """On a machine with an interface besides loopback: what is bound to it must not reach 127.0.0.1."""
    others = [name for _, name in socket.if_nameindex() if name != "lo"]
    if not others:
        return
    with Listening() as listening:
        url = f"srt://127.0.0.1:{listening.port}?adapter={others[0]}"
        with pytest.raises(Unavailable):
            SrtSink(spec=SinkSpec("out", SinkKind.SRT, url, latency_ms=0)).open(units[0].format)
        assert listening.outlet.sinks == {}


@pytest.mark.parametrize(
    ("adapter", "error", "message"),
    [
        ("no-such-if0", Unavailable, "adapter 'no-such-if0': there is no such interface"),
        ("192.0.2.77", Unavailable, "adapter '192.0.2.77': SRT bind"),
        ("::1", Invalid, "not of one IP version"),
    ],
)
def test_adapter_that_is_not_here_is_told(
    units: list[AccessUnit], adapter: str, error: type[EdgeError], message: str
) -> None:
    sink = SrtSink(spec=SinkSpec("out", SinkKind.SRT, f"srt://127.0.0.1:9?adapter={adapter}"))
    with pytest.raises(error, match=message):
        sink.open(units[0].format)


def test_url_settings_go_before_the_specs(units: list[AccessUnit]) -> None:
    url = "srt://127.0.0.1:9?mode=caller&latency=400&streamid=from-url"
    sink = SrtSink(spec=SinkSpec("srt", SinkKind.SRT, url, latency_ms=120, stream_id="from-spec"))
    assert (sink.detail()["latency_ms"], sink.detail()["stream_id"]) == (400, "from-url")


def test_nobody_listening_times_out_and_names_the_address(units: list[AccessUnit]) -> None:
    port = free_udp_port()
    with pytest.raises(TimedOut, match=f"connect to 127.0.0.1:{port}"):
        SrtSink(spec=srt_spec(port, "caller")).open(units[0].format)


def test_wrong_passphrase_is_told_as_such(units: list[AccessUnit]) -> None:
    with Listening(passphrase=PASSPHRASE) as listening:
        sink = SrtSink(spec=srt_spec(listening.port, "caller", passphrase=OTHER_PASSPHRASE))
        with pytest.raises(PeerGone, match="wrong passphrase") as refused:
            sink.open(units[0].format)
    assert refused.value.code == "wrong_passphrase"


def test_open_again_while_connected_keeps_the_connection(units: list[AccessUnit]) -> None:
    port = free_udp_port()
    sink = SrtSink(spec=srt_spec(port, "caller"))
    with Collector(port, "listener"):
        sink.open(units[0].format)
        sink.write(units[0])
        wait_until(lambda: sink.detail()["stats"]["sent_packets"] > 0, "the statistics")
        sink.open(units[0].format)
        assert sink.detail()["stats"]["sent_packets"] > 0, "a new connection counts from nothing"
        sink.close()


def test_missing_libsrt_is_told_at_open_not_before(units: list[AccessUnit]) -> None:
    sink = SrtSink(spec=srt_spec(9, "caller"), libsrt=Libsrt(names=("libsrt-nowhere.so",)))
    assert sink.detail()["mode"] == "caller"
    with pytest.raises(Missing) as missing:
        sink.open(units[0].format)
    assert missing.value.code == "libsrt_missing"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (srt_spec(9, "listener", name="view"), "sink 'view' calls, mode 'listener' does not fit"),
        (SinkSpec("s", SinkKind.SRT, "srt://h"), "a port of 1 to 65535 is needed"),
        (SinkSpec("s", SinkKind.SRT, "srt://h:1", passphrase=TOO_SHORT), "must be 10 to 79 bytes"),
    ],
)
def test_bad_spec_is_refused_at_once(spec: SinkSpec, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        SrtSink(spec=spec)


def test_receiver_that_left_is_final(units: list[AccessUnit]) -> None:
    with Listening() as listening, Collector(listening.port, "caller") as peer:
        listening.wait_for_receivers(1)
        (sink,) = listening.outlet.sinks.values()
        peer.close()
        with pytest.raises(PeerLeft) as left:
            write_until_it_fails(sink, units)
        with pytest.raises(PeerLeft):
            sink.open(units[0].format)
    assert left.value.code == "peer_left"
    assert left.value.final


def test_receiver_that_hangs_is_gone_within_seconds(units: list[AccessUnit]) -> None:
    port = free_udp_port()
    script = (
        "from edge.sinks.srt_receiver import SrtReceiver\n"
        "from edge.sinks.srt_url import parse_srt_url\n"
        f"for payload in SrtReceiver(parse_srt_url('srt://127.0.0.1:{port}?mode=listener')): pass\n"
    )
    with subprocess.Popen([sys.executable, "-c", script]) as peer:
        try:
            sink = SrtSink(spec=srt_spec(port, "caller"))
            wait_until(lambda: opens(sink, units[0]), "the receiver process")
            os.kill(peer.pid, signal.SIGSTOP)
            begin_s = time.monotonic()
            with pytest.raises(PeerGone):
                write_until_it_fails(sink, units)
            assert time.monotonic() - begin_s < 10, "5 s are promised; this machine may be busy"
        finally:
            peer.kill()


def opens(sink: Sink, unit: AccessUnit) -> bool:
    try:
        sink.open(unit.format)
    except TimedOut:
        return False
    return True
