"""GET /metrics: the status document as Prometheus text (exposition format 0.0.4)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Response

from edge.model.signal import SignalState
from edge.model.sink import SinkKind
from edge.model.status import SinkState
from edge.runtime.status_board import StatusBoard

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_QUANTILES = {"p50": "0.5", "p95": "0.95", "p99": "0.99"}
_SINK_LABELS = (("sink", "name"), ("kind", "kind"), ("rung", "rung"))
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """One line; a `value` that is no number is left out."""

    name: str
    value: Any
    labels: Labels = ()
    help: str = ""
    kind: str = "gauge"


def metrics_routes(*, board: StatusBoard) -> APIRouter:
    router = APIRouter()

    @router.api_route("/metrics", methods=["GET", "HEAD"])
    async def metrics() -> Response:
        return Response(exposition(board.document()), headers={"Content-Type": CONTENT_TYPE})

    return router


def exposition(document: Mapping[str, Any]) -> str:
    """Sections that are missing give no samples."""
    families: dict[str, list[Sample]] = {}
    for sample in _samples(document):
        if _is_number(sample.value):
            families.setdefault(sample.name, []).append(sample)
    return "".join(_family(samples) for samples in families.values())


def _family(samples: list[Sample]) -> str:
    first = samples[0]
    head = f"# HELP scopecast_{first.name} {first.help}\n# TYPE scopecast_{first.name} {first.kind}\n"
    return head + "".join(_line(sample) for sample in samples)


def _line(sample: Sample) -> str:
    labels = ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in sample.labels)
    value = repr(float(sample.value)) if isinstance(sample.value, float) else str(int(sample.value))
    return f"scopecast_{sample.name}{{{labels}}} {value}\n" if labels else f"scopecast_{sample.name} {value}\n"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _samples(document: Mapping[str, Any]) -> Iterator[Sample]:
    yield Sample("up", 1, _version_labels(document), "The box answers; its version is in the labels.")
    for entry in _parts(document.get("inputs")):
        labels = (("input", str(entry.get("name", ""))),)
        yield from _signal(entry, labels)
        yield from _encoder(entry, labels)
        yield from _latency(entry, labels)
    yield from _sinks(document)
    yield from _viewers(document)
    yield from _box(document)
    yield from _issues(document)


def _signal(entry: Mapping[str, Any], input: Labels) -> Iterator[Sample]:
    signal, picture = _part(entry, "signal"), _part(entry, "picture")
    if "state" in signal:
        for state in SignalState:
            labels = (*input, ("state", state))
            yield Sample("signal_state", signal["state"] == state, labels, "1 for the input's state now.")
    changes, age_s = signal.get("lock_changes"), _scaled(picture.get("age_ms"), 1e3)
    yield Sample("signal_lock_changes_total", changes, input, "Changes of signal lock.", "counter")
    yield Sample("picture_live", picture.get("live"), input, "1 while the picture that goes out is live.")
    yield Sample("picture_age_seconds", age_s, input, "Age of the newest live frame.")


def _encoder(entry: Mapping[str, Any], input: Labels) -> Iterator[Sample]:
    for rung in _parts(_part(entry, "encoder").get("rungs")):
        labels = (*input, ("rung", str(rung.get("name", ""))), ("codec", str(rung.get("codec", ""))))
        yield Sample("rung_target_bps", rung.get("target_bps"), labels, "Bitrate the rung aims at now.")
        yield Sample("rung_wished_bps", rung.get("wished_bps"), labels, "Bitrate it would have on a path with room.")
        yield Sample("rung_measured_bps", rung.get("measured_bps"), labels, "Bitrate the rung puts out.")
        yield Sample("rung_fps", rung.get("fps"), labels, "Frames encoded per second.")
        yield Sample("rung_keyframes_total", rung.get("keyframes"), labels, "Keyframes encoded.", "counter")
        yield Sample("rung_sessions_total", rung.get("sessions"), labels, "Encoders opened.", "counter")


def _sinks(document: Mapping[str, Any]) -> Iterator[Sample]:
    for sink in _parts(document.get("sinks")):
        labels = tuple((label, str(sink.get(key, ""))) for label, key in _SINK_LABELS)
        yield Sample("sink_delivered_total", sink.get("delivered"), labels, "Access units delivered.", "counter")
        yield Sample("sink_dropped_total", sink.get("dropped"), labels, "Access units dropped.", "counter")
        for state in SinkState:
            value = sink.get("state") == state
            yield Sample("sink_state", value, (*labels, ("state", state)), "1 for the sink's state now.")
        if sink.get("kind") == SinkKind.SRT:
            yield from _srt(_part(sink, "detail"), labels)


def _srt(detail: Mapping[str, Any], labels: Labels) -> Iterator[Sample]:
    """Of each connection: the output's own, or those of its receivers."""
    refused = "Connections that a listener did not accept."
    yield Sample("srt_rejected_total", detail.get("rejected"), labels, refused, "counter")
    for one in list(_parts(detail.get("receivers"))) or [detail]:
        who = (("receiver", str(one.get("name", ""))), ("user", str(one.get("user", ""))))
        known = {**dict(labels), **({"rung": str(one["rung"])} if one.get("rung") else {})}
        yield from _connection(one, (*known.items(), *who))


def _connection(detail: Mapping[str, Any], labels: Labels) -> Iterator[Sample]:
    stats, link = _part(detail, "stats"), _part(detail, "link")
    if not stats:
        return
    for name, value, meaning in (
        ("srt_rtt_seconds", _scaled(link.get("rtt_ms"), 1e3), "Round trip as SRT smooths it."),
        ("srt_queue_seconds", _scaled(link.get("queue_ms"), 1e3), "Round trip beyond the shortest of 30 s."),
        ("srt_backlog_seconds", _scaled(link.get("backlog_ms"), 1e3), "What waits beyond a round trip and a repair."),
        ("srt_loss_ratio", link.get("loss"), "Part of the packets lost over the last 100 ms."),
        ("srt_sent_bps", link.get("sent_bps"), "Sent over the last 100 ms, retransmissions included."),
        ("srt_delivered_bps", link.get("delivered_bps"), "Acknowledged over the last 100 ms."),
        ("srt_buffer_seconds", _scaled(stats.get("send_buffer_ms"), 1e3), "Span of what is not acknowledged."),
        ("srt_bandwidth_bps", stats.get("bandwidth_bps"), "What SRT takes the path for."),
        ("srt_latency_seconds", _scaled(detail.get("latency_ms"), 1e3), "The receiver's buffer as agreed."),
        ("srt_latency_needed_seconds", _scaled(detail.get("latency_needed_ms"), 1e3), "Four round trips, or 120 ms."),
        ("srt_encrypted", detail.get("encrypted"), "1 where AES hides the picture."),
        ("srt_authenticated", detail.get("authenticated"), "1 where AES-GCM shows that somebody changed it."),
    ):
        yield Sample(name, value, labels, meaning)
    for name, key, meaning in (
        ("srt_sent_packets_total", "sent_packets", "Packets sent, retransmissions included."),
        ("srt_lost_packets_total", "lost_packets", "Packets that the receiver missed."),
        ("srt_retransmitted_packets_total", "retransmitted_packets", "Packets sent again."),
        ("srt_dropped_packets_total", "dropped_packets", "Packets given up as too late."),
    ):
        yield Sample(name, stats.get(key), labels, meaning, "counter")


def _viewers(document: Mapping[str, Any]) -> Iterator[Sample]:
    if "viewers" not in document:
        return
    viewers = list(_parts(document["viewers"]))
    yield Sample("viewers", len(viewers), help="WebRTC viewers connected.")
    for viewer in viewers:
        labels = tuple((key, str(viewer.get(key, ""))) for key in ("session", "rung"))
        yield Sample("viewer_rtt_seconds", _scaled(viewer.get("rtt_ms"), 1e3), labels, "Round trip to the viewer.")
        yield Sample("viewer_dropped_total", viewer.get("dropped"), labels, "Access units dropped.", "counter")
        live = _part(viewer, "seen").get("live")
        yield Sample("viewer_live", live, labels, "1 while the viewer itself says that its picture is live.")
        for key in ("p50", "p95"):
            seconds = _scaled(_part(viewer, "glass_to_glass_ms").get(key), 1e3)
            quantiles = (*labels, ("quantile", _QUANTILES[key]))
            yield Sample("viewer_glass_to_glass_seconds", seconds, quantiles, "Delay that the viewer measures.")


def _latency(entry: Mapping[str, Any], input: Labels) -> Iterator[Sample]:
    latency = _part(entry, "latency")
    stages = {**_part(latency, "stages"), "box": latency.get("box")}
    for stage, percentiles in stages.items():
        if not isinstance(percentiles, Mapping):
            continue
        for key, quantile in _QUANTILES.items():
            labels = (*input, ("stage", str(stage)), ("quantile", quantile))
            seconds = _scaled(percentiles.get(key), 1e6)
            yield Sample("latency_seconds", seconds, labels, "Time per stage over the last 10 s; box is the sum.")


def _box(document: Mapping[str, Any]) -> Iterator[Sample]:
    health, link = _part(document, "health"), _part(document, "link")
    yield Sample("cpu_percent", health.get("cpu_pct"), help="Processor use.")
    yield Sample("memory_percent", health.get("mem_pct"), help="Memory use.")
    yield Sample("temperature_celsius", health.get("temperature_c"), help="Temperature of the processor.")
    yield Sample("disk_free_percent", health.get("disk_free_pct"), help="Free disk space.")
    if "state" in link:
        yield Sample("link_up", link["state"] == "online", help="1 while the controller's broker is connected.")
    for name, process in _part(health, "processes").items():
        if isinstance(process, Mapping):
            labels = (("process", str(name)),)
            yield Sample("process_rss_bytes", _scaled(process.get("rss_mb"), 1 / (1 << 20)), labels, "Resident memory.")
            yield Sample("process_cpu_percent", process.get("cpu_pct"), labels, "Processor use per process.")


def _issues(document: Mapping[str, Any]) -> Iterator[Sample]:
    for issue in _parts(document.get("issues")):
        labels = tuple((key, str(issue.get(key, ""))) for key in ("code", "severity", "subject"))
        yield Sample("issue", 1, labels, "1 for each issue that is open.")


def _version_labels(document: Mapping[str, Any]) -> Labels:
    version = _part(document, "versions").get("scopecast")
    return (("version", str(version)),) if version else ()


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name)
    return value if isinstance(value, Mapping) else {}


def _parts(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Iterable) and not isinstance(value, str | Mapping):
        yield from (entry for entry in value if isinstance(entry, Mapping))


def _scaled(value: Any, divisor: float) -> float | None:
    return value / divisor if _is_number(value) else None
