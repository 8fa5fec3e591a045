"""What a simulated box says of itself: a plausible status document without a picture behind it. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edge.model.errors import Invalid, NotFound
from edge.model.sink import SinkKind
from edge.model.status import SinkState

_FPS = 59.94
_NO_SIGNAL: Mapping[str, Any] = {
    "code": "signal_no_signal",
    "severity": "error",
    "suggestion": "Switch the imaging device on, and check that its output is not asleep.",
    "subject": "",
    "detail": "",
}


@dataclass(slots=True)
class _Sink:
    kind: str
    state: SinkState = SinkState.STOPPED
    delivered: int = 0
    dropped: int = 0


@dataclass(slots=True)
class SimState:
    """Commands and chance change it; `sections` is what then stands on the status board.

    `seed` makes two boxes differ, and one of the same seed the same again.
    """

    seed: str
    chance: random.Random = field(init=False)
    target_bps: int = 8_000_000
    preset: str = "none"
    lock_changes: int = 1
    trouble_since: str = ""
    _sinks: dict[str, _Sink] = field(default_factory=lambda: {"srt": _Sink(SinkKind.SRT)})

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)  # noqa: S311  plausible, not secret

    @property
    def streaming(self) -> bool:
        return any(sink.state is SinkState.LIVE for sink in self._sinks.values())

    def switch(self, name: Any, *, live: bool) -> Mapping[str, Any]:
        """Start or stop an output. Raises NotFound `unknown_sink`."""
        sink = self._find(name)
        sink.state = SinkState.LIVE if live else SinkState.STOPPED
        return {"sink": name, "state": sink.state}

    def set_sink(self, name: Any, kind: Any) -> Mapping[str, Any]:
        """Raises Invalid."""
        if not isinstance(name, str) or not name:
            raise Invalid("args.sink: must be a name")
        if kind not in (SinkKind.SRT, SinkKind.WHIP):
            raise Invalid(f"args.kind: must be {SinkKind.SRT} or {SinkKind.WHIP}")
        self._sinks.setdefault(name, _Sink(kind)).kind = kind
        return {"sink": name}

    def remove_sink(self, name: Any) -> Mapping[str, Any]:
        """Twice is once."""
        self._sinks.pop(name, None)
        return {"sink": name}

    def aim(self, bitrate: Any) -> Mapping[str, Any]:
        """Raises Invalid."""
        if not isinstance(bitrate, int) or isinstance(bitrate, bool) or not 100_000 <= bitrate <= 100_000_000:
            raise Invalid("args.bitrate: must be 100000 to 100000000 bit/s")
        self.target_bps = bitrate
        return {"bitrate": bitrate}

    def lose_signal(self, since: str) -> None:
        """From then on, RFC 3339; empty when it is back."""
        if bool(since) != bool(self.trouble_since):
            self.lock_changes += 1
        self.trouble_since = since

    def pass_time(self, seconds: float) -> None:
        for sink in self._sinks.values():
            if sink.state is SinkState.LIVE:
                sink.delivered += int(seconds * _FPS)
                sink.dropped += self.chance.random() < 0.02

    def sections(self) -> Mapping[str, Any]:
        """Every section of the status document that a simulated box has, with the figures of now."""
        locked = not self.trouble_since
        return {
            "signal": self._signal(locked),
            "picture": {"live": locked, "reason": "" if locked else "no_signal", "age_ms": self._near(8.0, 0.5)},
            "preset": {"name": self.preset},
            "encoder": {"name": "sim", "hardware": False, "rungs": [self._rung()]},
            "sinks": [self._sink(name, sink) for name, sink in self._sinks.items()],
            "latency": {"box": {"p50": int(self._near(14_000, 0.1)), "p95": int(self._near(21_000, 0.1))}},
            "recording": {"state": "idle"},
            "health": self._health(locked),
            "issues": [] if locked else [{**_NO_SIGNAL, "since": self.trouble_since}],
        }

    def _find(self, name: Any) -> _Sink:
        if not isinstance(name, str) or name not in self._sinks:
            raise NotFound(f"no sink {name!r}: there is {', '.join(self._sinks)}", code="unknown_sink")
        return self._sinks[name]

    def _near(self, value: float, share: float) -> float:
        return value * (1 + share * (2 * self.chance.random() - 1))

    def _signal(self, locked: bool) -> Mapping[str, Any]:
        form = {
            "width": 1920,
            "height": 1080,
            "fps": _FPS,
            "colorimetry": "bt709",
            "range": "limited",
            "pixel": "uyvy422",
        }
        return {
            "state": "locked" if locked else "no_signal",
            "lock_changes": self.lock_changes,
            "format": form if locked else None,
            "measured_fps": round(self._near(_FPS, 0.001), 3) if locked else None,
        }

    def _rung(self) -> Mapping[str, Any]:
        busy = self.streaming
        return {
            "name": "main",
            "codec": "h264",
            "target_bps": self.target_bps,
            "measured_bps": int(self._near(self.target_bps, 0.05)) if busy else 0,
            "fps": round(self._near(_FPS, 0.002), 2) if busy else 0.0,
            "width": 1920,
            "height": 1080,
        }

    def _sink(self, name: str, sink: _Sink) -> Mapping[str, Any]:
        detail: dict[str, Any] = {}
        if sink.state is SinkState.LIVE and sink.kind == SinkKind.SRT:
            detail = {"stats": {"rtt_ms": round(self._near(40, 0.2), 1), "lost_packets": sink.dropped}}
        figures = {"delivered": sink.delivered, "dropped": sink.dropped, "detail": detail}
        return {"name": name, "kind": sink.kind, "state": sink.state, "rung": "main", **figures}

    def _health(self, locked: bool) -> Mapping[str, Any]:
        return {
            "status": "ok" if locked else "failed",
            "cpu_pct": round(self._near(40 if self.streaming else 12, 0.2), 1),
            "mem_pct": round(self._near(31, 0.05), 1),
            "temperature_c": round(self._near(58, 0.05), 1),
            "disk_free_pct": 71.0,
        }
