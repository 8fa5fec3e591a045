"""Joins what the processes report into the one status document."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from edge.app.findings import Findings
from edge.app.picture_status import crop_section, mask_section, preset_section
from edge.app.wishes import WEBRTC, Wishes
from edge.config.secrecy import shown
from edge.media.lineup import Verdict
from edge.model.inputs import Input, input_of
from edge.model.sink import SinkKind, SinkSpec
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
        inputs: Iterable[Input],
        machine: Mapping[str, Any] = _NOTHING,
        encoders: Iterable[Mapping[str, Any]] = (),
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._board = board
        self._issues = issues
        self._wishes = wishes
        self._findings = findings
        self._machine = machine
        self._now_s = now_s
        self._media: dict[Input, Mapping[str, Any]] = dict.fromkeys(inputs, _NOTHING)
        self._rtc: Mapping[str, Any] = _NOTHING
        self._media_said_s = dict.fromkeys(self._media, 0.0)
        self._rtc_said_s = 0.0
        self._tried = {str(one["name"]): one for one in encoders}

    def media_pid(self, input: Input) -> int | None:
        return self._media[input].get("pid")

    @property
    def rtc_pid(self) -> int | None:
        return self._rtc.get("pid")

    def media_said(self, input: Input, topic: str, body: Mapping[str, Any]) -> None:
        if topic == "status":
            self._media[input] = body
            self._media_said_s[input] = self._now_s()
            self.refresh()

    def media_lost(self, input: Input) -> None:
        self._media[input] = _NOTHING
        self.refresh()

    def rtc_said(self, topic: str, body: Mapping[str, Any]) -> None:
        if topic == "status":
            self._rtc = body
            self._rtc_said_s = self._now_s()
            self.refresh()

    def rtc_lost(self) -> None:
        self._rtc = _NOTHING
        self.refresh()

    def encoder_tried(self, verdict: Mapping[str, Any]) -> None:
        """An encoder that no rung has needed was tried: its entry of the status document."""
        self._tried[verdict["name"]] = verdict
        self.refresh()

    def candidates(self) -> Sequence[Mapping[str, Any]]:
        """All the board's encoders, as far as they have been tried."""
        return list(self._encoder(self._media[Input.MAIN])["candidates"])

    def refresh(self) -> None:
        """Put every joined section anew; the board keeps quiet about what did not change."""
        now_s = self._now_s()
        self._forget_the_silent(now_s)
        board, viewers = self._board, self._viewers()
        inputs = [self._input(name, viewers) for name in self._media]
        first = inputs[0]
        board.put("board", {"name": first["source"]["kind"], **self._machine})
        for section in ("source", "signal", "picture", "encoder", "latency", "mask"):
            board.put(section, first[section])
        board.put("preset", preset_section(self._wishes))
        board.put("crop", crop_section(self._media[Input.MAIN].get("framing") or _NOTHING))
        board.put("inputs", inputs)
        board.put("sinks", self._sinks(viewers))
        board.put("viewers", viewers)
        board.put("webrtc", {"dtls_fingerprint": self._rtc.get("fingerprint")})
        found = self._findings.look(
            board.document(),
            parts={name: said["components"] for name, said in self._media.items() if said},
            rtc_up=bool(self._rtc),
            now_s=now_s,
        )
        self._issues.state("box", found)
        issues = [asdict(issue) for issue in self._issues.open_issues()]
        board.put("issues", [*issues, *(board.get("link") or {}).get("issues", ())])

    def _forget_the_silent(self, now_s: float) -> None:
        """What was said long ago is not what is."""
        for name, said_s in self._media_said_s.items():
            if now_s - said_s > _SILENT_S:
                self._media[name] = _NOTHING
        if now_s - self._rtc_said_s > _SILENT_S:
            self._rtc = _NOTHING

    def _input(self, input: Input, viewers: list[dict[str, Any]]) -> Mapping[str, Any]:
        media = self._media[input]
        return {
            "name": input,
            "source": media.get("source") or {"kind": "unknown"},
            "signal": media.get("signal") or _absent_signal(),
            "picture": media.get("picture") or {"live": False, "reason": _NO_REPORT, "age_ms": None},
            "encoder": self._encoder(media),
            "mask": mask_section(self._wishes.picture_of(input), media.get("framing") or _NOTHING),
            "latency": _latency(media, [viewer for viewer in viewers if input_of(viewer["rung"]) == input]),
        }

    def _encoder(self, media: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a rung has seen of an encoder counts for more than its trial."""
        encoder = media.get("encoder") or {"name": "", "hardware": False, "rungs": [], "candidates": []}
        known = [
            self._tried.get(one["name"], one) if one["verdict"] == Verdict.UNTRIED else one
            for one in encoder.get("candidates", ())
        ]
        heard = {one["name"] for one in known}
        return {**encoder, "candidates": [*known, *(one for name, one in self._tried.items() if name not in heard)]}

    def _sinks(self, viewers: list[dict[str, Any]]) -> list[Mapping[str, Any]]:
        said = (*self._media.values(), self._rtc)
        reported = {(sink["name"], sink["rung"]): sink for one in said for sink in one.get("sinks", ())}
        sinks: list[Mapping[str, Any]] = []
        for spec in self._wishes.plan.sinks:
            if spec.kind is SinkKind.WHEP:
                sinks.append(self._webrtc(viewers, running=spec.running))
            else:
                sinks.append(reported.get((spec.name, spec.rung)) or self._unreported(spec))
        return sinks

    def _unreported(self, spec: SinkSpec) -> Mapping[str, Any]:
        """Its media process is away; or there is none, since an output set by command outlives its input."""
        silent = _silent(spec)
        if input_of(spec.rung) in self._media or not spec.running:
            return silent
        sentence = f"no rung {spec.rung!r}; there is {', '.join(self._wishes.rungs)}"
        return {**silent, "state": SinkState.FAILED, "code": "unknown_rung", "last_error": sentence}

    def _webrtc(self, viewers: list[dict[str, Any]], *, running: bool) -> Mapping[str, Any]:
        state = SinkState.LIVE if viewers else SinkState.IDLE
        if not self._rtc:
            state = SinkState.CONNECTING
        if not running:
            state = SinkState.STOPPED
        feeds = self._rtc.get("feeds", _NOTHING)
        return {
            **_silent(SinkSpec(name=WEBRTC, kind=SinkKind.WHEP, running=running)),
            "state": state,
            "epoch": feeds.get(Input.MAIN, _NOTHING).get("epoch", 0) if viewers else 0,
            "delivered": sum(v.get("delivered", 0) for v in viewers),
            "dropped": sum(v.get("dropped", 0) for v in viewers),
            "detail": {"viewers": len(viewers), "rung": Input.MAIN},
        }

    def _viewers(self) -> list[dict[str, Any]]:
        reports = self._board.get("viewer_reports") or {}
        return [_viewer(viewer, reports.get(viewer["session"], _NOTHING)) for viewer in self._rtc.get("viewers", ())]


def _latency(media: Mapping[str, Any], viewers: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The media process's own, and the stages of those who watch its rung."""
    latency = media.get("latency") or {"box": None, "stages": {}}
    stages = dict(latency["stages"])
    for viewer in viewers:
        for stage in ("queue", "send"):
            if viewer.get(f"{stage}_p95_us") is not None:
                figures = {share: viewer[f"{stage}_{share}_us"] for share in ("p50", "p95")}
                stages[f"{stage}:{viewer['name']}"] = figures
    return {"box": latency["box"], "stages": stages}


def _viewer(viewer: Mapping[str, Any], reported: Mapping[str, Any]) -> dict[str, Any]:
    """What came over the viewer's data channel counts; what its page posted stands in where that is silent."""
    if viewer.get("seen"):
        return dict(viewer)
    return {**viewer, **{key: reported.get(key) for key in ("glass_to_glass_ms", "playout_ms")}}


def _absent_signal() -> Mapping[str, Any]:
    return {
        "state": "no_device",
        "detail": _NO_REPORT,
        "lock_changes": 0,
        "last_change_age_s": None,
        "format": None,
    }


def _silent(spec: SinkSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "kind": spec.kind,
        "rung": spec.rung,
        "url": shown(("url",), spec.url),
        "running": spec.running,
        "state": SinkState.CONNECTING if spec.running else SinkState.STOPPED,
        "epoch": 0,
        "delivered": 0,
        "dropped": 0,
        "code": "",
        "last_error": "",
        "detail": {},
    }
