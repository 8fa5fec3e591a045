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
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from tests.bonded_libsrt import Unbuildable, library
from tests.group_peer import stream
from tests.published_stream import FPS, missing, sequence
from tests.srt_peers import free_udp_port
from tests.udp_relay import UdpRelay

pytestmark = pytest.mark.peer

_MOST_UNITS = 60 * FPS
_SILENT = 8 * FPS  # long enough for the path to be given up
_THERE = {"running", "idle"}


@pytest.fixture(scope="module")
def libsrt() -> str:
    try:
        return str(library())
    except Unbuildable as error:
        pytest.fail(str(error))


@contextlib.contextmanager
def group_peer(*argv: str) -> Iterator[subprocess.Popen[str]]:
    command = (sys.executable, "-u", "-m", "tests.group_peer", *argv)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


class Sender:
    """Sends until it is left; `seq`, `states` and `reports` are as it has said last."""

    def __init__(self, libsrt: str, url: str) -> None:
        self.seq = 0
        self.states: list[str] = []
        self.reports: list[dict[str, Any]] = []
        self._argv = ("send", libsrt, url, str(_MOST_UNITS))
        self._stack = contextlib.ExitStack()

    def wait_for(self, more: int) -> None:
        aim = self.seq + more
        while self.seq < aim:
            self._listen()

    def wait_for_both(self) -> None:
        while not (self.states and set(self.states) <= _THERE):
            self._listen()

    def __enter__(self) -> Self:
        self._process = self._stack.enter_context(group_peer(*self._argv))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        with self._stack:
            if kind is None:
                assert self._process.stdin is not None
                self._process.stdin.close()
                assert self._process.wait(30) == 0

    def _listen(self) -> None:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the sender has ended"
        said = json.loads(line)
        self.seq, self.states = said["seq"], [path["state"] for path in said["paths"]]
        self.reports = said["reports"]


@dataclass(frozen=True)
class Course:
    """`lost`: sequence numbers that did not come. `alone`: each path's state at the end of the silence, `then` the
    reports of the link at that time."""

    lost: list[int]
    last: int
    sent: int
    alone: list[str]
    then: list[dict[str, Any]]


def course(libsrt: str, kind: str, received: Path) -> Course:
    """Both paths, then eight seconds without the first, then both again."""
    port = free_udp_port()
    with group_peer("receive", libsrt, str(port), str(received)) as receiver:
        assert receiver.stdout is not None
        assert receiver.stdout.readline() == "listening\n"
        with UdpRelay(port) as first, UdpRelay(port) as second:
            url = f"srt://127.0.0.1:{first.port},127.0.0.1:{second.port}?group={kind}"
            with Sender(libsrt, url) as sender:
                sender.wait_for_both()
                sender.wait_for(FPS)
                first.silent = True
                sender.wait_for(_SILENT)
                alone, then = sender.states, sender.reports
                first.silent = False
                sender.wait_for_both()
                sender.wait_for(2 * FPS)
        receiver.wait(30)
    numbers = sequence(stream(1), received)
    return Course(missing(numbers), numbers[-1], sender.seq, alone, then)


def test_broadcast_loses_nothing_with_a_path(libsrt: str, tmp_path: Path) -> None:
    found = course(libsrt, "broadcast", tmp_path / "got.ts")
    assert found.alone[0] not in _THERE
    assert found.alone[1] == "running"
    assert [one["loss"] for one in found.then if one["delivered_bps"] > 0.5 * one["sent_bps"] > 0]
    assert found.lost == []
    assert found.last >= found.sent - 1


def test_backup_goes_on_over_the_other_path_within_a_second(libsrt: str, tmp_path: Path) -> None:
    found = course(libsrt, "backup", tmp_path / "got.ts")
    assert found.alone[1] == "running"
    assert len(found.lost) <= FPS
    assert found.last >= found.sent - 1
