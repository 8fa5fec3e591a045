"""Numbers for `tele/health` and `tele/stream`, read from the status board."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge.ports import Clock

EXPIRY_S = 120
HEALTH_EVERY_S = 30.0
STREAM_EVERY_S = 5.0
_STATM = Path("/proc/self/statm")


class Telemetry:
    """Writes the messages; `n` counts them."""

    def __init__(self, *, boot: str, clock: Clock) -> None:
        self._boot = boot
        self._clock = clock
        self._n = 0
        self._load = ProcessLoad(clock)

    def message(self, numbers: Mapping[str, float]) -> bytes:
        self._n += 1
        mono_ns = self._clock.mono_ns()
        body = {
            "v": 1,
            "boot": self._boot,
            "n": self._n,
            "mono_ms": mono_ns // 1_000_000,
            "ts": self._clock.utc_ns(mono_ns) // 1_000_000,
            "m": numbers,
        }
        return json.dumps(body).encode()

    def health(self, document: Mapping[str, Any]) -> bytes:
        issues = document.get("issues")
        count = len(issues) if isinstance(issues, list | tuple) else 0
        box = {name: value for name, value in _section(document, "health").items() if _is_number(value)}
        return self.message({**box, **self._load.numbers(), "issues": count})

    def stream(self, document: Mapping[str, Any]) -> bytes:
        return self.message(stream_numbers(document))


class ProcessLoad:
    """CPU of this process in per cent of one core since the last call, and its resident memory."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._mono_ns = clock.mono_ns()
        self._cpu_s = _cpu_s()

    def numbers(self) -> Mapping[str, float]:
        now_ns, cpu_s = self._clock.mono_ns(), _cpu_s()
        passed_s = max((now_ns - self._mono_ns) / 1e9, 1e-3)
        busy = 100 * (cpu_s - self._cpu_s) / passed_s
        self._mono_ns, self._cpu_s = now_ns, cpu_s
        load_1min = os.getloadavg()[0]
        return {"cpu": round(busy, 1), "rss_mb": _rss_mb(), "load": round(load_1min, 2)}


def is_streaming(document: Mapping[str, Any]) -> bool:
    """Whether any sink is live or any viewer watches."""
    sinks = _mappings(document.get("sinks"))
    return any(sink.get("state") == "live" for sink in sinks) or viewer_count(document) > 0


def viewer_count(document: Mapping[str, Any]) -> int:
    """How many viewers the status document lists."""
    return len(_mappings(document.get("viewers")))


def stream_numbers(document: Mapping[str, Any]) -> Mapping[str, float]:
    """What the main rung, the sinks and the latency book say; what is not known is left out."""
    found: dict[str, Any] = {}
    rungs = _mappings(_section(document, "encoder").get("rungs"))
    if rungs:
        found |= {"fps": rungs[0].get("fps"), "bps": rungs[0].get("measured_bps")}
    sinks = _mappings(document.get("sinks"))
    found["drop"] = sum(count for sink in sinks if isinstance(count := sink.get("dropped"), int))
    found["viewers"] = viewer_count(document)
    found |= _srt_numbers(sinks)
    box = _section(_section(document, "latency"), "box")
    found["box_p95_us"] = box.get("p95")
    return {name: value for name, value in found.items() if _is_number(value)}


def _srt_numbers(sinks: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Of all SRT receivers the longest round trip, and what was lost to any of them."""
    details = [_section(sink, "detail") for sink in sinks if sink.get("kind") == "srt"]
    receivers = [*details, *(one for detail in details for one in _mappings(detail.get("receivers")))]
    stats = [found for receiver in receivers if (found := _section(receiver, "stats"))]
    if not stats:
        return {}
    return {
        "srt_rtt_ms": max(one.get("rtt_ms", 0) for one in stats),
        "srt_lost": sum(one.get("lost_packets", 0) for one in stats),
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _section(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name)
    return value if isinstance(value, Mapping) else {}


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list | tuple) else []


def _cpu_s() -> float:
    times = os.times()
    return times.user + times.system


def _rss_mb() -> int:
    pages = int(_STATM.read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20
