"""Our SRT against Haivision's own program, both ways round; ffprobe and a strict decoder judge what it wrote."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

import pytest

from edge.model import sei
from edge.model.errors import PeerGone
from edge.model.frame import AccessUnit
from edge.model.video import Codec
from edge.sinks.errors import PeerLeft
from tests.media_units import continued, make_units
from tests.peers.srt_pump import Feeding, feed_when_up
from tests.srt_peers import OTHER_PASSPHRASE, PASSPHRASE, Listening, free_udp_port, program, running, wait_until
from tests.ts_reader import pes_list, unit_of_pes

pytestmark = pytest.mark.peer

_ENOUGH_BYTES = 600_000


@pytest.fixture(scope="module")
def stream() -> list[AccessUnit]:
    return continued(make_units(60, 60, width=640, height=360, bitrate_bps=6_000_000, gop=30), 30)


def transmit(
    port: int, mode: str, target: Path, extra: str = ""
) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
    """It writes what it receives to its standard output, the only file it knows."""
    url = f"srt://127.0.0.1:{port}?mode={mode}{extra}"
    return running(program("srt-live-transmit"), "-q", "-a:no", url, "file://con", into=target)


def filled(target: Path) -> bool:
    return target.exists() and target.stat().st_size > _ENOUGH_BYTES


def judge(target: Path) -> None:
    """The file up to its last whole unit decodes without one complaint and is one program on PID 0x100."""
    ts = target.read_bytes()
    whole = target.with_suffix(".whole.ts")
    whole.write_bytes(ts[: last_unit_begin(ts)])
    decode = subprocess.run(
        [program("ffmpeg"), "-v", "warning", "-xerror", "-err_detect", "explode", "-i", whole, "-f", "null", "-"],
        capture_output=True,
        check=False,
    )
    assert (decode.returncode, decode.stderr.decode()) == (0, "")
    probe = subprocess.run(
        [program("ffprobe"), "-v", "error", "-of", "csv=p=0", "-show_entries", "stream=id,codec_name", whole],
        capture_output=True,
        check=True,
    )
    assert set(probe.stdout.decode().split()) == {"h264,0x100"}  # ffprobe says it once more within the program


def last_unit_begin(ts: bytes) -> int:
    """Where the last access unit's first TS packet stands: it may be cut off."""
    return max(at for at in range(0, len(ts) // 188 * 188, 188) if ts[at + 1] & 0x5F == 0x41 and ts[at + 2] == 0)


def test_it_calls_us(stream: list[AccessUnit], tmp_path: Path) -> None:
    target = tmp_path / "got.ts"
    with Listening(outlet=Feeding(stream)) as listening, transmit(listening.port, "caller", target):
        wait_until(lambda: filled(target), "the file")
    judge(target)


def test_we_call_it(stream: list[AccessUnit], tmp_path: Path) -> None:
    target, port = tmp_path / "got.ts", free_udp_port()
    with transmit(port, "listener", target), feed_when_up(port, stream):
        wait_until(lambda: filled(target), "the file")
    judge(target)


def test_encrypted_and_with_stream_id_it_calls_us(stream: list[AccessUnit], tmp_path: Path) -> None:
    target = tmp_path / "got.ts"
    extra = f"&passphrase={PASSPHRASE}&streamid=expert-2"
    with (
        Listening(passphrase=PASSPHRASE, outlet=Feeding(stream)) as listening,
        transmit(listening.port, "caller", target, extra),
    ):
        wait_until(lambda: filled(target), "the file")
        (sink,) = listening.outlet.sinks.values()
        detail = sink.detail()
    assert (detail["stream_id"], detail["encrypted"], detail["authenticated"]) == ("expert-2", True, False)
    judge(target)


def test_encrypted_we_call_it(stream: list[AccessUnit], tmp_path: Path) -> None:
    target, port = tmp_path / "got.ts", free_udp_port()
    with (
        transmit(port, "listener", target, f"&passphrase={PASSPHRASE}"),
        feed_when_up(port, stream, passphrase=PASSPHRASE) as feed,
    ):
        wait_until(lambda: filled(target), "the file")
        assert feed.sink.detail()["encrypted"] is True
    judge(target)


def test_it_refuses_our_wrong_passphrase_and_we_say_so(stream: list[AccessUnit], tmp_path: Path) -> None:
    port = free_udp_port()
    with (
        transmit(port, "listener", tmp_path / "got.ts", f"&passphrase={PASSPHRASE}"),
        pytest.raises(PeerGone, match="wrong passphrase") as refused,
    ):
        feed_when_up(port, stream, passphrase=OTHER_PASSPHRASE)
    assert refused.value.code == "wrong_passphrase"


def test_time_sei_survives(stream: list[AccessUnit], tmp_path: Path) -> None:
    target = tmp_path / "got.ts"
    with Listening(outlet=Feeding(stream)) as listening, transmit(listening.port, "caller", target):
        wait_until(lambda: filled(target), "the file")
    ts = target.read_bytes()
    found = [sei.find(Codec.H264, unit_of_pes(pes)) for pes in pes_list(ts[: last_unit_begin(ts)])]
    assert len(found) > 30
    for one in found:
        assert one is not None
        assert one.utc_ns == stream[one.seq].utc_ns


def test_killed_peer_that_we_called_is_gone_within_seconds(stream: list[AccessUnit], tmp_path: Path) -> None:
    target, port = tmp_path / "got.ts", free_udp_port()
    with transmit(port, "listener", target) as peer, feed_when_up(port, stream) as feed:
        wait_until(lambda: filled(target), "the file")
        alive_s = feed.written / 60
        peer.kill()
        wait_until(lambda: feed.error is not None, "the feed to notice")
        assert isinstance(feed.error, PeerGone)
        assert feed.failed_after_s - alive_s < 10, "5 s are promised; this machine may be busy"
        assert feed.slowest_write_s < 3, "a write blocks for 1 s at most; this machine may be busy"


def test_killed_receiver_is_let_go_for_good(stream: list[AccessUnit], tmp_path: Path) -> None:
    outlet = Feeding(stream)
    with Listening(outlet=outlet) as listening:
        with transmit(listening.port, "caller", tmp_path / "got.ts"):
            wait_until(lambda: filled(tmp_path / "got.ts"), "the file")
            (name,) = outlet.sinks
        wait_until(lambda: name in outlet.detached, "the killed receiver let go")
        error = outlet.feeds[name].error
        assert error is None or isinstance(error, PeerLeft)
        assert listening.listener.receivers() == ()
