"""What the source knows of its input."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from edge.model.video import VideoFormat


class SignalState(StrEnum):
    NO_DEVICE = "no_device"
    NO_CABLE = "no_cable"
    NO_SIGNAL = "no_signal"
    NO_LOCK = "no_lock"
    OUT_OF_RANGE = "out_of_range"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class Signal:
    """State of the input now. `detail` is a sentence for people; `format` only when locked."""

    state: SignalState
    detail: str = ""
    format: VideoFormat | None = None

    @property
    def locked(self) -> bool:
        return self.state is SignalState.LOCKED
