"""What the box is wanted to do: configuration plus what commands changed, kept over restarts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Set
from dataclasses import replace
from pathlib import Path

from edge.app.configured import WEBRTC, Configured, ConfiguredRung, ConfiguredSink
from edge.app.overrides import Overrides, SetBitrate, SetMask, SetPreset, SetSink
from edge.app.overrides_file import OverridesFile
from edge.app.picture_wish import Limits, PictureWish
from edge.config.model import Config
from edge.modality.library import Library
from edge.model.errors import EdgeError, Invalid, NotFound, Rejected
from edge.model.inputs import Input, RungName, input_of
from edge.model.picture import NO_PRESET, Mask, PictureSpec, Size, uncovers
from edge.model.sink import MediaPlan, RungSpec, SinkSpec
from edge.vault.seal import Sealer

__all__ = ("WEBRTC", "Wishes")

_LOG = logging.getLogger(__name__)


class Wishes:
    """Every change is on disk, sealed, before it is obeyed; then `on_change` is told of it.

    Only the difference to the configuration is kept, and each part of it only for as long as
    the technician leaves the configured entry as it is. The constructor raises nothing: an
    output whose configuration is wrong is locked, which `trouble` says in a sentence.

    Every change raises, and then has changed nothing: Unavailable (`storage_failed`,
    `key_file`) or Fault (`key_exposed`, `key_broken`) when it cannot be kept.
    """

    def __init__(self, *, config: Config, path: Path, sealer: Sealer, library: Library) -> None:
        self._configured = Configured.of(config)
        self.library = library
        self._file = OverridesFile(path=path, sealer=sealer)
        self._listeners: list[Callable[[], None]] = []
        self.trouble: list[str] = []
        kept, self._file_trouble = self._file.load()
        self._take(kept.holding_over(self._configured))
        if self._overrides != kept:
            self._forget_outdated(kept.names - self._overrides.names)
        for sentence in self.trouble:
            _LOG.error("%s", sentence)

    def on_change(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)

    @property
    def plan(self) -> MediaPlan:
        """Of all inputs, with the picture of the first."""
        return MediaPlan(sinks=tuple(self._sinks.values()), rungs=self._rungs, picture=self.picture.spec)

    def plan_for(self, input: str) -> MediaPlan:
        """All that is wanted of that input's media process."""
        return MediaPlan(
            sinks=tuple(sink for sink in self._sinks.values() if input_of(sink.rung) == input),
            rungs=tuple(rung for rung in self._rungs if input_of(rung.name) == input),
            picture=self.picture_of(input),
        )

    def picture_of(self, input: str) -> PictureSpec:
        """Preset and commands are about the first input's picture; another one's is as configured."""
        if input == Input.MAIN:
            return self.picture.spec
        mask = self._configured.second_mask
        return PictureSpec(masks=() if mask is None else (mask,), freeze_after_ms=self._configured.freeze_after_ms)

    @property
    def rungs(self) -> tuple[str, ...]:
        """Those that the box has."""
        return tuple(self._configured.rungs)

    @property
    def webrtc_running(self) -> bool:
        return self._sinks[WEBRTC].running

    def set_running(self, sink: str, running: bool) -> None:
        """Raises NotFound (`unknown_sink`); Rejected when a locked output shall start, `passphrase_unreadable`
        where its passphrase is the reason."""
        self._find(sink)
        by_command = self._overrides.sinks.get(sink)
        if by_command is not None:
            self._change(self._overrides.with_sink(replace(by_command, spec=replace(by_command.spec, running=running))))
            return
        configured = self._configured.sinks[sink]
        if not running:
            self._change(self._overrides.with_stopped(sink, configured.fingerprint))
            return
        if configured.lock is not None:
            raise Rejected(configured.lock.sentence, code=configured.lock.code)
        self._change(self._overrides.without(sink))

    def set_sink(self, spec: SinkSpec) -> None:
        """Add or replace an output. Raises Invalid for the name that WebRTC has, NotFound (`unknown_rung`)."""
        if spec.name == WEBRTC:
            raise Invalid(f"sink: {WEBRTC!r} is the name of the built-in WebRTC output", code="reserved_name")
        self._rung(spec.rung)
        configured = self._configured.sinks.get(spec.name)
        if configured is None:
            self._change(self._overrides.with_sink(SetSink(spec)))
        elif _differs(spec, configured):
            self._change(self._overrides.with_sink(SetSink(spec, over=configured.fingerprint)))
        elif spec.running:
            self._change(self._overrides.without(spec.name))
        else:
            self._change(self._overrides.with_stopped(spec.name, configured.fingerprint))

    def remove_sink(self, sink: str) -> None:
        """Raises NotFound, and Invalid for the built-in WebRTC output."""
        if self._find(sink).name == WEBRTC:
            raise Invalid(f"sink: {WEBRTC!r} cannot be removed, only stopped", code="reserved_name")
        configured = self._configured.sinks.get(sink)
        if configured is None:
            self._change(self._overrides.without(sink))
        else:
            self._change(self._overrides.with_removed(sink, configured.fingerprint))

    def set_bitrate(self, rung: str, bitrate_bps: int) -> None:
        """Raises NotFound (`unknown_rung`)."""
        configured, limits = self._rung(rung), self.limits(rung)
        if bitrate_bps < limits.floor_bps:
            sentence = f"bitrate: {bitrate_bps} is below {limits.floor_bps}, the clinical floor of {self.preset_name}"
            raise Rejected(sentence, code="below_clinical_floor")
        changed = SetBitrate(bitrate_bps, over=configured.fingerprint)
        self._change(self._overrides.with_bitrate(rung, changed if bitrate_bps != limits.start_bps else None))

    @property
    def preset_name(self) -> str:
        """As wanted, `none` included, whether it is there or not."""
        return self._overrides.preset.name if self._overrides.preset else self._configured.preset

    def set_preset(self, name: str) -> None:
        """`none` is without. Setting the one that holds changes nothing. Raises NotFound `unknown_preset`."""
        if name != NO_PRESET:
            self.library.find(name)
        if name != self.preset_name:
            self._change(self._with_preset(name))

    def set_mask(self, mask: Mask | None) -> None:
        """The box's own mask, beside the preset's; None takes it away."""
        self._change(self._with_mask(mask))

    def preset_uncovers(self, name: str, *, now: Size | None) -> bool:
        """Whether that preset would show something that is masked now; `now` is the picture's size."""
        return uncovers(self.picture.spec, self._pictured(self._with_preset(name)).spec, now=now)

    def mask_uncovers(self, mask: Mask | None, *, now: Size | None) -> bool:
        return uncovers(self.picture.spec, self._pictured(self._with_mask(mask)).spec, now=now)

    def limits(self, rung: str) -> Limits:
        """What `set_bitrate` may be asked for. Raises NotFound (`unknown_rung`)."""
        configured = self._rung(rung)
        return self.picture.limits if rung == RungName.MAIN else Limits.of(configured)

    def sink(self, name: str) -> SinkSpec | None:
        return self._sinks.get(name)

    def _find(self, sink: str) -> SinkSpec:
        found = self._sinks.get(sink)
        if found is None:
            known = ", ".join(sorted(self._sinks))
            raise NotFound(f"sink: no output {sink!r}; there is {known}", code="unknown_sink")
        return found

    def _rung(self, name: str) -> ConfiguredRung:
        found = self._configured.rungs.get(name)
        if found is None:
            known = ", ".join(self._configured.rungs)
            raise NotFound(f"rung: no rung {name!r}; there is {known}", code="unknown_rung")
        return found

    def _with_preset(self, name: str) -> Overrides:
        by_command = SetPreset(name, over=self._configured.preset_fingerprint)
        return self._overrides.with_preset(by_command if name != self._configured.preset else None)

    def _with_mask(self, mask: Mask | None) -> Overrides:
        """Kept although it is as configured: it says that the mask is known, when what was kept is lost."""
        return self._overrides.with_mask(SetMask(mask, over=self._configured.mask_fingerprint))

    def _pictured(self, overrides: Overrides) -> PictureWish:
        return PictureWish.of(self._configured, overrides, self.library, lost=self._file_trouble)

    def _change(self, overrides: Overrides) -> None:
        if overrides == self._overrides:
            return
        self._file.keep(overrides)
        self._take(overrides)
        for listener in self._listeners:
            listener()

    def _take(self, overrides: Overrides) -> None:
        self._overrides = overrides
        self._sinks = _wanted_sinks(self._configured, overrides)
        self.picture = self._pictured(overrides)
        self._rungs = _wanted_rungs(overrides, {name: self.limits(name) for name in self._configured.rungs})
        locks = [sink.lock for name, sink in self._configured.sinks.items() if _stands(name, overrides)]
        sentences = [self._file_trouble, self.picture.trouble, *(lock.sentence for lock in locks if lock is not None)]
        self.trouble[:] = filter(None, sentences)  # the same list, since others look at it

    def _forget_outdated(self, names: Set[str]) -> None:
        """So that they do not come back with an old configuration; they hold no more even if this fails."""
        _LOG.warning("configuration changed, no longer as commands had set it: %s", ", ".join(sorted(names)))
        try:
            self._file.keep(self._overrides)
        except EdgeError as error:
            _LOG.warning("outdated wishes stay on disk: %s", error)


def _differs(spec: SinkSpec, configured: ConfiguredSink) -> bool:
    """Peers are the technician's alone."""
    as_configured = replace(spec, running=configured.spec.running, peers=configured.spec.peers)
    return configured.lock is not None or as_configured != configured.spec


def _stands(name: str, overrides: Overrides) -> bool:
    return name not in overrides.sinks and name not in overrides.removed


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
