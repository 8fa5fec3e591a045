"""POST /api/v1/viewers/{session}/report: latency as measured by the viewer's own page."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from edge.model.errors import Busy, Invalid
from edge.ports import Clock
from edge.runtime.status_board import StatusBoard
from edge.web.body import number_field, object_field, read_json

SECTION = "viewer_reports"
EXPIRY_S = 15.0
_MAX_SESSIONS = 64
_SESSION = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MAX_MS = 600_000.0


@dataclass(frozen=True, slots=True)
class ViewerReport:
    """Glass-to-glass percentiles of the last 10 s and playout delay, in ms; None when unknown."""

    p50_ms: float
    p95_ms: float
    playout_ms: float | None
    received_ns: int


class ViewerReports:
    """The newest report of each viewer for 15 s, kept in the board's section `viewer_reports`."""

    def __init__(self, *, board: StatusBoard, clock: Clock) -> None:
        self._board = board
        self._clock = clock
        self._reports: dict[str, ViewerReport] = {}

    def accept(self, session: str, body: Mapping[str, Any]) -> None:
        """Raises Invalid, and Busy when more viewers report than there can be."""
        if not _SESSION.fullmatch(session):
            raise Invalid(f"session: must match {_SESSION.pattern}")
        report = report_of(body, received_ns=self._clock.mono_ns())
        self._forget_old()
        if session not in self._reports and len(self._reports) >= _MAX_SESSIONS:
            raise Busy(f"{_MAX_SESSIONS} viewers report already")
        self._reports[session] = report
        self._show()

    def expire(self) -> None:
        """Take reports older than 15 s off the board."""
        self._forget_old()
        self._show()

    def _forget_old(self) -> None:
        oldest_ns = self._clock.mono_ns() - int(EXPIRY_S * 1e9)
        self._reports = {key: report for key, report in self._reports.items() if report.received_ns > oldest_ns}

    def _show(self) -> None:
        self._board.put(SECTION, {session: _wire(report) for session, report in self._reports.items()})


def viewer_routes(*, reports: ViewerReports) -> APIRouter:
    router = APIRouter()

    @router.post("/api/v1/viewers/{session}/report")
    async def report(session: str, request: Request) -> Response:
        reports.accept(session, await read_json(request))
        asyncio.get_running_loop().call_later(EXPIRY_S + 0.1, reports.expire)
        return Response(status_code=204)

    return router


def report_of(body: Mapping[str, Any], *, received_ns: int) -> ViewerReport:
    """From `{"glass_to_glass_ms": {"p50", "p95"}, "playout_ms"}`. Raises Invalid."""
    glass = object_field(body, "glass_to_glass_ms")
    path = "glass_to_glass_ms."
    p50 = number_field(glass, "p50", low=0, high=_MAX_MS, path=path)
    p95 = number_field(glass, "p95", low=p50, high=_MAX_MS, path=path)
    has_playout = body.get("playout_ms") is not None
    playout = number_field(body, "playout_ms", low=0, high=_MAX_MS) if has_playout else None
    return ViewerReport(p50_ms=p50, p95_ms=p95, playout_ms=playout, received_ns=received_ns)


def _wire(report: ViewerReport) -> dict[str, Any]:
    return {
        "glass_to_glass_ms": {"p50": report.p50_ms, "p95": report.p95_ms},
        "playout_ms": report.playout_ms,
        "received_mono_ns": report.received_ns,
    }
