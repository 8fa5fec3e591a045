"""What commands changed against the configuration: a value, and its form on disk.

`{"v": 2, "sinks": [{"spec": {...}, "over"}], "removed": {name: over}, "stopped": {name: over},
"bitrates": {rung: {"bitrate_bps", "over"}}}`. `over` is the fingerprint of the configured entry
that is overridden: once the technician changes the entry, the override no longer holds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeVar

from edge.app.configured import Configured
from edge.app.plan_wire import sink_from_wire
from edge.model.errors import Invalid
from edge.model.sink import SinkSpec

_VERSION = 2
_FIELDS = frozenset(("v", "sinks", "removed", "stopped", "bitrates"))
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class SetSink:
    """An output set by command; `over` is empty when the configuration had none of that name."""

    spec: SinkSpec
    over: str = ""


@dataclass(frozen=True, slots=True)
class SetBitrate:
    bitrate_bps: int
    over: str


@dataclass(frozen=True, slots=True)
class Overrides:
    """`removed` and `stopped`: configured outputs, by name, with their fingerprints."""

    sinks: Mapping[str, SetSink] = field(default_factory=dict)
    removed: Mapping[str, str] = field(default_factory=dict)
    stopped: Mapping[str, str] = field(default_factory=dict)
    bitrates: Mapping[str, SetBitrate] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """Of the outputs and rungs that commands changed."""
        return frozenset((*self.sinks, *self.removed, *self.stopped, *self.bitrates))

    def without(self, sink: str) -> Overrides:
        """As if no command had ever named that output."""
        return replace(
            self,
            sinks=_less(self.sinks, sink),
            removed=_less(self.removed, sink),
            stopped=_less(self.stopped, sink),
        )

    def with_sink(self, sink: SetSink) -> Overrides:
        """It keeps its place in the order when it is set anew."""
        name = sink.spec.name
        return replace(
            self,
            sinks={**self.sinks, name: sink},
            removed=_less(self.removed, name),
            stopped=_less(self.stopped, name),
        )

    def with_removed(self, sink: str, over: str) -> Overrides:
        cleared = self.without(sink)
        return replace(cleared, removed={**cleared.removed, sink: over})

    def with_stopped(self, sink: str, over: str) -> Overrides:
        cleared = self.without(sink)
        return replace(cleared, stopped={**cleared.stopped, sink: over})

    def with_bitrate(self, rung: str, bitrate: SetBitrate | None) -> Overrides:
        """None: as configured."""
        others = _less(self.bitrates, rung)
        return replace(self, bitrates=others if bitrate is None else {**others, rung: bitrate})

    def holding_over(self, configured: Configured) -> Overrides:
        """Those whose configured entry is unchanged; an output set by command outlives a deleted entry."""
        sinks = {name: sink.fingerprint for name, sink in configured.sinks.items()}
        rungs = {name: rung.fingerprint for name, rung in configured.rungs.items()}
        return Overrides(
            sinks={name: sink for name, sink in self.sinks.items() if sinks.get(name, sink.over) == sink.over},
            removed={name: over for name, over in self.removed.items() if sinks.get(name) == over},
            stopped={name: over for name, over in self.stopped.items() if sinks.get(name) == over},
            bitrates={name: one for name, one in self.bitrates.items() if rungs.get(name) == one.over},
        )

    def to_bytes(self) -> bytes:
        """With the passphrases of outputs set by command: to be sealed."""
        document = {
            "v": _VERSION,
            "sinks": [asdict(sink) for sink in self.sinks.values()],
            "removed": dict(self.removed),
            "stopped": dict(self.stopped),
            "bitrates": {rung: asdict(bitrate) for rung, bitrate in self.bitrates.items()},
        }
        return json.dumps(document).encode()

    @classmethod
    def from_bytes(cls, text: bytes) -> Overrides:
        """Raises Invalid, which repeats nothing of the content."""
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            raise Invalid("not JSON") from None
        if not isinstance(document, dict) or document.get("v") != _VERSION or document.keys() != _FIELDS:
            raise Invalid(f"not in the form of version {_VERSION}")
        return cls(
            sinks={sink.spec.name: sink for sink in map(_set_sink, _entries(document["sinks"], "sinks"))},
            removed=_fingerprints(document["removed"], "removed"),
            stopped=_fingerprints(document["stopped"], "stopped"),
            bitrates={rung: _set_bitrate(entry) for rung, entry in _table(document["bitrates"], "bitrates").items()},
        )


def _less(entries: Mapping[str, _T], name: str) -> Mapping[str, _T]:
    return {key: value for key, value in entries.items() if key != name}


def _entries(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise Invalid(f"{where}: not a list")
    return value


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Invalid(f"{where}: not a table")
    return value


def _fingerprints(value: Any, where: str) -> Mapping[str, str]:
    table = _table(value, where)
    if not all(isinstance(over, str) for over in table.values()):
        raise Invalid(f"{where}: not a table of fingerprints")
    return table


def _set_sink(entry: Any) -> SetSink:
    try:
        spec, over = sink_from_wire(entry["spec"]), str(entry["over"])
    except (KeyError, TypeError, ValueError):
        raise Invalid("sinks: an entry is not understood") from None
    return SetSink(spec, over)


def _set_bitrate(entry: Any) -> SetBitrate:
    try:
        return SetBitrate(int(entry["bitrate_bps"]), str(entry["over"]))
    except (KeyError, TypeError, ValueError):
        raise Invalid("bitrates: an entry is not understood") from None
