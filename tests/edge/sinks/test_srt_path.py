"""SRT over paths that fall silent, lose packets or change them on the way."""

from __future__ import annotations

import time

import pytest

from edge.model.errors import PeerGone
from edge.model.feedback import Feedback, LinkReport
from edge.model.frame import AccessUnit
from edge.sinks.errors import PeerLeft
from edge.sinks.srt import SrtSink
from tests.media_units import continued, make_units
from tests.peers.srt_pump import Feed, Feeding
from tests.srt_peers import PASSPHRASE, Collector, Listening, free_udp_port, srt_spec, wait_until
from tests.ts_reader import pes_of
from tests.udp_relay import Lossy, UdpRelay


@pytest.fixture(scope="module")
def units() -> list[AccessUnit]:
    return continued(make_units(60, 60, gop=30), 20)


def test_silence_of_the_path_is_noticed_and_the_next_call_goes_through(units: list[AccessUnit]) -> None:
    port = free_udp_port()
    with Collector(port, "listener"), UdpRelay(port) as relay:
        sink = SrtSink(spec=srt_spec(relay.port, "caller"))
        with Feed(sink, units) as feed:
            wait_until(lambda: feed.written > 10, "some units sent")
            relay.silent, silent_s = True, time.monotonic()
            wait_until(lambda: feed.error is not None, "the feed to notice")
            noticed_s = time.monotonic() - silent_s
        assert isinstance(feed.error, PeerGone)
        assert noticed_s < 8, "5 s are promised; this machine may be busy"
    with Collector(port, "listener"), UdpRelay(port) as relay:
        again = SrtSink(spec=srt_spec(relay.port, "caller"))
        again.open(units[0].format)
        again.close()


def test_receiver_that_falls_silent_is_let_go(units: list[AccessUnit]) -> None:
    outlet = Feeding(units)
    with Listening(outlet=outlet) as listening, UdpRelay(listening.port) as relay, Collector(relay.port, "caller"):
        listening.wait_for_receivers(1)
        (name,) = outlet.feeds
        wait_until(lambda: outlet.feeds[name].written > 10, "some units sent")
        relay.silent, silent_s = True, time.monotonic()
        wait_until(lambda: outlet.feeds[name].error is not None, "the feed to notice")
        noticed_s = time.monotonic() - silent_s
    assert isinstance(outlet.feeds[name].error, PeerLeft)
    assert noticed_s < 8, "5 s are promised; this machine may be busy"


def test_loss_is_reported_and_repaired(units: list[AccessUnit]) -> None:
    port, heard = free_udp_port(), list[Feedback]()
    lossy = Lossy(0.03)
    with UdpRelay(port, delay_s=0.01, mangle=lossy) as relay, Collector(port, "listener"):
        sink = SrtSink(spec=srt_spec(relay.port, "caller"), on_feedback=heard.append)
        with Feed(sink, units) as feed:
            wait_until(lambda: feed.written > 120, "two seconds sent")
            stats = sink.detail()["stats"]
    reports = [one for one in heard if isinstance(one, LinkReport)]
    assert lossy.dropped > 0
    assert stats["lost_packets"] > 0
    assert stats["retransmitted_packets"] > 0
    assert max(one.loss for one in reports) > 0
    assert stats["dropped_packets"] == 0


def test_changed_packets_are_delivered_with_aes_ctr_and_nobody_counts_them(units: list[AccessUnit]) -> None:
    """What `authenticated: false` means: libsrt 1.5.1 decrypts whatever comes and cannot see that it was changed."""
    changed: list[int] = []

    def flip(packet: bytes) -> bytes:
        is_media = packet[0] < 0x80 and packet[4] & 0x18 and len(packet) > 16
        if not is_media:
            return packet
        changed.append(len(packet) - 16)
        return packet[:-1] + bytes((packet[-1] ^ 0x01,))

    port = free_udp_port()
    with UdpRelay(port, mangle=flip) as relay, Collector(port, "listener", passphrase=PASSPHRASE) as peer:
        sink = SrtSink(spec=srt_spec(relay.port, "caller", passphrase=PASSPHRASE))
        with Feed(sink, units):
            wait_until(lambda: len(peer.payloads) > 30, "packets at the receiver")
            detail, stats = sink.detail(), peer.receiver.stats()
    assert stats is not None
    assert (detail["encrypted"], detail["authenticated"], detail["cipher"]) == (True, False, "aes-256-ctr")
    assert len(changed) >= len(peer.payloads) > 0
    assert (stats.undecrypted_packets, stats.lost_packets, stats.dropped_packets) == (0, 0, 0)
    assert not any(unit.data in pes_of(peer.ts) for unit in units[:30]), "none came as it was sent"
