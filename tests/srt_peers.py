"""Our own receiver as a test's peer, and ports and processes for real ones."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import pytest

from edge.model.errors import EdgeError
from edge.model.feedback import Role
from edge.model.frame import AccessUnit
from edge.model.sink import PeerSpec, SinkKind, SinkSpec
from edge.ports import Sink
from edge.runtime.component import Context
from edge.sinks.libsrt import Libsrt
from edge.sinks.srt_listener import SrtListener
from edge.sinks.srt_receiver import SrtReceiver
from edge.sinks.srt_sender import OnFeedback, Outflow, to_nobody
from edge.sinks.srt_url import parse_srt_url
from tests.ts_reader import pes_of

PASSPHRASE = "correct horse battery"  # noqa: S105 - of a test
OTHER_PASSPHRASE = "quite another one"  # noqa: S105 - of a test
TOO_SHORT = "nine char"


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def program(name: str) -> str:
    """Its path; the test fails where it is missing."""
    path = shutil.which(name)
    if path is None:
        pytest.fail(f"the program {name!r} is needed: install the Debian packages of the README")
    return path


def wait_until(true: Callable[[], bool], what: str, timeout_s: float = 20.0) -> None:
    """Wait for an event of another thread or process; fail naming it after a generous time."""
    end_s = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > end_s:
            pytest.fail(f"waited {timeout_s} s in vain: {what}")
        time.sleep(0.01)


def srt_spec(
    port: int,
    mode: str,
    *,
    name: str = "srt",
    passphrase: str = "",
    stream_id: str = "",
    role: Role = Role.OBSERVER,
) -> SinkSpec:
    return SinkSpec(
        name=name,
        kind=SinkKind.SRT,
        url=f"srt://127.0.0.1:{port}?mode={mode}",
        passphrase=passphrase,
        stream_id=stream_id,
        role=role,
    )


class Collector:
    """An SrtReceiver in a thread that keeps all it gets."""

    def __init__(self, port: int, mode: str, *, passphrase: str = "", stream_id: str = "", more: str = "") -> None:
        address = parse_srt_url(f"srt://127.0.0.1:{port}?mode={mode}{more}")
        self.receiver = SrtReceiver(address, passphrase=passphrase, stream_id=stream_id)
        self.error: EdgeError | None = None
        self.payloads: list[bytes] = []
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()

    @property
    def ts(self) -> bytes:
        return b"".join(self.payloads)

    def wait_for(self, unit: AccessUnit) -> None:
        """Until that unit has come, whole."""
        wait_until(lambda: unit.data in pes_of(self.ts), f"unit {unit.seq} at the receiver")

    def close(self) -> None:
        self.receiver.close()
        self._thread.join(10)
        assert not self._thread.is_alive(), "a closed receiver still waits"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.close()

    def _collect(self) -> None:
        try:
            for payload in self.receiver:
                self.payloads.append(payload)
        except EdgeError as error:
            self.error = error


class Attached:
    """An outlet that only notes what is attached; the test itself writes to the sinks."""

    def __init__(self) -> None:
        self.sinks: dict[str, Sink] = {}
        self.detached: list[str] = []

    def attach(self, sink: Sink) -> None:
        self.sinks[sink.name] = sink

    def detach(self, name: str) -> None:
        if self.sinks.pop(name, None) is not None:
            self.detached.append(name)


class Listening:
    """An SrtListener at work in a thread, as `Threaded` runs it."""

    def __init__(
        self,
        *,
        passphrase: str = "",
        latency_ms: int = 120,
        limit: int = 16,
        outlet: Attached | None = None,
        on_feedback: OnFeedback = to_nobody,
        peers: tuple[PeerSpec, ...] = (),
        further: Mapping[str, Outflow] | None = None,
        libsrt: Libsrt | None = None,
    ) -> None:
        self.port = free_udp_port()
        self.outlet = outlet or Attached()
        spec = replace(srt_spec(self.port, "listener", passphrase=passphrase), latency_ms=latency_ms)
        spec = replace(spec, peers=peers)
        self.listener = SrtListener(
            spec=spec, outflow=Outflow(self.outlet, on_feedback), limit=limit, further=further, libsrt=libsrt
        )
        self.ctx = Context()
        self._thread = threading.Thread(target=self.listener.work, args=(self.ctx,), daemon=True)

    def wait_for_receivers(self, count: int) -> None:
        wait_until(lambda: len(self.outlet.sinks) == count, f"{count} receivers attached")

    def stop(self) -> None:
        self.ctx.ask_to_stop()
        self._thread.join(10)
        assert not self._thread.is_alive(), "the listener did not stop"

    def __enter__(self) -> Self:
        self._thread.start()
        wait_until(lambda: self.ctx.is_ready, "the listener")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.stop()


@contextlib.contextmanager
def running(*arguments: str, into: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A program for the length of the block, its output into that file; ended by its own pid."""
    with contextlib.ExitStack() as files:
        out: int | IO[bytes] = files.enter_context(into.open("wb")) if into else subprocess.PIPE
        process = files.enter_context(
            subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE)
        )
        try:
            yield process
        finally:
            process.kill()
