"""One WHIP output: keeps a session at its ingest, for ever trying again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edge.config.secrecy import shown
from edge.model.errors import EdgeError, Fault, Rejected
from edge.model.frame import AccessUnit
from edge.model.ice import IceServer
from edge.model.sink import SinkSpec
from edge.model.status import SinkState
from edge.rtc.viewer_sink import ViewerSink
from edge.rtc.viewing import Viewing
from edge.rtc.whip_session import WhipSession
from edge.runtime.backoff import Backoff
from edge.runtime.log import OutageLog

_LOG = logging.getLogger(__name__)
OpenSession = Callable[[ViewerSink, Sequence[IceServer]], WhipSession]


class WhipOutput:
    """Event loop only. Each session has a sink and a track of its own; counts go on over all of them."""

    def __init__(
        self,
        *,
        spec: SinkSpec,
        make_sink: Callable[[], ViewerSink],
        make_viewing: Callable[[ViewerSink], Viewing],
        make_session: OpenSession,
        backoff: Backoff | None = None,
    ) -> None:
        self.spec = spec
        self._make_sink = make_sink
        self._make_viewing = make_viewing
        self._make_session = make_session
        self._backoff = backoff or Backoff(least=0.0)
        self._outage = OutageLog(_LOG, f"output {spec.name}")
        self._sink: ViewerSink | None = None
        self._viewing: Viewing | None = None
        self._session: WhipSession | None = None
        self._named: Sequence[IceServer] = ()
        self._state = SinkState.CONNECTING
        self._error: EdgeError | None = None
        self._epoch = self._delivered = self._dropped = self._sessions = 0

    async def run(self) -> None:
        """Until cancelled; raises nothing else."""
        while True:
            began_s = time.monotonic()
            try:
                await self._once()
            except EdgeError as error:
                self._failed(error)
            except Exception as error:  # the output's own mistake must not end it, and no other output
                _LOG.exception("output %s failed", self.spec.name)
                self._failed(Fault(f"{type(error).__name__} inside the output", code="sink_failed"))
            wait_s = self._backoff.next_wait_s(ran_s=time.monotonic() - began_s)
            await asyncio.sleep(max(wait_s, getattr(self._error, "wait_s", 0.0)))

    def deliver(self, unit: AccessUnit) -> None:
        if self._viewing is not None:
            self._viewing.take(unit)
            if unit.format.rung == self._viewing.rung:
                self._epoch = unit.epoch

    def resync(self, rung: str) -> None:
        """Units of that rung may have been lost before us."""
        if self._viewing is not None:
            self._viewing.resync(rung)

    def demote(self, demoted: bool) -> None:
        """What was decided of its path; a new session begins with all of its rung."""
        if self._viewing is not None:
            self._viewing.demote(demoted)

    @property
    def rungs(self) -> frozenset[str]:
        """Those whose units it needs now."""
        return frozenset() if self._viewing is None else self._viewing.rungs

    def report(self) -> Mapping[str, Any]:
        """Its entry of the status document's `sinks`."""
        track = None if self._sink is None else self._sink.track
        live = self._state is SinkState.LIVE
        return {
            **entry_of(self.spec, state=self._state, error=self._error),
            "epoch": self._epoch if live else 0,
            "delivered": self._delivered + (track.delivered if track else 0),
            "dropped": self._dropped + (track.dropped if track else 0),
            "detail": {"role": self.spec.role, "sessions": self._sessions, **(self._path() if live else {})},
        }

    def _path(self) -> Mapping[str, Any]:
        if self._session is None or self._viewing is None:
            return {}
        path = self._session.peer.path
        return {
            "sends": self._viewing.rung,
            "demoted": self._viewing.demoted,
            "route": self._session.peer.route,
            "rtt_ms": path.rtt_ms,
            "lost": path.lost,
            "remb_bps": path.remb_bps,
        }

    async def _once(self) -> None:
        sink = self._sink = self._make_sink()
        viewing = self._viewing = self._make_viewing(sink)
        session = self._session = self._make_session(sink, self._named)
        try:
            await session.open()
            self._sessions += 1
            self._state, self._error = SinkState.LIVE, None
            self._outage.recovered()
            await session.hold(viewing.look)
        finally:
            self._sink = self._viewing = None
            self._named = session.named
            self._delivered += sink.track.delivered
            self._dropped += sink.track.dropped
            await session.close()

    def _failed(self, error: EdgeError) -> None:
        self._error = error
        self._state = SinkState.FAILED if isinstance(error, Rejected | Fault) else SinkState.CONNECTING
        self._outage.failed(error)


def entry_of(spec: SinkSpec, *, state: SinkState, error: EdgeError | None = None) -> Mapping[str, Any]:
    """Of an output that has not sent anything."""
    return {
        "name": spec.name,
        "kind": spec.kind,
        "rung": spec.rung,
        "url": shown(("url",), spec.url),
        "running": spec.running,
        "state": state,
        "epoch": 0,
        "delivered": 0,
        "dropped": 0,
        "code": error.code if error else "",
        "last_error": str(error) if error else "",
        "detail": {"role": spec.role},
    }
