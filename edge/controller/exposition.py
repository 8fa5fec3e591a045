"""What an exporter knows of the fleet at this moment, as text for Prometheus. Pure; event loop only.

What is no longer true is no longer said: figures go when the next ones are overdue, and with the box itself.
Source of the form: prometheus.io/docs/instrumenting/exposition_formats, version 0.0.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from edge.controller.box_metrics import (
    METRICS,
    SEEN,
    Labels,
    Metric,
    Sample,
    of_health,
    of_link,
    of_state,
    of_stream,
)

MAX_BOXES = 100_000
_BOX = re.compile(r"[a-z0-9-]{6,40}")
_HEALTH_HOLDS_S = 90.0  # three of its intervals, as of tele/stream below
_STREAM_HOLDS_S = 15.0
BROKER_UP = Metric("scopecast_exporter_broker_up", "gauge", "Whether the exporter is connected to that broker.")
MESSAGES = Metric("scopecast_exporter_messages_total", "counter", "Messages of boxes that were taken in.")
BAD_MESSAGES = Metric("scopecast_exporter_bad_messages_total", "counter", "Messages that were not of the contract.")
BOXES = Metric("scopecast_exporter_boxes", "gauge", "Boxes that are known.")
ALL_METRICS = (*METRICS, BROKER_UP, MESSAGES, BAD_MESSAGES, BOXES)


@dataclass(slots=True)
class _Told:
    """The samples of one kind of message, and when it came (UTC and monotonic seconds)."""

    samples: tuple[Sample, ...]
    utc_s: float
    mono_s: float


@dataclass(slots=True)
class _Box:
    sess: int = -1
    told: dict[str, _Told] = field(default_factory=dict)


class Exposition:
    """Takes messages in, gives text out."""

    def __init__(self, *, max_boxes: int = MAX_BOXES) -> None:
        self._max_boxes = max_boxes
        self._boxes: dict[str, _Box] = {}
        self._brokers: dict[str, bool] = {}
        self._messages = 0
        self._bad = 0

    def broker(self, where: str, *, up: bool) -> None:
        self._brokers[where] = up

    def forget(self, box: str) -> None:
        """Its `link` was taken back from the broker: there is no such box any more."""
        self._boxes.pop(box, None)

    def bad(self) -> None:
        self._bad += 1

    def take(self, box: str, leaf: str, body: Mapping[str, Any], *, utc_s: float, mono_s: float) -> None:
        """`leaf` is link, state, tele/health or tele/stream; a `link` older than the newest changes nothing."""
        if (
            not _BOX.fullmatch(box)
            or body.get("v") != 1
            or (box not in self._boxes and len(self._boxes) >= self._max_boxes)
        ):
            return self.bad()
        known = self._boxes.setdefault(box, _Box())
        self._messages += 1
        sess = body.get("sess")
        if leaf == "link" and isinstance(sess, int):
            if sess < known.sess:
                return None
            known.sess = sess
        known.told[leaf] = _Told(tuple(_read(leaf, body)), utc_s, mono_s)
        return None

    def text(self, *, mono_s: float) -> str:
        """Everything that holds now; metrics in a fixed order, each with its boxes by name."""
        lines: dict[str, list[str]] = {metric.name: [] for metric in ALL_METRICS}
        for name in sorted(self._boxes):
            for sample in self._current(self._boxes[name], mono_s):
                lines[sample.metric.name].append(_line(sample, (("box", name), *sample.labels)))
        for sample in self._own():
            lines[sample.metric.name].append(_line(sample, sample.labels))
        return "".join(_block(metric, lines[metric.name]) for metric in ALL_METRICS if lines[metric.name])

    def _current(self, box: _Box, mono_s: float) -> Iterator[Sample]:
        link = box.told.get("link")
        if link is not None:
            yield from link.samples
        yield Sample(SEEN, max((told.utc_s for told in box.told.values()), default=0.0))
        if link is not None and link.samples[0].value:
            holds_s = {"state": float("inf"), "tele/health": _HEALTH_HOLDS_S, "tele/stream": _STREAM_HOLDS_S}
            for leaf, seconds in holds_s.items():
                told = box.told.get(leaf)
                if told is not None and mono_s - told.mono_s <= seconds:
                    yield from told.samples

    def _own(self) -> Iterator[Sample]:
        for where, up in sorted(self._brokers.items()):
            yield Sample(BROKER_UP, float(up), (("broker", where),))
        yield Sample(MESSAGES, self._messages)
        yield Sample(BAD_MESSAGES, self._bad)
        yield Sample(BOXES, len(self._boxes))


def _read(leaf: str, body: Mapping[str, Any]) -> Iterable[Sample]:
    if leaf == "link":
        return of_link(body)
    if leaf == "state":
        return of_state(body)
    numbers = body.get("m")
    if not isinstance(numbers, Mapping):
        return ()
    return of_health(numbers) if leaf == "tele/health" else of_stream(numbers)


def _block(metric: Metric, lines: list[str]) -> str:
    return f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} {metric.kind}\n" + "".join(lines)


def _line(sample: Sample, labels: Labels) -> str:
    inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)
    return (
        f"{sample.metric.name}{{{inside}}} {sample.value!r}\n" if inside else f"{sample.metric.name} {sample.value!r}\n"
    )


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
