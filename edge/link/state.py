"""The reported document: the status board in one retained message. Pure, but for the revision's store.

A new revision goes out when something of substance changed, at most once a second; numbers that
move all the time (ages, rates, counters) ride along and are refreshed once a minute; telemetry has them fresh.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from edge.link.series import Series
from edge.link.store import Store

MAX_STATE_BYTES = 16 << 10
REFRESH_NS = 60 * 1_000_000_000
_RESERVE = 4096  # hours of revisions, so that a full disk does not silence the box
_HEAD = frozenset(("v", "rev", "boot", "sess", "desired_rev", "desired_status", "errors", "health", "link", "omitted"))
_SEVERITIES = {"error": "failed", "warning": "degraded"}
_FLEETING = frozenset(
    (
        *(
            "measured_bps",
            "target_bps",
            "held",
            "keyframes",
            "keyframes_wanted",
            "keyframes_refused",
            "delivered",
            "dropped",
            "latency",
            "outbox",
            "units",
            "frame_gaps",
            "detail",
        ),
        *("age_ms", "age_s", "last_change_age_s", "uptime_s", "refused", "viewer_reports"),
    )
)


def reported(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The document as a broker is told it: health in one word, no session id, which could end a viewer's session."""
    told = {key: value for key, value in document.items() if key != "viewer_reports"}
    viewers = [{k: v for k, v in viewer.items() if k != "session"} for viewer in document.get("viewers") or ()]
    return {**told, **({"viewers": viewers} if viewers else {}), "health": health_word(document)}


def substance(value: Any) -> Any:
    """The document without what moves all the time: known counters, every fractional number, each viewer's figures."""
    if isinstance(value, Mapping):
        kept = {k: v for k, v in value.items() if k not in _FLEETING and not isinstance(v, float)}
        return {k: _count(v) if k == "viewers" else substance(v) for k, v in kept.items()}
    if isinstance(value, list | tuple):
        return [substance(v) for v in value]
    return value


def _count(value: Any) -> Any:
    return len(value) if isinstance(value, list | tuple) else value


def health_word(document: Mapping[str, Any]) -> str:
    """ok, degraded or failed: what the health section says, else the gravest issue."""
    said = document.get("health")
    if isinstance(said, Mapping):
        said = said.get("status")
    if said in ("ok", "degraded", "failed"):
        return str(said)
    issues = document.get("issues")
    words = {_SEVERITIES.get(i.get("severity", "")) for i in issues or () if isinstance(i, Mapping)}
    return "failed" if "failed" in words else "degraded" if "degraded" in words else "ok"


def fit(document: Mapping[str, Any], limit: int = MAX_STATE_BYTES) -> bytes:
    """As JSON of at most `limit` bytes: the largest sections go first, named in `omitted`; the head never does."""
    kept = dict(document)
    omitted: list[str] = []
    while len(text := json.dumps(kept, default=str, separators=(",", ":")).encode()) > limit:
        sections = {k: len(json.dumps(v, default=str)) for k, v in kept.items() if k not in _HEAD}
        largest = max(sections, key=lambda name: sections[name])
        del kept[largest]
        omitted.append(largest)
        kept["omitted"] = omitted
    return text


class Revision:
    """The number of each document sent. `first` is that with which the present substance was first sent."""

    def __init__(self, store: Store) -> None:
        self._series = Series(store, "rev", reserve=_RESERVE)
        self.first = 0

    @property
    def last(self) -> int:
        return self._series.last

    async def advance(self, *, changed: bool) -> int:
        rev = await self._series.next()
        if changed or self.first == 0:
            self.first = rev
        return rev
