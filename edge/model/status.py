"""What the world can see: issues, and the box's status document as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Issue:
    """Something a person should know, with what to do about it.

    `since` is UTC, RFC 3339. `subject` tells two issues of one code apart (a sink's name).
    """

    code: str
    since: str
    severity: Severity
    suggestion: str
    subject: str = ""
    detail: str = ""


class ComponentState(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"
    STOPPED = "stopped"
    FAILED = "failed"


class SinkState(StrEnum):
    """`idle`: wanted, nobody connected. `connecting`: trying. `live`: sending."""

    STOPPED = "stopped"
    IDLE = "idle"
    CONNECTING = "connecting"
    LIVE = "live"
    FAILED = "failed"
