"""The simulated board's source: a real frame cadence, real buffers, faults on request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from board.sim.cadence import Cadence
from board.sim.fault import NO_FAULT, FaultKind, Mode, SimFault, parse_fault
from board.sim.picture import Moment, Pattern, Sheet
from board.sim.pool import SheetPool
from board.sim.script import FaultScript
from board.sim.stage import FaultStage
from edge.model.errors import DeviceGone
from edge.model.frame import Frame, Stamps
from edge.model.signal import Signal, SignalState
from edge.model.video import Colorimetry, Pixel, VideoFormat
from edge.ports import Clock, Painter

_DETAILS = {
    SignalState.NO_DEVICE: "the simulated capture device is away",
    SignalState.NO_CABLE: "no cable is plugged in",
    SignalState.NO_SIGNAL: "the cable carries no signal",
    SignalState.NO_LOCK: "a signal is there but cannot be locked on",
    SignalState.OUT_OF_RANGE: "the signal's timings are out of range",
}
_SILENT = (FaultKind.NO_SIGNAL, FaultKind.NO_LOCK, FaultKind.NO_CABLE, FaultKind.OUT_OF_RANGE)


class SimSource:
    """A Source and Faultable. Raises Invalid for a mode that cannot be drawn.

    Each frame is drawn ahead and handed out at its deadline, which is its capture time. A late
    reader gets the newest frame that is due and a gap in `seq`; so does one that holds all
    `buffers`. `wait` sleeps up to so many seconds (tests pass their own).
    """

    def __init__(
        self,
        *,
        clock: Clock,
        painter: Painter,
        width: int = 1920,
        height: int = 1080,
        fps: Fraction | int = 60,
        colorimetry: Colorimetry = Colorimetry.BT709,
        grain: int = 0,
        script: FaultScript | None = None,
        buffers: int = 6,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        self._clock = clock
        self._painter = painter
        self._mode = Mode(width, height, Fraction(fps))
        self._colorimetry = colorimetry
        self._grain = grain
        self._buffers = buffers
        self._stage = FaultStage(script)
        self._changed = threading.Event()
        self._wait = wait or self._changed.wait
        self._opened = False
        self._generation = 0
        self._seq = -1
        self.dropped = 0
        self._fault: SimFault | None = None
        self._frozen: Moment | None = None
        self._shown: Moment | None = None
        self._format = self._format_of(NO_FAULT)
        self._restart(NO_FAULT, self._clock.mono_ns())

    @property
    def name(self) -> str:
        return "sim"

    def open(self) -> None:
        """Raises DeviceGone while the fault `gone` is on."""
        now = self._clock.mono_ns()
        self._stage.begin(now)
        if self._stage.at(now)[0].kind is FaultKind.GONE:
            raise DeviceGone(_DETAILS[SignalState.NO_DEVICE])
        self._opened = True
        self._fault = None

    def fault(self, kind: str, seconds: float | None) -> None:
        """Raises Invalid on an unknown kind, naming the allowed ones, and on a bad length."""
        self._stage.put(parse_fault(kind), seconds, self._clock.mono_ns())
        self._changed.set()

    def signal(self) -> Signal:
        fault, _ = self._stage.at(self._clock.mono_ns())
        if not self._opened and fault.kind is not FaultKind.GONE:
            return Signal(SignalState.NO_DEVICE, "the simulated capture device is not open")
        return self._signal_of(fault)

    def read(self, timeout_s: float) -> Frame | Signal | None:
        """Raises DeviceGone when the device is away or not open."""
        give_up_ns = self._clock.mono_ns() + round(timeout_s * 1e9)
        while True:
            self._changed.clear()
            now = self._clock.mono_ns()
            fault, change_ns = self._stage.at(now)
            news = self._adopt(fault, now)
            frame = self._next_frame(now)
            if frame is not None or news is not None:
                return frame or news
            if now >= give_up_ns:
                return self._signal_of(fault) if fault.kind in _SILENT else None
            wake_ns = min(ns for ns in (give_up_ns, change_ns, self._due_ns()) if ns is not None)
            if wake_ns > now:
                self._wait((wake_ns - now) / 1e9)

    def close(self) -> None:
        self._opened = False
        self._changed.set()

    def detail(self) -> Mapping[str, Any]:
        return {"driver": "sim", "mode": str(self._mode), "dropped": self.dropped}

    @property
    def _flowing(self) -> bool:
        return self._fault is not None and self._fault.kind not in (*_SILENT, FaultKind.STALL)

    def _adopt(self, fault: SimFault, now: int) -> Signal | None:
        """Follow a change of fault; the Signal when the change is news for the reader."""
        if not self._opened or fault.kind is FaultKind.GONE:
            self._opened = False
            raise DeviceGone(_DETAILS[SignalState.NO_DEVICE])
        if fault == self._fault:
            return None
        before, self._fault = self._fault, fault
        self._discard_ahead()
        self._frozen = self._shown if fault.kind is FaultKind.FREEZE else None
        if fault.kind in _SILENT:
            return self._signal_of(fault)
        if before is None or before.kind in _SILENT or self._format_of(fault) != self._format:
            self._restart(fault, now)
        return None

    def _restart(self, fault: SimFault, now: int) -> None:
        """A new lock: the cadence starts now, with new buffers when the mode is another."""
        wanted = self._format_of(fault)
        if wanted != self._format or self._generation == 0:
            self._format = wanted
            self._generation += 1
            self._pattern = Pattern(format=wanted, painter=self._painter, grain=self._grain)
            self._pool = SheetPool(picture=self._pattern, sheets=self._buffers, generation=self._generation)
            now = max(now, self._clock.mono_ns())
        self._cadence = Cadence(wanted.fps, start_ns=now)
        self._index = 0
        self._ahead: tuple[Sheet, Moment] | None = None
        self._discontinuity = True

    def _next_frame(self, now: int) -> Frame | None:
        """The newest frame that is due; else the next one is drawn ahead and None returned."""
        if not self._flowing:
            return None
        newest = self._cadence.newest_due(now)
        if newest < self._index:
            self._draw_ahead()
            return None
        if newest > self._index:
            self._skip(newest - self._index)
        self._draw_ahead()
        if self._ahead is None:
            self._skip(1)
            return None
        sheet, moment = self._ahead
        self._ahead = None
        return self._frame(sheet, moment)

    def _frame(self, sheet: Sheet, moment: Moment) -> Frame:
        captured_ns = self._cadence.due_ns(self._index)
        self._index += 1
        self._seq += 1
        self._shown = moment
        if self._fault is not None and self._fault.kind is FaultKind.FREEZE:
            self._frozen = moment
        cut, self._discontinuity = self._discontinuity, False
        return Frame(
            seq=self._seq,
            format=self._format,
            lease=self._pool.lend(sheet),
            stamps=Stamps(captured_ns=captured_ns, dequeued_ns=self._clock.mono_ns()),
            utc_ns=self._clock.utc_ns(captured_ns) if self._frozen else moment.utc_ns,
            discontinuity=cut,
        )

    def _draw_ahead(self) -> None:
        """Have the picture of the next frame ready; without a free buffer there is none."""
        if self._ahead is None and (sheet := self._pool.take()) is not None:
            moment = self._frozen or self._moment()
            self._pattern.draw(sheet, moment)
            self._ahead = (sheet, moment)

    def _moment(self) -> Moment:
        return Moment(self._clock.utc_ns(self._cadence.due_ns(self._index)), self._seq + 1)

    def _skip(self, frames: int) -> None:
        self._discard_ahead()
        self._index += frames
        self._seq += frames
        self.dropped += frames

    def _discard_ahead(self) -> None:
        if self._ahead is not None:
            self._pool.give_back(self._ahead[0])
            self._ahead = None

    def _due_ns(self) -> int | None:
        return self._cadence.due_ns(self._index) if self._flowing else None

    def _format_of(self, fault: SimFault) -> VideoFormat:
        mode = fault.mode or self._mode
        return VideoFormat(mode.width, mode.height, mode.fps, Pixel.YUV420P, self._colorimetry)

    def _signal_of(self, fault: SimFault) -> Signal:
        state = fault.signal_state
        if state is SignalState.LOCKED:
            return Signal(state, format=self._format_of(fault))
        return Signal(state, _DETAILS[state])
