"""Peers with passphrases of their own, and the latency that follows the path: Haivision's and FFmpeg's programs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edge.model.feedback import Role
from edge.model.frame import AccessUnit
from edge.model.sink import PeerSpec
from edge.sinks.srt import SrtSink
from tests.media_units import continued, make_units
from tests.peers.srt_pump import Feed, Feeding, answers
from tests.peers.test_srt_live_transmit import filled, judge, transmit
from tests.srt_peers import Listening, free_udp_port, program, running, srt_spec, wait_until
from tests.udp_relay import UdpRelay

pytestmark = pytest.mark.peer

EXPERT = PeerSpec("expert-1", "the-experts-own-words", role=Role.GUIDE)
WARD = PeerSpec("ward", "the-wards-own-words")


@pytest.fixture(scope="module")
def stream() -> list[AccessUnit]:
    return continued(make_units(60, 60, width=640, height=360, bitrate_bps=6_000_000, gop=30), 30)


@pytest.mark.parametrize("peer", [EXPERT, WARD], ids=lambda peer: peer.name)
def test_srt_live_transmit_comes_in_as_that_peer(stream: list[AccessUnit], tmp_path: Path, peer: PeerSpec) -> None:
    target = tmp_path / "got.ts"
    extra = f"&passphrase={peer.passphrase}&streamid=#!::u={peer.name},m=request"
    with (
        Listening(peers=(EXPERT, WARD), outlet=Feeding(stream)) as listening,
        transmit(listening.port, "caller", target, extra),
    ):
        wait_until(lambda: filled(target), "the file")
        (sink,) = listening.outlet.sinks.values()
        detail = sink.detail()
    assert (detail["user"], detail["role"], detail["cipher"]) == (peer.name, peer.role, "aes-256-ctr")
    judge(target)


def test_ffmpeg_comes_in_as_that_peer(stream: list[AccessUnit], tmp_path: Path) -> None:
    target = tmp_path / "got.ts"
    with Listening(peers=(EXPERT, WARD), outlet=Feeding(stream)) as listening:
        url = f"srt://127.0.0.1:{listening.port}"
        options = ("-passphrase", WARD.passphrase, "-srt_streamid", "#!::u=ward,m=request")
        with running(program("ffmpeg"), "-v", "error", *options, "-i", url, "-c", "copy", "-f", "mpegts", str(target)):
            wait_until(lambda: filled(target), "the file")
            (sink,) = listening.outlet.sinks.values()
            assert (sink.detail()["user"], sink.detail()["encrypted"]) == ("ward", True)


def test_srt_live_transmit_with_the_other_peers_passphrase_stays_out(stream: list[AccessUnit], tmp_path: Path) -> None:
    extra = f"&passphrase={EXPERT.passphrase}&streamid=#!::u=ward"
    with (
        Listening(peers=(EXPERT, WARD), outlet=Feeding(stream)) as listening,
        transmit(listening.port, "caller", tmp_path / "got.ts", extra),
    ):
        wait_until(lambda: listening.listener.detail()["rejected"] > 0, "the refusal")
        assert "peer 'ward'" in listening.listener.detail()["last_rejection"]
        assert listening.outlet.sinks == {}


def test_latency_of_a_far_srt_live_transmit_is_right_in_its_only_connection(
    stream: list[AccessUnit], tmp_path: Path
) -> None:
    target, port = tmp_path / "got.ts", free_udp_port()
    with transmit(port, "listener", target), UdpRelay(port, delay_s=0.04) as relay:
        sink = SrtSink(spec=replace(srt_spec(relay.port, "caller"), latency_ms=0))
        wait_until(lambda: answers(lambda: sink.open(stream[0].format)), "the listening peer")
        with Feed(sink, stream):
            wait_until(lambda: filled(target), "the file")
            assert sink.detail()["latency_ms"] >= 320
    judge(target)
