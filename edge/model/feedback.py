"""What receivers answer, and what follows for them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a receiver is for. The guide's path sets a rung's bit rate, an observer's only without one."""

    GUIDE = "guide"
    OBSERVER = "observer"


@dataclass(frozen=True, slots=True)
class KeyframeRequest:
    """A receiver cannot go on without a keyframe (PLI, FIR, join, overflow)."""

    sink: str
    reason: str


@dataclass(frozen=True, slots=True)
class LinkReport:
    """How the path to one receiver has done since the report before, which was made about 100 ms ago.

    `delivered_bps` is what got there, `sent_bps` what was put on the way, retransmissions included in both.
    `queue_ms` is how much longer than at its best a packet is on its way now; `backlog_ms` how long what is still
    here has waited. `loss` is the part of the packets that had to be sent again or never came, 0 to 1.
    `limit_bps` is what the receiver itself allows (REMB), None where it says nothing.
    """

    sink: str
    role: Role
    sent_bps: int
    delivered_bps: int
    rtt_ms: float | None = None
    queue_ms: float = 0.0
    backlog_ms: float = 0.0
    loss: float = 0.0
    limit_bps: int | None = None


Feedback = KeyframeRequest | LinkReport


@dataclass(frozen=True, slots=True)
class Demotion:
    """Whether a receiver, whose path carries less than its rung, has to make do with less: `view`, or keyframes."""

    sink: str
    demoted: bool
