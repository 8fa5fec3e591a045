"""`edge linktest` over a path whose limit is known, to srt-live-transmit and to our own far end.

The relay counts SRT's header of 16 bytes in its rate, the test MPEG-TS alone (1316 of 1332 bytes). 15 % either way
is what is promised; a machine that is busy with other things finds less, hence the second try.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.srt_peers import PASSPHRASE, free_udp_port, program, running, wait_until
from tests.udp_relay import Lossy, UdpRelay

pytestmark = pytest.mark.peer

_LIMIT_BPS = 4_000_000
_WITHIN = 0.15


@contextmanager
def far_end(port: int, extra: str = "") -> Iterator[None]:
    url = f"srt://127.0.0.1:{port}?mode=listener{extra}"
    with running(program("srt-live-transmit"), "-q", "-a:yes", url, "file://con", into=Path("/dev/null")):
        yield


def linktest(port: int, *options: str) -> tuple[int, dict[str, Any]]:
    """(exit code, the figures). The far end may still be starting."""
    argv = (sys.executable, "-m", "edge", "linktest", f"srt://127.0.0.1:{port}", "--json", "--step", "1", *options)
    for _ in range(3):
        ended = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
        if ended.returncode != 3:
            return ended.returncode, json.loads(ended.stdout)
    pytest.fail(f"three times not tested: {ended.stderr}")


def within(capacity_bps: int) -> bool:
    return abs(capacity_bps / _LIMIT_BPS - 1) <= _WITHIN


def test_found_capacity_is_the_paths_limit() -> None:
    tried = []
    for _ in range(2):
        port = free_udp_port()
        with far_end(port), UdpRelay(port, rate_bps=_LIMIT_BPS, queue_ms=200, delay_s=0.02) as relay:
            code, found = linktest(relay.port, "--for", "2M", "--most", "9M", "--hold", "3")
        tried.append(found["capacity_bps"])
        if within(tried[-1]):
            break
    assert within(tried[-1]), f"{tried} of {_LIMIT_BPS}"
    assert found["full_at_bps"] is not None
    assert found["idle"]["rtt_p50_ms"] >= 40
    assert found["latency_ms"] >= 160
    assert (code, found["verdict"]) == (0, "good")


def test_too_small_a_path_says_what_would_fit() -> None:
    port = free_udp_port()
    with far_end(port), UdpRelay(port, rate_bps=1_500_000, queue_ms=200, delay_s=0.005) as relay:
        code, found = linktest(relay.port, "--for", "endoscopy", "--most", "10M", "--hold", "2")
    assert (code, found["verdict"]) == (2, "not_enough")
    assert found["capacity_bps"] < 2_500_000
    assert "floor of preset endoscopy" in found["advice"]


def test_loss_that_is_always_there_is_measured() -> None:
    """Of 100 packets that are sent 10 are lost, and a few of those sent again twice."""
    port = free_udp_port()
    with far_end(port), UdpRelay(port, mangle=Lossy(0.1), delay_s=0.005) as relay:
        code, found = linktest(relay.port, "--for", "1M", "--most", "2M", "--hold", "3")
    assert 0.05 < found["held"]["loss"] < 0.25
    assert code in (1, 2)


def test_encrypted_with_a_passphrase(tmp_path: Path) -> None:
    port, secret = free_udp_port(), tmp_path / "secret"
    secret.write_text(PASSPHRASE + "\n")
    with far_end(port, f"&passphrase={PASSPHRASE}"):
        code, found = linktest(port, "--for", "500k", "--most", "700k", "--hold", "1", "--passphrase-file", str(secret))
    assert code in (0, 1)
    assert found["idle"]["rtt_p50_ms"] >= 0


def test_our_own_far_end_counts_what_came(tmp_path: Path) -> None:
    port, said = free_udp_port(), tmp_path / "said"
    listen = (
        sys.executable,
        "-u",
        "-m",
        "edge",
        "linktest",
        "--json",
        "--listen",
        f"srt://127.0.0.1:{port}?mode=listener",
    )
    with running(*listen, into=said) as listener:
        code, found = linktest(port, "--for", "800k", "--most", "1M", "--hold", "2")
        wait_until(lambda: said.read_text().endswith("\n"), "the far end's line")
        listener.send_signal(signal.SIGINT)
        assert listener.wait(20) == 130
    arrived = json.loads(said.read_text())
    assert code in (0, 1)
    assert found["capacity_bps"] == 1_000_000
    assert arrived["payload_bytes"] > 300_000
    assert arrived["peak_bps"] > 500_000
