"""What viewers say of the picture that the box cannot see: a viewer without a live picture while the box sends one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from edge.model.inputs import input_of
from edge.model.status import Severity
from edge.runtime.issues import Finding

_HOLDS_S = 2.0  # joining, and a change of rung or encoder, take a moment
_NO_ALARM = ("flag", "hidden")  # it says what the box told it; nobody looks at it
_WORDS = {
    "old": "its pictures are too old when they are shown",
    "missing": "no pictures reach it",
    "repeat": "it gets pictures that it has had",
    "decoder": "pictures reach it and are not shown",
    "no_frame": "it has shown no picture yet",
    "no_time": "its pictures carry no capture time",
    "clock": "it cannot compare its time with the box's",
    "unverifiable": "its browser cannot tell how old a picture is",
}
_PATH_ADVICE = "Look at that viewer's network, use a wired one, or lower the bitrate."
_ADVICE = {
    "decoder": "Close other programs on that viewer's computer, or let it watch the rung `view`.",
    "repeat": "Reload that viewer's page; if it stays, restart the box.",
    "no_time": "Something between box and viewer encodes anew: let the viewer watch the box itself.",
    "clock": "Reload that viewer's page; if it stays, its network lets no data channel through.",
    "unverifiable": "Use a current Chromium, Chrome, Edge, Firefox or Safari there.",
}


@dataclass(slots=True)
class ViewerFindings:
    """Keeps since when each viewer has been without a live picture."""

    _since_s: dict[str, float] = field(default_factory=dict)

    def look(self, document: Mapping[str, Any], *, now_s: float) -> Iterator[Finding]:
        live = {entry["name"] for entry in document.get("inputs", ()) if entry["picture"].get("live")}
        alarmed = {
            str(viewer.get("name", "")): str(viewer["seen"]["reason"])
            for viewer in document.get("viewers", ())
            if _is_alarmed(viewer) and input_of(viewer["rung"]) in live
        }
        self._since_s = {name: self._since_s.get(name, now_s) for name in alarmed}
        for name, reason in alarmed.items():
            if now_s - self._since_s[name] >= _HOLDS_S:
                advice = _ADVICE.get(reason, _PATH_ADVICE)
                detail = f"the box sends a live picture, this viewer says NOT LIVE: {_WORDS.get(reason, reason)}"
                yield Finding("viewer_not_live", Severity.WARNING, advice, name, detail)


def _is_alarmed(viewer: Mapping[str, Any]) -> bool:
    seen = viewer.get("seen") or {}
    return seen.get("live") is False and seen["reason"] not in _NO_ALARM
