"""Writes events and results in the contract's words, all but their number."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from edge.link.ids import uuid7
from edge.link.outbox import MAX_DATA_BYTES, Letter
from edge.model.command import Result, ResultState
from edge.model.status import Severity
from edge.ports import Clock

SEV = {Severity.INFO: 1, Severity.WARNING: 2, Severity.ERROR: 3}
_HOLD_NS = 3600 * 1_000_000_000
_RESULT_SEV = {ResultState.FAILED: 2, ResultState.INTERRUPTED: 2}


class ClockWord:
    """`sync` while something disciplines our clock, `hold` for an hour after, else `unsync`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last_sync_ns: int | None = None

    def word(self) -> str:
        now_ns = self._clock.mono_ns()
        if self._clock.synchronised():
            self._last_sync_ns = now_ns
            return "sync"
        held = self._last_sync_ns is not None and now_ns - self._last_sync_ns <= _HOLD_NS
        return "hold" if held else "unsync"


class Scribe:
    """Makes letters for the outbox."""

    def __init__(self, *, boot: str, clock: Clock, clock_word: ClockWord) -> None:
        self._boot = boot
        self._clock = clock
        self._clock_word = clock_word

    def event(
        self,
        kind: str,
        code: str,
        *,
        sev: int,
        facts: Mapping[str, Any] | None = None,
        state: str | None = None,
        subject: str = "",
    ) -> Letter:
        """An entry of `evt`; `kind` is alarm, life or audit, `state` raised or cleared for alarms."""
        head = {**self._head(kind, code, sev), "data": _bounded(facts or {})}
        if state is not None:
            head["state"] = state
        return Letter("evt", kind, code, sev, head, subject, state)

    def result(self, result: Result, *, op: str) -> Letter:
        """An entry of `res`: the answer's payload is `data`, the sentence `cmd.detail`."""
        sev = _RESULT_SEV.get(result.st, 1)
        cmd = {"id": result.id, "st": result.st, "code": result.code, "op": op, "detail": result.detail[:1000]}
        head = {**self._head("res", result.code, sev), "data": _bounded(result.payload), "cmd": cmd}
        return Letter("res", "res", result.code, sev, head, result.id)

    def _head(self, kind: str, code: str, sev: int) -> dict[str, Any]:
        mono_ns = self._clock.mono_ns()
        ts = self._clock.utc_ns(mono_ns) // 1_000_000
        return {
            "boot": self._boot,
            "id": uuid7(ts),
            "mono_ms": mono_ns // 1_000_000,
            "ts": ts,
            "clk": self._clock_word.word(),
            "kind": kind,
            "sev": sev,
            "code": code,
        }


def _bounded(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """The facts, or a word about their size when they would not fit in a packet."""
    size = len(json.dumps(facts, default=str))
    return facts if size <= MAX_DATA_BYTES else {"omitted_bytes": size}
