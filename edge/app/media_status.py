"""The media process's part of the status document."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from edge.app.branches import Branches
from edge.app.encoder_status import candidate_of, rung_of
from edge.app.outputs import OutputReport, Outputs
from edge.app.picture_status import framing_of
from edge.media.latency import LatencyBook
from edge.media.mixer import Mixer
from edge.media.signal_book import SignalBook
from edge.model.video import VideoFormat
from edge.ports import Source
from edge.runtime.supervisor import Supervisor


class MediaStatus:
    """Collects what the media parts report; the keys are those of docs/contracts/http.md."""

    def __init__(
        self,
        *,
        source: Source,
        book: SignalBook,
        mixer: Mixer,
        branches: Branches,
        outputs: Outputs,
        latency: LatencyBook,
        supervisor: Supervisor,
    ) -> None:
        self._source = source
        self._book = book
        self._mixer = mixer
        self._branches = branches
        self._outputs = outputs
        self._latency = latency
        self._supervisor = supervisor

    def document(self) -> Mapping[str, Any]:
        return {
            "source": {"kind": self._source.name, **self._source.detail()},
            "pid": os.getpid(),
            "signal": self._signal(),
            "picture": asdict(self._mixer.state()),
            "framing": framing_of(self._mixer.framed()),
            "encoder": self._encoder(),
            "sinks": [_output(report) for report in self._outputs.reports()],
            "latency": self._latencies(),
            "components": [asdict(status) for status in self._supervisor.statuses()],
        }

    def _signal(self) -> Mapping[str, Any]:
        report = self._book.report()
        return {
            "state": report.signal.state,
            "detail": report.signal.detail,
            "lock_changes": report.lock_changes,
            "last_change_age_s": round(report.last_change_age_s, 1),
            "format": _format(report.signal.format),
            "last_good_format": _format(report.last_good),
            "measured_fps": None if report.measured_fps is None else round(report.measured_fps, 2),
            "jitter_us": report.jitter_us,
            "frame_gaps": report.gaps,
        }

    def _encoder(self) -> Mapping[str, Any]:
        first = self._branches.first.rung.report()
        return {
            "name": first.encoder,
            "hardware": first.hardware,
            "rungs": [rung_of(branch.rung.report(), branch.rates.report()) for branch in self._branches.all.values()],
            "candidates": [candidate_of(standing) for standing in self._branches.standings()],
        }

    def _latencies(self) -> Mapping[str, Any]:
        stages = {name: asdict(values) for name, values in self._latency.report().items()}
        return {"box": stages.pop("box", None), "stages": stages}


def _format(video: VideoFormat | None) -> Mapping[str, Any] | None:
    if video is None:
        return None
    return {
        "width": video.width,
        "height": video.height,
        "fps": round(float(video.fps), 3),
        "pixel": video.pixel,
        "colorimetry": video.colorimetry,
        "range": video.range,
    }


def _output(report: OutputReport) -> Mapping[str, Any]:
    spec = report.spec
    return {
        "name": spec.name,
        "kind": spec.kind,
        "rung": spec.rung,
        "url": spec.url,
        "running": spec.running,
        "state": report.state,
        "epoch": report.epoch,
        "delivered": report.delivered,
        "dropped": report.dropped,
        "code": report.code,
        "last_error": report.last_error,
        "detail": dict(report.detail),
    }
