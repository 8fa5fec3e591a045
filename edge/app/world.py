"""Joins what the processes report into the one status document."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from edge.app.findings import Findings
from edge.app.picture_status import crop_section, mask_section, preset_section
from edge.app.wishes import WEBRTC, Wishes
from edge.model.sink import SinkKind
from edge.model.status import SinkState
from edge.runtime.issues import IssueBook
from edge.runtime.status_board import StatusBoard

_NOTHING: Mapping[str, Any] = {}
_SILENT_S = 2.0  # four pushes missed: the process hangs, whatever its socket says
_NO_REPORT = "the media process does not report"


class World:
    """Event loop only. Puts sections on the board; docs/contracts/http.md names them."""

    def __init__(
        self,
        *,
        board: StatusBoard,
        issues: IssueBook,
        wishes: Wishes,
        findings: Findings,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._board = board
        self._issues = issues
        self._wishes = wishes
        self._findings = findings
        self._now_s = now_s
        self._media: Mapping[str, Any] = _NOTHING
        self._rtc: Mapping[str, Any] = _NOTHING
        self._media_said_s = self._rtc_said_s = 0.0

    @property
    def media_pid(self) -> int | None:
        return self._media.get("pid")

    @property
    def rtc_pid(self) -> int | None:
        return self._rtc.get("pid")

    def media_said(self, topic: str, body: Mapping[str, Any]) -> None:
        if topic == "status":
            self._media = body
            self._media_said_s = self._now_s()
            self.refresh()

    def media_lost(self) -> None:
        self._media = _NOTHING
        self.refresh()

    def rtc_said(self, topic: str, body: Mapping[str, Any]) -> None:
        if topic == "status":
            self._rtc = body
            self._rtc_said_s = self._now_s()
            self.refresh()

    def rtc_lost(self) -> None:
        self._rtc = _NOTHING
        self.refresh()

    def refresh(self) -> None:
        """Put every joined section anew; the board keeps quiet about what did not change."""
        now_s = self._now_s()
        if now_s - self._media_said_s > _SILENT_S:
            self._media = _NOTHING  # what was said long ago is not what is
        if now_s - self._rtc_said_s > _SILENT_S:
            self._rtc = _NOTHING
        media, board = self._media, self._board
        viewers = self._viewers()
        source = media.get("source") or {"kind": "unknown"}
        board.put("board", {"name": source["kind"]})
        board.put("source", source)
        board.put("signal", media.get("signal") or _absent_signal())
        board.put("picture", media.get("picture") or {"live": False, "reason": _NO_REPORT, "age_ms": None})
        board.put("encoder", media.get("encoder") or {"name": "", "hardware": False, "rungs": []})
        framing = media.get("framing") or _NOTHING
        board.put("preset", preset_section(self._wishes))
        board.put("mask", mask_section(self._wishes, framing))
        board.put("crop", crop_section(framing))
        board.put("sinks", self._sinks(viewers))
        board.put("viewers", viewers)
        board.put("latency", self._latency(viewers))
        found = self._findings.look(
            board.document(),
            media_up=bool(media),
            rtc_up=bool(self._rtc),
            parts=media.get("components", ()),
            now_s=now_s,
        )
        self._issues.state("box", found)
        issues = [asdict(issue) for issue in self._issues.open_issues()]
        board.put("issues", [*issues, *(board.get("link") or {}).get("issues", ())])

    def _sinks(self, viewers: list[dict[str, Any]]) -> list[Mapping[str, Any]]:
        reported = {sink["name"]: sink for sink in self._media.get("sinks", ())}
        sinks: list[Mapping[str, Any]] = []
        for spec in self._wishes.plan.sinks:
            if spec.kind is SinkKind.WHEP:
                sinks.append(self._webrtc(viewers, running=spec.running))
            else:
                sinks.append(reported.get(spec.name) or _silent(spec.name, spec.kind, spec.url, spec.running))
        return sinks

    def _webrtc(self, viewers: list[dict[str, Any]], *, running: bool) -> Mapping[str, Any]:
        state = SinkState.LIVE if viewers else SinkState.IDLE
        if not self._rtc:
            state = SinkState.CONNECTING
        if not running:
            state = SinkState.STOPPED
        rungs = (self._board.get("encoder") or {}).get("rungs") or [{}]
        return {
            **_silent(WEBRTC, SinkKind.WHEP, "", running),
            "state": state,
            "epoch": self._rtc.get("epoch", 0) if viewers else 0,
            "delivered": sum(v.get("delivered", 0) for v in viewers),
            "dropped": sum(v.get("dropped", 0) for v in viewers),
            "detail": {"viewers": len(viewers), "rung": rungs[0].get("name", "main")},
        }

    def _viewers(self) -> list[dict[str, Any]]:
        reports = self._board.get("viewer_reports") or {}
        return [
            {
                **viewer,
                "glass_to_glass_ms": reports.get(viewer["session"], _NOTHING).get("glass_to_glass_ms"),
                "playout_ms": reports.get(viewer["session"], _NOTHING).get("playout_ms"),
            }
            for viewer in self._rtc.get("viewers", ())
        ]

    def _latency(self, viewers: list[dict[str, Any]]) -> Mapping[str, Any]:
        latency = self._media.get("latency") or {"box": None, "stages": {}}
        stages = dict(latency["stages"])
        for viewer in viewers:
            for stage in ("queue", "send"):
                if viewer.get(f"{stage}_p95_us") is not None:
                    figures = {share: viewer[f"{stage}_{share}_us"] for share in ("p50", "p95")}
                    stages[f"{stage}:{viewer['name']}"] = figures
        return {"box": latency["box"], "stages": stages}


def _absent_signal() -> Mapping[str, Any]:
    return {
        "state": "no_device",
        "detail": _NO_REPORT,
        "lock_changes": 0,
        "last_change_age_s": None,
        "format": None,
    }


def _silent(name: str, kind: str, url: str, running: bool) -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind,
        "url": url,
        "running": running,
        "state": SinkState.CONNECTING if running else SinkState.STOPPED,
        "epoch": 0,
        "delivered": 0,
        "dropped": 0,
        "code": "",
        "last_error": "",
        "detail": {},
    }
