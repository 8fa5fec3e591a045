"""What the box is wanted to do: configuration plus what commands and documents changed, kept over restarts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Set
from pathlib import Path

from edge.app.configured import WEBRTC, Configured
from edge.app.overrides import Overrides
from edge.app.overrides_file import OverridesFile
from edge.app.picture_wish import Limits, PictureWish
from edge.app.wanted import Wanted
from edge.config.model import Config
from edge.modality.library import Library
from edge.model.errors import EdgeError
from edge.model.inputs import TEST_PATTERN, Input, input_of
from edge.model.picture import Mask, PictureSpec, Size
from edge.model.sink import MediaPlan, SinkSpec
from edge.vault.seal import Sealer

__all__ = ("WEBRTC", "Wishes")

_LOG = logging.getLogger(__name__)


class Wishes:
    """Every change is on disk, sealed, before it is obeyed; then `on_change` is told of it.

    Only the difference to the configuration is kept, and each part of it only for as long as
    the technician leaves the configured entry as it is. The constructor raises nothing: an
    output whose configuration is wrong is locked, which `trouble` says in a sentence.

    Every change raises, and then has changed nothing: what `Wanted` says, and Unavailable
    (`storage_failed`, `key_file`) or Fault (`key_exposed`, `key_broken`) when it cannot be kept.
    """

    def __init__(self, *, config: Config, path: Path, sealer: Sealer, library: Library) -> None:
        self._configured = Configured.of(config)
        self.library = library
        self._file = OverridesFile(path=path, sealer=sealer)
        self._listeners: list[Callable[[], None]] = []
        self.trouble: list[str] = []
        self.test_pattern = False
        kept, self._file_trouble = self._file.load()
        self._take(kept.holding_over(self._configured))
        if self.wanted.overrides != kept:
            self._forget_outdated(kept.names - self.wanted.overrides.names)
        for sentence in self.trouble:
            _LOG.error("%s", sentence)

    def on_change(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)

    @property
    def plan(self) -> MediaPlan:
        """Of all inputs, with the picture of the first."""
        return MediaPlan(
            sinks=tuple(self.wanted.sinks.values()),
            rungs=self.wanted.rungs,
            picture=self.picture.spec,
            log_level=self.wanted.log_level,
            source=self._source(),
        )

    def plan_for(self, input: str) -> MediaPlan:
        """All that is wanted of that input's media process."""
        return MediaPlan(
            sinks=tuple(sink for sink in self.wanted.sinks.values() if input_of(sink.rung) == input),
            rungs=tuple(rung for rung in self.wanted.rungs if input_of(rung.name) == input),
            picture=self.picture_of(input),
            log_level=self.wanted.log_level,
            source=self._source() if input == Input.MAIN else "",
        )

    def picture_of(self, input: str) -> PictureSpec:
        """Preset and commands are about the first input's picture; another one's is as configured."""
        if input == Input.MAIN:
            return self.picture.spec
        mask = self._configured.second_mask
        return PictureSpec(masks=() if mask is None else (mask,), freeze_after_ms=self._configured.freeze_after_ms)

    @property
    def picture(self) -> PictureWish:
        return self.wanted.picture

    @property
    def rungs(self) -> tuple[str, ...]:
        """Those that the box has."""
        return tuple(self._configured.rungs)

    @property
    def webrtc_running(self) -> bool:
        return self.wanted.sinks[WEBRTC].running

    def set_running(self, sink: str, running: bool) -> None:
        self.adopt(self.wanted.running(sink, running))

    def set_sink(self, spec: SinkSpec) -> None:
        self.adopt(self.wanted.sink_set(spec))

    def remove_sink(self, sink: str) -> None:
        self.adopt(self.wanted.sink_removed(sink))

    def set_bitrate(self, rung: str, bitrate_bps: int) -> None:
        self.adopt(self.wanted.bitrate(rung, bitrate_bps))

    def set_preset(self, name: str) -> None:
        self.adopt(self.wanted.preset(name))

    def set_mask(self, mask: Mask | None) -> None:
        self.adopt(self.wanted.mask(mask))

    def set_log_level(self, level: str) -> None:
        self.adopt(self.wanted.logged(level))

    def set_source(self, kind: str) -> None:
        self.adopt(self.wanted.sourced(kind))

    def set_test_pattern(self, on: bool) -> None:
        """Instead of the first input's pictures. Not kept: a box that starts anew shows the imaging device."""
        if on != self.test_pattern:
            self.test_pattern = on
            self._tell()

    @property
    def preset_name(self) -> str:
        return self.wanted.preset_name

    def preset_uncovers(self, name: str, *, now: Size | None) -> bool:
        """Whether that preset would show something that is masked now; `now` is the picture's size.
        Raises NotFound `unknown_preset`."""
        return self.wanted.uncovered_by(self.wanted.preset(name), now=now)

    def mask_uncovers(self, mask: Mask | None, *, now: Size | None) -> bool:
        return self.wanted.uncovered_by(self.wanted.mask(mask), now=now)

    def limits(self, rung: str) -> Limits:
        """What `set_bitrate` may be asked for. Raises NotFound (`unknown_rung`)."""
        return self.wanted.limits(rung)

    def sink(self, name: str) -> SinkSpec | None:
        return self.wanted.sinks.get(name)

    @property
    def blank(self) -> Wanted:
        """As if no command and no document had ever come."""
        return self.wanted.with_overrides(Overrides())

    def adopt(self, overrides: Overrides) -> None:
        """Keep these, whole, and obey them."""
        if overrides == self.wanted.overrides:
            return
        self._file.keep(overrides)
        self._take(overrides)
        self._tell()

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()

    def _source(self) -> str:
        return TEST_PATTERN if self.test_pattern else self.wanted.source

    def _take(self, overrides: Overrides) -> None:
        self.wanted = Wanted(
            configured=self._configured, overrides=overrides, library=self.library, lost=self._file_trouble
        )
        locks = [sink.lock for name, sink in self._configured.sinks.items() if _stands(name, overrides)]
        sentences = [self._file_trouble, self.picture.trouble, *(lock.sentence for lock in locks if lock is not None)]
        self.trouble[:] = filter(None, sentences)  # the same list, since others look at it

    def _forget_outdated(self, names: Set[str]) -> None:
        """So that they do not come back with an old configuration; they hold no more even if this fails."""
        _LOG.warning("configuration changed, no longer as commands had set it: %s", ", ".join(sorted(names)))
        try:
            self._file.keep(self.wanted.overrides)
        except EdgeError as error:
            _LOG.warning("outdated wishes stay on disk: %s", error)


def _stands(name: str, overrides: Overrides) -> bool:
    return name not in overrides.sinks and name not in overrides.removed
