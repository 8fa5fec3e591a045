"""One receiver over two paths with a libsrt that has bonding: a path that falls silent costs nothing, or little.

Budgets: 500 ms of SRT latency, so that this machine's hiccups are none of the stream's; in a backup at most a second
of pictures may be missing.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bonded_libsrt import Unbuildable, library
from tests.group_peer import stream
from tests.published_stream import FPS, missing, sequence
from tests.srt_peers import free_udp_port
from tests.udp_relay import UdpRelay

pytestmark = pytest.mark.peer

_UNITS = 17 * FPS
_SILENT_FROM, _SILENT_TO = 3 * FPS, 11 * FPS


@pytest.fixture(scope="module")
def libsrt() -> str:
    try:
        return str(library())
    except Unbuildable as error:
        pytest.fail(str(error))


@contextlib.contextmanager
def group_peer(*argv: str) -> Iterator[subprocess.Popen[str]]:
    command = (sys.executable, "-u", "-m", "tests.group_peer", *argv)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def carried(libsrt: str, kind: str, received: Path) -> list[dict[str, Any]]:
    """What the sender said of its paths while the first of them was silent for eight seconds."""
    port, said = free_udp_port(), []
    with group_peer("receive", libsrt, str(port), str(received)) as receiver:
        assert receiver.stdout is not None
        assert receiver.stdout.readline() == "listening\n"
        with UdpRelay(port) as first, UdpRelay(port) as second:
            url = f"srt://127.0.0.1:{first.port},127.0.0.1:{second.port}?group={kind}"
            with group_peer("send", libsrt, url, str(_UNITS)) as sender:
                assert sender.stdout is not None
                for line in sender.stdout:
                    said.append(json.loads(line))
                    first.silent = _SILENT_FROM <= said[-1]["seq"] < _SILENT_TO
                assert sender.wait(20) == 0
        receiver.wait(20)
    return said


def states(said: list[dict[str, Any]], seq: int) -> list[str]:
    line = next(one for one in said if one["seq"] >= seq)
    return [path["state"] for path in line["paths"]]


def test_broadcast_loses_nothing_with_a_path(libsrt: str, tmp_path: Path) -> None:
    received = tmp_path / "got.ts"
    said = carried(libsrt, "broadcast", received)
    assert states(said, 2 * FPS) == ["running", "running"]
    assert states(said, _SILENT_TO - FPS)[0] != "running"
    assert states(said, _UNITS - FPS) == ["running", "running"], "the path is called again when it is there again"
    numbers = sequence(stream(1), received)
    assert missing(numbers) == []
    assert numbers[-1] >= _UNITS - 2
    assert said[-1]["paths"][0]["stats"]["sent_packets"] > 0


def test_backup_goes_on_over_the_other_path_within_a_second(libsrt: str, tmp_path: Path) -> None:
    received = tmp_path / "got.ts"
    said = carried(libsrt, "backup", received)
    assert states(said, 2 * FPS)[0] == "running"
    assert states(said, _SILENT_TO - FPS)[1] == "running"
    assert states(said, _UNITS - FPS)[0] == "running", "the first path carries again"
    numbers = sequence(stream(1), received)
    assert len(missing(numbers)) <= FPS
    assert numbers[-1] >= _UNITS - 2
