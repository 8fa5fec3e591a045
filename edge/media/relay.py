"""Another rung's units for the receivers of one that has no encode of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from edge.media.keyframe_gate import KeyframeGate
from edge.model.feedback import KeyframeRequest
from edge.model.frame import AccessUnit
from edge.model.video import StreamFormat


class Relay:
    """Passes on from a keyframe on, while it is on. `offer` comes from the other rung's thread."""

    def __init__(
        self, *, name: str, own_gate: KeyframeGate, other_gate: KeyframeGate, publish: Callable[[AccessUnit], None]
    ) -> None:
        self._name = name
        self._own_gate = own_gate
        self._other_gate = other_gate
        self._publish = publish
        self._lock = threading.Lock()
        self._flowing = self._asked = False
        self._theirs: StreamFormat | None = None
        self._ours: StreamFormat | None = None
        self.reason = ""

    @property
    def on(self) -> bool:
        return bool(self.reason)

    def start(self, reason: str) -> None:
        with self._lock:
            self.reason = reason

    def stop(self) -> None:
        """Nothing is passed on any more when it returns."""
        with self._lock:
            self.reason = ""
            self._flowing = self._asked = False

    def offer(self, unit: AccessUnit) -> None:
        with self._lock:
            if not self.reason:
                return
            if unit.key:
                self._own_gate.note_keyframe()
                self._flowing, self._asked = True, False
            elif not self._asked and self._own_gate.take():
                self._other_gate.request(KeyframeRequest(self._name, "shared"))
                self._asked = True
            if self._flowing:
                self._publish(self._renamed(unit))

    def _renamed(self, unit: AccessUnit) -> AccessUnit:
        """For a receiver it is of the rung that it asked for; one format object per epoch."""
        if unit.format is not self._theirs or self._ours is None:
            self._theirs, self._ours = unit.format, replace(unit.format, rung=self._name)
        return replace(unit, format=self._ours)
