"""What the link says of itself on the status board, with the issue while the broker is not there."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from edge.link.tls_refusals import SUGGESTIONS as TLS_SUGGESTIONS
from edge.model.errors import EdgeError, Unavailable
from edge.model.status import Severity
from edge.ports import Clock
from edge.runtime.clock import rfc3339
from edge.runtime.status_board import StatusBoard

_SUGGESTIONS = {
    **TLS_SUGGESTIONS,
    "broker_refuses": "Ask the controller's operator whether this box is enrolled at the broker.",
    "broker_unfit": "The broker must be another one, or be set up so: see docs/brokers.md.",
    "taken_over": "Another box uses this box's id: was its disk copied? Give one of them a new id.",
    "tls_required": "Plain MQTT is for this machine only: use a broker on 127.0.0.1.",
    "subscription_refused": "The broker's access list must allow this box its own topics.",
}
_UNREACHABLE = "Check the network cable, and whether the broker is running. Picture and recording are not affected."

_NO_ROOM = (
    "Make room on the box's disk. Until then commands wait at the broker, and nothing that was acknowledged is lost. "
    "The picture is not affected."
)


class LinkState(StrEnum):
    ONLINE = "online"
    CONNECTING = "connecting"
    OFFLINE = "offline"


class LinkStatus:
    """Owns the board section `link`."""

    def __init__(self, *, board: StatusBoard, clock: Clock, box: str, broker: str) -> None:
        self._board = board
        self._clock = clock
        self._box = box
        self._broker = broker
        self._state = LinkState.CONNECTING
        self._since = rfc3339(clock.utc_ns())
        self._offline_since = ""
        self._error: EdgeError | None = None
        self._waiting = 0
        self._refused: Mapping[str, int] = {}
        self._storage: tuple[str, Unavailable] | None = None
        self.sess = 0

    def put(self, state: LinkState, *, error: EdgeError | None = None) -> None:
        """A new state. `error` stays visible, and `since` its first time, until the link is online again."""
        if state is LinkState.CONNECTING and self._error is not None:
            return
        if state is not self._state:
            self._state, self._since = state, rfc3339(self._clock.utc_ns())
        if state is LinkState.ONLINE:
            self._error, self._offline_since = None, ""
        elif error is not None:
            self._error = error
            self._offline_since = self._offline_since or self._since
        self._write()

    def move(self, broker: str) -> None:
        """It is another broker now; what was wrong with the one before is over."""
        self._broker, self._error, self._offline_since = broker, None, ""
        self.put(LinkState.CONNECTING)

    def waiting(self, count: int) -> None:
        """Letters that the controller has not acknowledged."""
        self._waiting = count
        self._write()

    def refused(self, counts: Mapping[str, int]) -> None:
        """Messages that were dropped or refused, by code."""
        if counts != self._refused:
            self._refused = dict(counts)
            self._write()

    def storage(self, error: Unavailable | None) -> None:
        """The disk refuses, or (None) it does no more."""
        since = self._storage[0] if self._storage else rfc3339(self._clock.utc_ns())
        self._storage = None if error is None else (since, error)
        self._write()

    def _write(self) -> None:
        section: dict[str, Any] = {
            "state": self._state,
            "box": self._box,
            "broker": self._broker,
            "since": self._since,
            "sess": self.sess if self._state is LinkState.ONLINE else 0,
            "last_error": str(self._error) if self._error else "",
            "outbox": self._waiting,
            "refused": dict(self._refused),
            "issues": [*self._storage_issue(), *([self._issue(self._error)] if self._error else [])],
        }
        self._board.put("link", section)

    def _storage_issue(self) -> list[Mapping[str, Any]]:
        if self._storage is None:
            return []
        since, error = self._storage
        issue = {"code": "link_storage", "since": since, "severity": Severity.ERROR, "suggestion": _NO_ROOM}
        return [{**issue, "subject": "", "detail": str(error)}]

    def _issue(self, error: EdgeError) -> Mapping[str, Any]:
        known = error.code in _SUGGESTIONS
        return {
            "code": error.code if known else "broker_unreachable",
            "since": self._offline_since,
            "severity": Severity.WARNING,
            "suggestion": _SUGGESTIONS.get(error.code, _UNREACHABLE),
            "subject": self._broker,
            "detail": str(error),
        }
