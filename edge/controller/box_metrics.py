"""The fleet as Prometheus metrics: which there are, and what of a box's words each of them is. Pure.

Every metric of a box has the label `box`; no other label has values that a box could invent, but for two texts of
`scopecast_box_info`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from edge.model.status import SinkState

_NOTHING: Mapping[str, Any] = {}
_HEALTH = {"ok": 0, "degraded": 1, "failed": 2}
_TEXT_LENGTH = 40
Labels = tuple[tuple[str, str], ...]
Value = Callable[[Mapping[str, Any]], float | None]


@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    kind: str
    help: str


@dataclass(frozen=True, slots=True)
class Sample:
    metric: Metric
    value: float
    labels: Labels = ()


def _gauge(name: str, text: str) -> Metric:
    return Metric(f"scopecast_box_{name}", "gauge", text)


def _counter(name: str, text: str) -> Metric:
    return Metric(f"scopecast_box_{name}_total", "counter", text)


UP = _gauge("up", "Whether the box is connected to its broker.")
SEEN = _gauge("last_message_timestamp_seconds", "When the exporter last heard of the box.")
INFO = _gauge("info", "Always 1: which software the box runs, and from which slot.")
CLOCK = _gauge("clock_synchronised", "Whether a time server disciplines the box's clock.")
SESSIONS = _counter("sessions", "How often the box has connected.")
SINKS = _gauge("sinks", "How many outputs are in that state.")

_STATE: tuple[tuple[Metric, Value], ...] = (
    (_gauge("health_status", "0 for ok, 1 for degraded, 2 for failed."), lambda s: _HEALTH.get(_word(s, "health"))),
    (_gauge("issues", "How many issues are open."), lambda s: _length(s.get("issues"))),
    (_gauge("viewers", "How many watch by WebRTC."), lambda s: _length(s.get("viewers")) or 0),
    (
        _gauge("picture_live", "Whether the picture that goes out is live."),
        lambda s: _truth(_part(s, "picture"), "live"),
    ),
    (
        _gauge("signal_locked", "Whether the input has a signal."),
        lambda s: float(_word(_part(s, "signal"), "state") == "locked"),
    ),
    (_gauge("desired_revision", "The desired document that the box has taken."), lambda s: _number(s, "desired_rev")),
    (
        _gauge("desired_rejected", "Whether the box refused the last desired document."),
        lambda s: float(_word(s, "desired_status") == "rejected"),
    ),
)
_HEALTH_NUMBERS: tuple[tuple[Metric, Value], ...] = (
    (_gauge("cpu_ratio", "Load of all cores, 0 to 1."), lambda m: _scaled(m, "cpu_pct", 0.01)),
    (_gauge("memory_used_ratio", "Memory in use, 0 to 1."), lambda m: _scaled(m, "mem_pct", 0.01)),
    (_gauge("disk_free_ratio", "Free room on the disk, 0 to 1."), lambda m: _scaled(m, "disk_free_pct", 0.01)),
    (_gauge("temperature_celsius", "Of the board."), lambda m: _number(m, "temperature_c")),
    (_gauge("link_cpu_ratio", "Load of one core by the process with the link."), lambda m: _scaled(m, "cpu", 0.01)),
    (_gauge("link_memory_bytes", "Memory of the process with the link."), lambda m: _scaled(m, "rss_mb", 1 << 20)),
)
_STREAM_NUMBERS: tuple[tuple[Metric, Value], ...] = (
    (_gauge("stream_frames_per_second", "Encoded pictures a second."), lambda m: _number(m, "fps")),
    (_gauge("stream_bytes_per_second", "Encoded bytes a second."), lambda m: _scaled(m, "bps", 0.125)),
    (
        _gauge("stream_latency_p95_seconds", "From capture to the network, 95th percentile."),
        lambda m: _scaled(m, "box_p95_us", 1e-6),
    ),
    (_gauge("srt_round_trip_seconds", "The longest of all SRT receivers."), lambda m: _scaled(m, "srt_rtt_ms", 1e-3)),
    (_counter("stream_dropped_units", "Access units that outputs left out."), lambda m: _number(m, "drop")),
    (_counter("srt_lost_packets", "Packets lost to any SRT receiver."), lambda m: _number(m, "srt_lost")),
)
METRICS: tuple[Metric, ...] = (
    *(UP, SEEN, INFO, CLOCK, SESSIONS, SINKS),
    *(metric for metric, _ in (*_STATE, *_HEALTH_NUMBERS, *_STREAM_NUMBERS)),
)


def of_link(body: Mapping[str, Any]) -> Iterator[Sample]:
    online = _word(body, "state") == "online"
    yield Sample(UP, float(online))
    if (sess := _number(body, "sess")) is not None:
        yield Sample(SESSIONS, sess)
    if online:
        yield Sample(CLOCK, float(_word(body, "clk") == "sync"))
        yield Sample(INFO, 1, (("sw", _text(body, "sw")), ("slot", _text(body, "slot"))))


def of_state(body: Mapping[str, Any]) -> Iterator[Sample]:
    yield from _samples(_STATE, body)
    sinks = body.get("sinks")
    states = [sink.get("state") for sink in sinks if isinstance(sink, Mapping)] if isinstance(sinks, list) else []
    for state in SinkState:
        yield Sample(SINKS, states.count(state), (("state", str(state)),))


def of_health(numbers: Mapping[str, Any]) -> Iterator[Sample]:
    return _samples(_HEALTH_NUMBERS, numbers)


def of_stream(numbers: Mapping[str, Any]) -> Iterator[Sample]:
    return _samples(_STREAM_NUMBERS, numbers)


def _samples(rules: tuple[tuple[Metric, Value], ...], body: Mapping[str, Any]) -> Iterator[Sample]:
    for metric, value in rules:
        found = value(body)
        if found is not None:
            yield Sample(metric, found)


def _part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name)
    return value if isinstance(value, Mapping) else _NOTHING


def _word(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


def _text(body: Mapping[str, Any], name: str) -> str:
    return _word(body, name)[:_TEXT_LENGTH]


def _truth(body: Mapping[str, Any], name: str) -> float | None:
    value = body.get(name)
    return float(value) if isinstance(value, bool) else None


def _number(body: Mapping[str, Any], name: str) -> float | None:
    value = body.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _scaled(body: Mapping[str, Any], name: str, factor: float) -> float | None:
    value = _number(body, name)
    return None if value is None else value * factor


def _length(value: Any) -> float | None:
    return len(value) if isinstance(value, list) else None
