"""A source that is another one when a command says so: the test pattern, or another of the configured ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edge.model.errors import Invalid, NotSupported, Unavailable
from edge.model.frame import Frame
from edge.model.picture import CaptureMode
from edge.model.signal import Signal, SignalState
from edge.ports import Faultable, Prefers, Source


class SwitchedSource:
    """A Source, Faultable and Prefers: all of it by the one that is chosen.

    `make` gives a source by name, not open, and raises Invalid where its configuration is wrong. `choose` may come
    from any thread: the thread that reads changes over at its next `read`, whose answer is then a Signal.
    """

    def __init__(self, *, make: Callable[[str], Source], chosen: str) -> None:
        self._make = make
        self._wanted = self._chosen = chosen
        self._modes: Sequence[CaptureMode] = ()
        self._source = make(chosen)
        self._opened = self._cut = False

    @property
    def name(self) -> str:
        return self._source.name

    def choose(self, name: str) -> None:
        """Nothing where it is chosen already."""
        self._wanted = name

    def open(self) -> None:
        if self._wanted != self._chosen:
            self._change_over()
        self._source.open()
        self._opened = True

    def read(self, timeout_s: float) -> Frame | Signal | None:
        if self._opened and self._wanted != self._chosen:
            self.close()
            self.open()
            self._cut = True
            return Signal(SignalState.NO_SIGNAL, "another source was chosen")
        taken = self._source.read(timeout_s)
        if self._cut and isinstance(taken, Frame):
            self._cut = False
            return taken.marked(discontinuity=True)
        return taken

    def signal(self) -> Signal:
        return self._source.signal()

    def close(self) -> None:
        self._opened = False
        self._source.close()

    def detail(self) -> Mapping[str, Any]:
        return {**self._source.detail(), "chosen": self._chosen}

    def prefer(self, modes: Sequence[CaptureMode]) -> None:
        self._modes = modes
        if isinstance(self._source, Prefers):
            self._source.prefer(modes)

    def fault(self, kind: str, seconds: float | None) -> None:
        """Raises NotSupported where the source is real."""
        if not isinstance(self._source, Faultable):
            raise NotSupported(f"the source {self.name} is real and takes no simulated faults")
        self._source.fault(kind, seconds)

    def _change_over(self) -> None:
        wanted = self._wanted
        try:
            self._source = self._make(wanted)
        except Invalid as error:  # the one before is closed: the slate says why, and another may be chosen
            raise Unavailable(str(error)) from error
        self._chosen = wanted
        self.prefer(self._modes)
