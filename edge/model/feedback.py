"""What receivers answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeyframeRequest:
    """A receiver cannot go on without a keyframe (PLI, FIR, join, overflow)."""

    sink: str
    reason: str


@dataclass(frozen=True, slots=True)
class BandwidthEstimate:
    """A receiver's view of what the path carries, in bit/s (REMB, SRT statistics)."""

    sink: str
    bitrate_bps: int


Feedback = KeyframeRequest | BandwidthEstimate
