"""Hands each access unit of a rung to any number of sinks without waiting for any of them."""

from __future__ import annotations

import contextlib
import threading

from edge.media.keyframe_gate import KeyframeGate
from edge.media.latency import LatencyBook
from edge.media.sink_runner import SinkReport, SinkRunner
from edge.model.errors import Busy, Unavailable
from edge.model.feedback import Demotion, KeyframeRequest
from edge.model.frame import AccessUnit
from edge.ports import Clock, Fans, Sink
from edge.runtime.backoff import Backoff

_MAX_AGE_NS = 250_000_000
_JOIN_S = 2.0


class Distributor:
    """One rung's Outlet. Adding a sink never adds an encode."""

    def __init__(self, *, gate: KeyframeGate, latency: LatencyBook, clock: Clock) -> None:
        self._gate = gate
        self._latency = latency
        self._clock = clock
        self._lock = threading.Lock()
        self._runners: dict[str, SinkRunner] = {}
        self._snapshot: tuple[SinkRunner, ...] = ()

    def attach(self, sink: Sink) -> None:
        """Starts the sink's thread; it gets its first unit at the next keyframe. Raises Busy."""
        runner = SinkRunner(
            sink=sink,
            latency=self._latency,
            clock=self._clock,
            max_age_ns=_MAX_AGE_NS,
            on_final=self.detach,
            backoff=Backoff(first_s=0.5, cap_s=10.0, healthy_s=30.0),
        )
        with self._lock:
            if sink.name in self._runners:
                raise Busy(f"an output named {sink.name!r} is attached already")
            self._runners[sink.name] = runner
            self._snapshot = tuple(self._runners.values())
        runner.start()
        self._gate.request(KeyframeRequest(sink.name, "join"))

    def detach(self, name: str) -> None:
        """Stops that sink and waits for its thread, but not for long."""
        with self._lock:
            runner = self._runners.pop(name, None)
            self._snapshot = tuple(self._runners.values())
        if runner is not None:
            runner.stop()
            runner.join(_JOIN_S)
            self._gate.forget(name)
            self._latency.forget(name)

    def demote(self, demotion: Demotion) -> None:
        """Keyframes alone for that sink, or everything again; what is no sink of ours may stand behind one."""
        runner = self._runners.get(demotion.sink)
        if runner is not None:
            runner.thin(on=demotion.demoted)
            return
        for other in self._snapshot:
            if isinstance(other.sink, Fans):
                with contextlib.suppress(Unavailable):  # it notices itself that its process has gone
                    other.sink.demote(demotion)

    @property
    def in_use(self) -> bool:
        """Whether anybody is attached."""
        return bool(self._snapshot)

    def publish(self, unit: AccessUnit) -> None:
        for runner in self._snapshot:
            if runner.offer(unit):
                self._gate.request(KeyframeRequest(runner.sink.name, "overflow"))

    def reports(self) -> tuple[SinkReport, ...]:
        return tuple(runner.report() for runner in self._snapshot)

    def close(self) -> None:
        """All at once: a sink that is dialling must not make the others wait."""
        runners = self._snapshot
        for runner in runners:
            runner.stop()
        for runner in runners:
            runner.join(_JOIN_S / max(1, len(runners)))
            self.detach(runner.sink.name)
