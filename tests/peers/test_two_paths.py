"""One rung to two SRT receivers: what happens to one of them, or to its path, leaves the other without a gap."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.model.frame import AccessUnit
from edge.model.status import SinkState
from edge.sinks.srt import SrtSink
from tests.media_units import make_units
from tests.peers.test_srt_live_transmit import judge
from tests.published_stream import FPS, Published, missing, sequence
from tests.srt_peers import free_udp_port, program, running, srt_spec, wait_until
from tests.udp_relay import UdpRelay

pytestmark = pytest.mark.peer

_SECONDS = 40


@pytest.fixture(scope="module")
def stream() -> list[AccessUnit]:
    return make_units(_SECONDS * FPS, FPS, bitrate_bps=800_000, gop=FPS // 2)


@contextlib.contextmanager
def receiving(port: int, into: Path) -> Iterator[subprocess.Popen[bytes]]:
    url = f"srt://127.0.0.1:{port}?mode=listener&latency=400"
    with running(program("srt-live-transmit"), "-q", "-a:yes", url, "file://con", into=into) as process:
        yield process


def sink_to(port: int, name: str) -> SrtSink:
    return SrtSink(spec=srt_spec(port, "caller", name=name))


def both_live(published: Published) -> None:
    wait_until(lambda: all(r.state is SinkState.LIVE for r in published.distributor.reports()), "both sinks live")


def test_killed_receiver_leaves_the_other_without_a_gap(stream: list[AccessUnit], tmp_path: Path) -> None:
    one, other, ports = tmp_path / "one.ts", tmp_path / "other.ts", (free_udp_port(), free_udp_port())
    sinks = [sink_to(port, name) for port, name in zip(ports, ("one", "other"), strict=True)]
    with receiving(ports[0], one) as killed, receiving(ports[1], other), Published(stream, *sinks) as published:
        both_live(published)
        published.wait_for(2 * FPS)
        killed.kill()
        wait_until(lambda: published.state("one") is not SinkState.LIVE, "the killed receiver noticed")
        published.wait_for(FPS)
        last = published.count - FPS
    assert missing(sequence(stream, other)) == []
    assert sequence(stream, other)[-1] > last
    judge(other)


def test_cut_path_leaves_the_other_without_a_gap_and_comes_back(stream: list[AccessUnit], tmp_path: Path) -> None:
    one, other, ports = tmp_path / "one.ts", tmp_path / "other.ts", (free_udp_port(), free_udp_port())
    with (
        receiving(ports[0], one),
        receiving(ports[1], other),
        UdpRelay(ports[0]) as path,
        Published(stream, sink_to(path.port, "one"), sink_to(ports[1], "other")) as published,
    ):
        both_live(published)
        published.wait_for(2 * FPS)
        path.silent = True
        wait_until(lambda: published.state("one") is not SinkState.LIVE, "the cut path noticed")
        path.silent = False
        both_live(published)
        published.wait_for(FPS)
    assert missing(sequence(stream, other)) == []
    assert missing(sequence(stream, one)) != []
    judge(other)
