"""What a CSI-2 link carries, as a sentence: computed, never written down."""

from __future__ import annotations

from dataclasses import replace

from board.edid.modes import mode
from board.edid.receiver import CsiLink, tc358743

_MODES = ("1080p60", "1080p50", "1080p30", "720p60", "720p50")  # best first
_LAYOUTS = (("UYVY", 2), ("RGB", 3))


def reach(link: CsiLink) -> str:
    """As in `2 lanes of 972 Mbit/s: up to 1080p50 UYVY, 1080p30 RGB`; by the limits of a TC358743."""
    best = [
        f"{found} {name}"
        for name, size in _LAYOUTS
        if (found := _best(replace(link, bytes_per_pixel=size))) is not None
    ]
    lanes = "1 lane" if link.lanes == 1 else f"{link.lanes} lanes"
    carried = f"up to {', '.join(best)}" if best else f"less than {_MODES[-1]}"
    return f"{lanes} of {link.lane_mbps} Mbit/s: {carried}"


def _best(link: CsiLink) -> str | None:
    receiver = tc358743(link)
    return next((name for name in _MODES if receiver.refusal(mode(name).timing) is None), None)
