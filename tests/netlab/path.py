"""What one direction of a line does to packets, and when that changes: values, and their form as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Burst:
    """Loss in bursts (Gilbert's model): that share of all packets, in bursts of that many packets on average."""

    share: float
    packets: float

    def __post_init__(self) -> None:
        if not 0 < self.share < 1 or self.packets < 1:
            raise ValueError(f"no burst loss: share {self.share} (between 0 and 1), {self.packets} packets (1 or more)")

    @property
    def leave(self) -> float:
        """Chance that a lost packet ends its burst."""
        return 1 / self.packets

    @property
    def enter(self) -> float:
        """Chance that a packet after a delivered one begins a burst."""
        return min(1.0, self.leave * self.share / (1 - self.share))


@dataclass(frozen=True, slots=True)
class Path:
    """One direction. All zero: a perfect line.

    `delay_ms` is one way; `jitter_ms` its standard deviation, which wanders with the time constant
    `wander_ms` and keeps the packets' order. `reorder` is the share of packets that are held back
    by `reorder_ms` and overtaken. `rate_bps` counts bytes of IP; 0 is no limit. Before that limit
    stands a queue of `queue_ms` at that rate, which drops what does not fit at its end. What is lost
    on the line has used it: loss comes behind the queue. `down` loses everything that is offered.
    """

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    wander_ms: float = 30.0
    loss: float = 0.0
    burst: Burst | None = None
    rate_bps: int = 0
    queue_ms: float = 100.0
    reorder: float = 0.0
    reorder_ms: float = 5.0
    down: bool = False

    def __post_init__(self) -> None:
        for name in ("delay_ms", "jitter_ms", "rate_bps", "queue_ms", "reorder_ms"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it cannot be negative")
        for name in ("loss", "reorder"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; a share is between 0 and 1")
        if self.wander_ms <= 0:
            raise ValueError(f"wander_ms is {self.wander_ms}; it must be above 0")

    @property
    def queue_bytes(self) -> int:
        """Room of the queue; one full packet at least, or nothing would pass."""
        return max(1500, int(self.rate_bps * self.queue_ms / 8000))

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Path:
        """Raises TypeError or ValueError for what is none."""
        burst = fields.get("burst")
        return cls(**{**fields, "burst": None if burst is None else Burst(**burst)})


class End(StrEnum):
    """Of the line; the uplink leads from the box to the viewer."""

    BOX = "box"
    VIEWER = "viewer"


@dataclass(frozen=True, slots=True)
class Step:
    """From `at_s` on, the line is so. `cut`: what is on its way is lost, as when another line takes over.

    `moves`: that end has another address from then on.
    """

    at_s: float
    uplink: Path
    downlink: Path
    cut: bool = False
    moves: End | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Step:
        uplink, downlink = Path.from_json(fields["uplink"]), Path.from_json(fields["downlink"])
        moves = None if fields["moves"] is None else End(fields["moves"])
        return cls(float(fields["at_s"]), uplink, downlink, bool(fields["cut"]), moves)
