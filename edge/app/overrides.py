"""What commands and documents changed against the configuration: a value, and its form on disk.

`{"v": 4, "sinks": [{"spec": {...}, "over"}], "removed": {name: over}, "stopped": {name: over},
"bitrates": {rung: {"bitrate_bps", "over"}}, "preset": {"name", "over"}, "mask": {"mask", "over"},
"log_level": {"level", "over"}, "source": {"kind", "over"}, "link": {"broker", "reconnect_spread_s",
"over"}, "document": {"rev", "digest", "overrides": as all this}}`; what is not changed is null. `over` is
the fingerprint of the configured entry that is overridden: once the technician changes the entry,
the override no longer holds. Version 2 ends with the bit rates, version 3 with the mask; each is still written
where it can say everything, so that a rolled back software can read it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeVar

from edge.app.configured import Configured
from edge.app.plan_wire import mask_from_wire
from edge.model.errors import Invalid
from edge.model.picture import Mask
from edge.model.sink import SinkSpec

_VERSION = 4
_FIELDS_2 = frozenset(("v", "sinks", "removed", "stopped", "bitrates"))
_FIELDS_3 = _FIELDS_2 | {"preset", "mask"}
_FIELDS = {2: _FIELDS_2, 3: _FIELDS_3, 4: _FIELDS_3 | {"log_level", "source", "link", "document"}}
_NEWER = frozenset(("role", "token", "peers"))
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
class SetPreset:
    name: str
    over: str


@dataclass(frozen=True, slots=True)
class SetMask:
    """`mask` None: without one of the box's own, whatever the configuration says."""

    mask: Mask | None
    over: str


@dataclass(frozen=True, slots=True)
class SetLogLevel:
    level: str
    over: str


@dataclass(frozen=True, slots=True)
class SetSource:
    """Of the first input."""

    kind: str
    over: str


@dataclass(frozen=True, slots=True)
class SetLink:
    """`broker` is (host, port); what is None is as configured."""

    broker: tuple[str, int] | None
    reconnect_spread_s: float | None
    over: str


@dataclass(frozen=True, slots=True)
class AppliedDocument:
    """The newest desired document that holds: what it alone set, for whoever asks what commands changed since."""

    rev: int
    digest: str
    overrides: Overrides


@dataclass(frozen=True, slots=True)
class Overrides:
    """`removed` and `stopped`: configured outputs, by name, with their fingerprints."""

    sinks: Mapping[str, SetSink] = field(default_factory=dict)
    removed: Mapping[str, str] = field(default_factory=dict)
    stopped: Mapping[str, str] = field(default_factory=dict)
    bitrates: Mapping[str, SetBitrate] = field(default_factory=dict)
    preset: SetPreset | None = None
    mask: SetMask | None = None
    log_level: SetLogLevel | None = None
    source: SetSource | None = None
    link: SetLink | None = None
    document: AppliedDocument | None = None

    @property
    def names(self) -> frozenset[str]:
        """Of the outputs and rungs that commands changed, and what else they did."""
        picture = {"preset": self.preset, "mask": self.mask, "source": self.source}
        rest = {"log level": self.log_level, "link": self.link}
        others = [f"the {name}" for name, one in (picture | rest).items() if one is not None]
        return frozenset((*self.sinks, *self.removed, *self.stopped, *self.bitrates, *others))

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

    def with_preset(self, preset: SetPreset | None) -> Overrides:
        """None: as configured. Bit rates that were set under another preset go with it."""
        return replace(self, preset=preset, bitrates={})

    def with_mask(self, mask: SetMask) -> Overrides:
        return replace(self, mask=mask)

    def holding_over(self, configured: Configured) -> Overrides:
        """Those whose configured entry is unchanged; an output set by command outlives a deleted entry."""
        sinks = {name: sink.fingerprint for name, sink in configured.sinks.items()}
        rungs = {name: rung.fingerprint for name, rung in configured.rungs.items()}
        preset, mask, source = self.preset, self.mask, self.source
        level, link = self.log_level, self.link
        return Overrides(
            source=source if source and source.over == configured.source else None,
            log_level=level if level and level.over == configured.log_level else None,
            link=link if link and link.over == configured.link_fingerprint else None,
            document=self.document,
            preset=preset if preset and preset.over == configured.preset_fingerprint else None,
            mask=mask if mask and mask.over == configured.mask_fingerprint else None,
            sinks={name: sink for name, sink in self.sinks.items() if sinks.get(name, sink.over) == sink.over},
            removed={name: over for name, over in self.removed.items() if sinks.get(name) == over},
            stopped={name: over for name, over in self.stopped.items() if sinks.get(name) == over},
            bitrates={name: one for name, one in self.bitrates.items() if rungs.get(name) == one.over},
        )

    def to_bytes(self) -> bytes:
        """With the passphrases of outputs set by command: to be sealed."""
        return json.dumps(_wire(self)).encode()

    @classmethod
    def from_bytes(cls, text: bytes) -> Overrides:
        """Raises Invalid, which repeats nothing of the content."""
        try:
            document = json.loads(text)
            return cls._from_wire(document)
        except (ValueError, RecursionError):
            raise Invalid("not JSON") from None

    @classmethod
    def _from_wire(cls, document: Any) -> Overrides:
        version = document.get("v") if isinstance(document, dict) else None
        if not isinstance(version, int) or document.keys() != _FIELDS.get(version):
            raise Invalid(f"not in the form of version {_VERSION}")
        return cls(
            sinks={sink.spec.name: sink for sink in map(_set_sink, _entries(document["sinks"], "sinks"))},
            removed=_fingerprints(document["removed"], "removed"),
            stopped=_fingerprints(document["stopped"], "stopped"),
            bitrates={rung: _set_bitrate(entry) for rung, entry in _table(document["bitrates"], "bitrates").items()},
            preset=_set_preset(document.get("preset")),
            mask=_set_mask(document.get("mask")),
            log_level=_set_log_level(document.get("log_level")),
            source=_set_source(document.get("source")),
            link=_set_link(document.get("link")),
            document=_applied(document.get("document"), cls._from_wire),
        )


def _wire(overrides: Overrides) -> Mapping[str, Any]:
    document: dict[str, Any] = {
        "v": 2,
        "sinks": [_sink_wire(sink) for sink in overrides.sinks.values()],
        "removed": dict(overrides.removed),
        "stopped": dict(overrides.stopped),
        "bitrates": {rung: asdict(bitrate) for rung, bitrate in overrides.bitrates.items()},
    }
    version_3 = {"preset": overrides.preset, "mask": overrides.mask}
    version_4 = {"log_level": overrides.log_level, "source": overrides.source, "link": overrides.link}
    applied = overrides.document
    newest = any(one is not None for one in (*version_4.values(), applied))
    if newest or any(one is not None for one in version_3.values()):
        document |= {"v": 3, **{name: one and asdict(one) for name, one in version_3.items()}}
    if newest:
        document |= {"v": _VERSION, **{name: one and asdict(one) for name, one in version_4.items()}}
        kept = applied and {"rev": applied.rev, "digest": applied.digest, "overrides": _wire(applied.overrides)}
        document["document"] = kept
    return document


def _sink_wire(sink: SetSink) -> Mapping[str, Any]:
    """Without what older software does not know, where it says nothing: so a rolled back one can read it."""
    spec = asdict(sink.spec)
    plain = asdict(SinkSpec(sink.spec.name, sink.spec.kind))
    return {"spec": {k: v for k, v in spec.items() if k not in _NEWER or v != plain[k]}, "over": sink.over}


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
        spec, over = SinkSpec.of(entry["spec"]), str(entry["over"])
    except (KeyError, TypeError, ValueError):
        raise Invalid("sinks: an entry is not understood") from None
    return SetSink(spec, over)


def _set_bitrate(entry: Any) -> SetBitrate:
    try:
        return SetBitrate(int(entry["bitrate_bps"]), str(entry["over"]))
    except (KeyError, TypeError, ValueError):
        raise Invalid("bitrates: an entry is not understood") from None


def _set_preset(entry: Any) -> SetPreset | None:
    try:
        return None if entry is None else SetPreset(str(entry["name"]), str(entry["over"]))
    except (KeyError, TypeError):
        raise Invalid("preset: not understood") from None


def _set_mask(entry: Any) -> SetMask | None:
    if entry is None:
        return None
    try:
        mask = None if entry["mask"] is None else mask_from_wire(entry["mask"])
        return SetMask(mask, str(entry["over"]))
    except (KeyError, TypeError, ValueError, Invalid):
        raise Invalid("mask: not understood") from None


def _set_log_level(entry: Any) -> SetLogLevel | None:
    try:
        return None if entry is None else SetLogLevel(str(entry["level"]), str(entry["over"]))
    except (KeyError, TypeError):
        raise Invalid("log_level: not understood") from None


def _set_source(entry: Any) -> SetSource | None:
    try:
        return None if entry is None else SetSource(str(entry["kind"]), str(entry["over"]))
    except (KeyError, TypeError):
        raise Invalid("source: not understood") from None


def _set_link(entry: Any) -> SetLink | None:
    if entry is None:
        return None
    try:
        broker, spread_s = entry["broker"], entry["reconnect_spread_s"]
        return SetLink(
            broker=None if broker is None else (str(broker[0]), int(broker[1])),
            reconnect_spread_s=None if spread_s is None else float(spread_s),
            over=str(entry["over"]),
        )
    except (KeyError, IndexError, TypeError, ValueError):
        raise Invalid("link: not understood") from None


def _applied(entry: Any, read: Callable[[Any], Overrides]) -> AppliedDocument | None:
    if entry is None:
        return None
    try:
        return AppliedDocument(int(entry["rev"]), str(entry["digest"]), read(entry["overrides"]))
    except (KeyError, TypeError, ValueError):
        raise Invalid("document: not understood") from None
