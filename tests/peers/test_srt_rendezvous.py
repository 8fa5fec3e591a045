"""Both ends call: Haivision's program as the other one. FFmpeg 5.1 binds to its peer's address and so meets itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.model.frame import AccessUnit
from edge.model.sink import SinkKind, SinkSpec
from edge.sinks.srt import SrtSink
from tests.media_units import continued, make_units
from tests.peers.srt_pump import Feed, answers
from tests.peers.test_srt_live_transmit import filled, judge
from tests.srt_peers import PASSPHRASE, free_udp_port, program, running, wait_until

pytestmark = pytest.mark.peer


@pytest.fixture(scope="module")
def stream() -> list[AccessUnit]:
    return continued(make_units(60, 60, width=640, height=360, bitrate_bps=6_000_000, gop=30), 30)


@pytest.mark.parametrize("secret", ["", PASSPHRASE])
def test_it_and_we_meet(stream: list[AccessUnit], tmp_path: Path, secret: str) -> None:
    target, ours, theirs = tmp_path / "got.ts", free_udp_port(), free_udp_port()
    extra = f"&passphrase={secret}" if secret else ""
    url = f"srt://127.0.0.1:{ours}?mode=rendezvous&port={theirs}{extra}"
    sink = SrtSink(
        spec=SinkSpec("srt", SinkKind.SRT, f"srt://127.0.0.1:{theirs}?mode=rendezvous&port={ours}", passphrase=secret)
    )
    with running(program("srt-live-transmit"), "-q", "-a:no", url, "file://con", into=target):
        wait_until(lambda: answers(lambda: sink.open(stream[0].format)), "the rendezvous")
        with Feed(sink, stream):
            wait_until(lambda: filled(target), "the file")
            detail = sink.detail()
    assert (detail["mode"], detail["encrypted"]) == ("rendezvous", bool(secret))
    judge(target)
