"""What a controller knows of its boxes, from their messages. Pure; event loop only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class BoxView:
    """The newest word of each kind; `desired` is a controller's. `heard_s`: when the box last spoke, monotonic here."""

    id: str
    link: Mapping[str, Any] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)
    stream: Mapping[str, Any] = field(default_factory=dict)
    heard_s: float | None = None
    desired: Mapping[str, Any] = field(default_factory=dict)

    @property
    def online(self) -> bool:
        return self.link.get("state") == "online"

    @property
    def chal(self) -> str | None:
        value = self.link.get("chal")
        return value if isinstance(value, str) else None

    @property
    def clock_synchronised(self) -> bool:
        return self.link.get("clk") == "sync"


class Fleet:
    """Applies messages; a word older than what is known changes nothing."""

    def __init__(self) -> None:
        self._boxes: dict[str, BoxView] = {}

    def box(self, id: str) -> BoxView:
        return self._boxes.get(id) or BoxView(id)

    def boxes(self) -> tuple[BoxView, ...]:
        return tuple(self._boxes[name] for name in sorted(self._boxes))

    def apply(self, id: str, leaf: str, body: Mapping[str, Any], *, now_s: float) -> None:
        """`leaf` is link, state, desired (its payload) or tele/stream; others only count as a sign of life."""
        view = self.box(id)
        if leaf == "link" and _is_link(body) and not _is_late_will(body, view):
            view = replace(view, link=body)
        elif leaf == "state" and (_order(body) >= _order(view.state) or _began_anew(body, view)):
            view = replace(view, state=body)
        elif leaf == "tele/stream" and isinstance(numbers := body.get("m"), Mapping):
            view = replace(view, stream=numbers)
        elif leaf == "desired" and _number(body, "rev") >= _number(view.desired, "rev"):
            self._boxes[id] = replace(view, desired=body)
            return  # a controller's word, no sign of life
        self._boxes[id] = replace(view, heard_s=now_s)


def _is_link(body: Mapping[str, Any]) -> bool:
    """Else anybody's junk would pass for the first word of a box."""
    return body.get("state") in ("online", "offline", "lost") and _number(body, "sess") >= 0


def _is_late_will(body: Mapping[str, Any], view: BoxView) -> bool:
    return body.get("state") == "lost" and _number(body, "sess") < _number(view.link, "sess")


def _began_anew(state: Mapping[str, Any], view: BoxView) -> bool:
    """Of a box that has lost its memory, and with it the count of its connections."""
    return _number(state, "sess") == _number(view.link, "sess") != _number(view.state, "sess")


def _order(state: Mapping[str, Any]) -> tuple[int, int]:
    return _number(state, "sess"), _number(state, "rev")


def _number(body: Mapping[str, Any], name: str) -> int:
    value = body.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else -1
