"""What configuration and overrides amount to, and which overrides a change makes of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from edge.app.configured import WEBRTC, Configured, ConfiguredRung, ConfiguredSink
from edge.app.overrides import Overrides, SetBitrate, SetLogLevel, SetMask, SetPreset, SetSink, SetSource
from edge.app.picture_wish import Limits, PictureWish
from edge.modality.library import Library
from edge.model.errors import Invalid, NotFound, Rejected
from edge.model.inputs import RungName
from edge.model.picture import NO_PRESET, Mask, Size, uncovers
from edge.model.sink import RungSpec, SinkSpec


class Wanted:
    """Never changes: each change gives the overrides with which another one is made.

    `lost` says why it is not known what commands had set; empty when it is known.
    """

    def __init__(self, *, configured: Configured, overrides: Overrides, library: Library, lost: str = "") -> None:
        self._configured = configured
        self._library = library
        self._lost = lost
        self.overrides = overrides
        self.sinks = _wanted_sinks(configured, overrides)
        self.picture = PictureWish.of(configured, overrides, library, lost=lost)
        self.rungs = _wanted_rungs(overrides, {name: self.limits(name) for name in configured.rungs})

    def with_overrides(self, overrides: Overrides) -> Wanted:
        """The same box with others."""
        return Wanted(configured=self._configured, overrides=overrides, library=self._library, lost=self._lost)

    @property
    def preset_name(self) -> str:
        """As wanted, `none` included, whether it is there or not."""
        return self.overrides.preset.name if self.overrides.preset else self._configured.preset

    @property
    def log_level(self) -> str:
        return self.overrides.log_level.level if self.overrides.log_level else self._configured.log_level

    @property
    def source(self) -> str:
        """The kind of source of the first input."""
        return self.overrides.source.kind if self.overrides.source else self._configured.source

    @property
    def link_fingerprint(self) -> str:
        """Of what the configuration says of the link."""
        return self._configured.link_fingerprint

    def limits(self, rung: str) -> Limits:
        """Between which bit rates a rung may be set. Raises NotFound (`unknown_rung`)."""
        configured = self._rung(rung)
        return self.picture.limits if rung == RungName.MAIN else Limits.of(configured)

    def running(self, sink: str, running: bool) -> Overrides:
        """Raises NotFound (`unknown_sink`); Rejected when a locked output shall start, `passphrase_unreadable`
        where its passphrase is the reason."""
        self.find(sink)
        by_command = self.overrides.sinks.get(sink)
        if by_command is not None:
            return self.overrides.with_sink(replace(by_command, spec=replace(by_command.spec, running=running)))
        configured = self._configured.sinks[sink]
        if not running:
            return self.overrides.with_stopped(sink, configured.fingerprint)
        if configured.lock is not None:
            raise Rejected(configured.lock.sentence, code=configured.lock.code)
        return self.overrides.without(sink)

    def sink_set(self, spec: SinkSpec) -> Overrides:
        """Added or replaced. Raises Invalid for the name that WebRTC has, NotFound (`unknown_rung`)."""
        if spec.name == WEBRTC:
            raise Invalid(f"sink: {WEBRTC!r} is the name of the built-in WebRTC output", code="reserved_name")
        self._rung(spec.rung)
        configured = self._configured.sinks.get(spec.name)
        if configured is None:
            return self.overrides.with_sink(SetSink(spec))
        if _differs(spec, configured):
            return self.overrides.with_sink(SetSink(spec, over=configured.fingerprint))
        if spec.running:
            return self.overrides.without(spec.name)
        return self.overrides.with_stopped(spec.name, configured.fingerprint)

    def sink_removed(self, sink: str) -> Overrides:
        """Raises NotFound, and Invalid for the built-in WebRTC output."""
        if self.find(sink).name == WEBRTC:
            raise Invalid(f"sink: {WEBRTC!r} cannot be removed, only stopped", code="reserved_name")
        configured = self._configured.sinks.get(sink)
        if configured is None:
            return self.overrides.without(sink)
        return self.overrides.with_removed(sink, configured.fingerprint)

    def bitrate(self, rung: str, bitrate_bps: int) -> Overrides:
        """Raises NotFound (`unknown_rung`), Rejected `below_clinical_floor`."""
        configured, limits = self._rung(rung), self.limits(rung)
        if bitrate_bps < limits.floor_bps:
            sentence = f"bitrate: {bitrate_bps} is below {limits.floor_bps}, the clinical floor of {self.preset_name}"
            raise Rejected(sentence, code="below_clinical_floor")
        changed = SetBitrate(bitrate_bps, over=configured.fingerprint)
        return self.overrides.with_bitrate(rung, changed if bitrate_bps != limits.start_bps else None)

    def preset(self, name: str) -> Overrides:
        """`none` is without. The one that holds changes nothing. Raises NotFound `unknown_preset`."""
        if name != NO_PRESET:
            self._library.find(name)
        if name == self.preset_name:
            return self.overrides
        by_command = SetPreset(name, over=self._configured.preset_fingerprint)
        return self.overrides.with_preset(by_command if name != self._configured.preset else None)

    def mask(self, mask: Mask | None) -> Overrides:
        """The box's own mask, beside the preset's; kept although it is as configured: it says that the mask is
        known, when what was kept is lost."""
        return self.overrides.with_mask(SetMask(mask, over=self._configured.mask_fingerprint))

    def logged(self, level: str) -> Overrides:
        """`level` as the configuration has it."""
        by_command = SetLogLevel(level, over=self._configured.log_level)
        return replace(self.overrides, log_level=by_command if level != self._configured.log_level else None)

    def sourced(self, kind: str) -> Overrides:
        """The first input's pictures come from there. Raises NotFound `unknown_source`."""
        if kind not in self._configured.sources:
            known = ", ".join(self._configured.sources)
            raise NotFound(f"source: no source {kind!r} is configured; there is {known}", code="unknown_source")
        by_command = SetSource(kind, over=self._configured.source)
        return replace(self.overrides, source=by_command if kind != self._configured.source else None)

    def uncovered_by(self, overrides: Overrides, *, now: Size | None) -> bool:
        """Whether with those something would be shown that is masked now; `now` is the picture's size."""
        return uncovers(self.picture.spec, self.with_overrides(overrides).picture.spec, now=now)

    def find(self, sink: str) -> SinkSpec:
        """Raises NotFound (`unknown_sink`)."""
        found = self.sinks.get(sink)
        if found is None:
            known = ", ".join(sorted(self.sinks))
            raise NotFound(f"sink: no output {sink!r}; there is {known}", code="unknown_sink")
        return found

    def _rung(self, name: str) -> ConfiguredRung:
        found = self._configured.rungs.get(name)
        if found is None:
            known = ", ".join(self._configured.rungs)
            raise NotFound(f"rung: no rung {name!r}; there is {known}", code="unknown_rung")
        return found


def _differs(spec: SinkSpec, configured: ConfiguredSink) -> bool:
    """Peers are the technician's alone."""
    as_configured = replace(spec, running=configured.spec.running, peers=configured.spec.peers)
    return configured.lock is not None or as_configured != configured.spec


def _wanted_sinks(configured: Configured, overrides: Overrides) -> Mapping[str, SinkSpec]:
    wanted = {
        name: replace(sink.spec, running=sink.spec.running and name not in overrides.stopped)
        for name, sink in configured.sinks.items()
        if name not in overrides.removed
    }
    return wanted | {name: _with_peers(sink.spec, configured) for name, sink in overrides.sinks.items()}


def _with_peers(spec: SinkSpec, configured: Configured) -> SinkSpec:
    """A command that sets a configured listener anew must not open it to everybody: it keeps its peers."""
    entry = configured.sinks.get(spec.name)
    return spec if entry is None else replace(spec, peers=entry.spec.peers)


def _wanted_rungs(overrides: Overrides, limits: Mapping[str, Limits]) -> tuple[RungSpec, ...]:
    """A bitrate set within other limits comes to today's."""
    set_bps = {name: bitrate.bitrate_bps for name, bitrate in overrides.bitrates.items()}
    return tuple(
        RungSpec(
            name,
            bitrate_bps=max(limit.floor_bps, min(set_bps.get(name, limit.start_bps), limit.ceiling_bps)),
            max_bitrate_bps=limit.ceiling_bps,
            gop_s=limit.gop_s,
            floor_bps=limit.floor_bps if limit.clinical else 0,
            priority=limit.priority,
        )
        for name, limit in limits.items()
    )
