"""One sink's thread, queue and back-off: a broken sink hurts nobody else."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edge.media.latency import LatencyBook
from edge.model.errors import EdgeError, Rejected, Unavailable
from edge.model.frame import AccessUnit
from edge.model.status import SinkState
from edge.model.video import StreamFormat
from edge.ports import Clock, Sink
from edge.runtime.backoff import Backoff
from edge.runtime.log import OutageLog
from edge.runtime.mailbox import DropToKeyframe

_LOG = logging.getLogger(__name__)
_TAKE_S = 0.2


@dataclass(frozen=True, slots=True)
class SinkReport:
    """`last_error` is a sentence; `code` its stable name, empty when all is well."""

    name: str
    state: SinkState
    epoch: int
    delivered: int
    dropped: int
    reopened: int
    code: str
    last_error: str
    detail: Mapping[str, Any]
    demoted: bool = False


class SinkRunner:
    """Feeds one sink from its own thread. `on_final` is called when the sink says it cannot return."""

    def __init__(
        self,
        *,
        sink: Sink,
        latency: LatencyBook,
        clock: Clock,
        max_age_ns: int,
        on_final: Callable[[str], None],
        backoff: Backoff,
    ) -> None:
        self.sink = sink
        self._latency = latency
        self._clock = clock
        self._on_final = on_final
        self._backoff = backoff
        self._max_age_ns = max_age_ns
        self._mailbox = DropToKeyframe(max_age_ns=max_age_ns)
        self._live_since_ns: int | None = None
        self._stop = threading.Event()
        self._accepting = True
        self.thinned = False
        self._opening = False
        self._open_format: StreamFormat | None = None
        self._to_close = True  # a sink may hold something from the start
        self._state = SinkState.CONNECTING
        self._error: EdgeError | None = None
        self._delivered = self._skipped = self._opened = 0
        self._outage = OutageLog(_LOG, f"output {sink.name}")
        self._thread = threading.Thread(target=self._run, name=f"sink-{sink.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def offer(self, unit: AccessUnit) -> bool:
        """Queue a unit; True when the sink now needs a keyframe."""
        if not self._accepting or (self.thinned and not unit.key):
            self._skipped += 1
            return False
        wants_keyframe = self._mailbox.put(unit, now_ns=self._clock.mono_ns())
        return wants_keyframe and not self._opening

    def thin(self, *, on: bool) -> None:
        """Keyframes alone: for a receiver whose path does not carry more. Any thread."""
        if self.thinned and not on:
            self._mailbox.wait_for_keyframe()
        self.thinned = on

    def stop(self) -> None:
        """Ask the thread to end; it closes the sink itself."""
        self._stop.set()
        self._mailbox.close()

    def join(self, timeout_s: float) -> bool:
        if self._thread is not threading.current_thread():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def report(self) -> SinkReport:
        opened, error = self._open_format, self._error  # read once: the sink's thread changes them
        return SinkReport(
            name=self.sink.name,
            state=self._state,
            epoch=opened.epoch if opened else 0,
            delivered=self._delivered,
            dropped=self._mailbox.dropped + self._skipped,
            reopened=max(0, self._opened - 1),
            code=error.code if error else "",
            last_error=str(error) if error else "",
            detail=self.sink.detail(),
            demoted=self.thinned,
        )

    def _run(self) -> None:
        while not self._stop.is_set():
            unit = self._mailbox.take(_TAKE_S)
            if unit is None:
                continue
            error = self._deliver(unit)
            if error is not None:
                self._recover(error)
        self._close()
        self._state = SinkState.STOPPED

    def _deliver(self, unit: AccessUnit) -> EdgeError | None:
        taken_ns = self._clock.mono_ns()
        try:
            if self._open_format is not unit.format and not self._open(unit):
                return None
            self.sink.write(unit)
        except EdgeError as error:
            return error
        except Exception as error:  # the sink's own mistake must not end its thread
            _LOG.exception("output %s failed", self.sink.name)
            return Unavailable(f"{type(error).__name__} inside the output", code="sink_failed")
        self._delivered += 1
        self._latency.delivered(self.sink.name, unit, taken_ns=taken_ns, sent_ns=self._clock.mono_ns())
        return None

    def _open(self, unit: AccessUnit) -> bool:
        """False when opening took so long that the unit in hand is old: the next keyframe goes first."""
        first = self._open_format is None
        self._to_close = True
        self._opening = first  # a long dial must not beg for keyframes
        try:
            self.sink.open(unit.format)
        finally:
            self._opening = False
        self._open_format = unit.format
        self._state = SinkState.LIVE
        self._error = None
        if not first:
            return True
        self._opened += 1
        self._live_since_ns = self._clock.mono_ns()
        self._outage.recovered()
        in_time = self._live_since_ns - unit.stamps.encode_end_ns <= self._max_age_ns
        if not in_time:
            self._skipped += 1
            self._mailbox.wait_for_keyframe()
        return in_time

    def _recover(self, error: EdgeError) -> None:
        self._error = error
        self._accepting = False
        self._close()
        if getattr(error, "final", False):
            self._stop.set()
            self._on_final(self.sink.name)
            return
        self._outage.failed(error)
        self._state = SinkState.FAILED if isinstance(error, Rejected) else SinkState.CONNECTING
        self._stop.wait(self._backoff.next_wait_s(ran_s=self._ran_s()))
        self._mailbox.wait_for_keyframe()
        self._accepting = True

    def _ran_s(self) -> float:
        since_ns, self._live_since_ns = self._live_since_ns, None
        return 0.0 if since_ns is None else (self._clock.mono_ns() - since_ns) / 1e9

    def _close(self) -> None:
        self._open_format = None
        if not self._to_close:
            return
        self._to_close = False
        try:
            self.sink.close()
        except Exception:  # closing must not stop the recovery
            _LOG.exception("output %s did not close", self.sink.name)
