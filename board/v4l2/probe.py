"""One look at the input: is there a signal, is it locked, which mode has it."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import Cid, InputCap, InputStatus
from board.v4l2.abi.requests import Vidioc
from board.v4l2.card import InputPort, read_inputs
from board.v4l2.node import Node, means_gone
from board.v4l2.profile import CaptureProfile, Detect
from board.v4l2.timings import Timings, limits_of
from edge.model.signal import SignalState

_BUSY = frozenset((errno.EBUSY, errno.EINTR, errno.EAGAIN))
_STD_525_60 = 0xF900  # V4L2_STD_525_60: NTSC, PAL-M, PAL-60


@dataclass(frozen=True, slots=True)
class Reading:
    """What one look saw: `timings` of a digital signal, also out of range; `standard` (v4l2_std_id) of an analogue one.

    `detail` is a sentence for people.
    """

    state: SignalState
    detail: str = ""
    timings: Timings | None = None
    standard: int = 0

    @property
    def fps(self) -> Fraction | None:
        """Whole pictures a second, where the signal says so."""
        if self.timings is not None:
            return self.timings.fps
        if not self.standard:
            return None
        return Fraction(30000, 1001) if self.standard & _STD_525_60 else Fraction(25)

    @property
    def locked(self) -> bool:
        return self.state is SignalState.LOCKED

    def agrees(self, other: Reading) -> bool:
        """Whether both saw the same, up to the error of a receiver that measures the pixel clock."""
        if self.timings is None or other.timings is None:
            return self == other
        return self.state is other.state and self.timings.same_mode(other.timings)


_NO_SIGNAL = Reading(SignalState.NO_SIGNAL, "the cable carries no signal")
_NO_LOCK = Reading(SignalState.NO_LOCK, "a signal is there but the receiver cannot lock on to it")


class Prober:
    """Looks at one input. `node` is where timings are asked: the video node, or the bridge's sub-device."""

    def __init__(self, node: Node, *, profile: CaptureProfile, input_index: int, inputs: Sequence[InputPort]) -> None:
        self._node = node
        self._input = input_index
        self._power_bit = _power_bit(inputs, input_index)
        port = next((one for one in inputs if one.index == input_index), None)
        self.by_timings = profile.detect is Detect.TIMINGS and _has_timings(node, port)
        self._by_input = port is not None and profile.detect is not Detect.NONE

    def look(self) -> Reading | None:
        """None when the driver is busy and cannot say now. Raises OSError when the device is gone."""
        if self._no_power():
            return Reading(SignalState.NO_CABLE, "no 5 V from the source: its cable is out or it is off")
        if self.by_timings:
            return self._by_timings()
        if self._by_input:
            return self._by_status()
        return Reading(SignalState.LOCKED)

    def _no_power(self) -> bool:
        """Where the receiver can read the source's +5 V and sees none."""
        if self._power_bit is None:
            return False
        try:
            power = int(self._node.do(Vidioc.G_CTRL, s.v4l2_control(id=Cid.DV_RX_POWER_PRESENT)).value)
        except OSError as error:
            if means_gone(error):
                raise
            return False
        return not power >> self._power_bit & 1

    def _by_timings(self) -> Reading | None:
        seen = s.DvTimings()
        try:
            self._node.do(Vidioc.QUERY_DV_TIMINGS, seen)
        except OSError as error:
            return self._refused(error, Timings.of(seen))
        timings = Timings.of(seen)
        if not (timings.width and timings.height):
            return Reading(SignalState.NO_LOCK, "the driver reports a lock but no mode")
        return Reading(SignalState.LOCKED, timings=timings)

    def _refused(self, error: OSError, seen: Timings) -> Reading | None:
        """The error map of drivers; any answer that is not understood means that there are no timings."""
        if error.errno in _BUSY:
            return None
        if means_gone(error):
            raise error
        if error.errno == errno.ENOLCK:
            return _NO_LOCK
        if error.errno == errno.ERANGE:
            return self._out_of_range(seen)
        if error.errno in (errno.ENOLINK, errno.ENODATA):
            return _NO_SIGNAL
        return Reading(SignalState.NO_SIGNAL, f"the driver reports no timings: {os.strerror(error.errno or 0)}")

    def _out_of_range(self, seen: Timings) -> Reading:
        """The driver fills in what it saw beside ERANGE, where it can (VIDIOC_QUERY_DV_TIMINGS)."""
        if not (seen.width and seen.height):
            return Reading(
                SignalState.OUT_OF_RANGE,
                "the receiver cannot take this mode; it may be interlaced, too fast or too large",
            )
        limits = limits_of(self._node)
        reason = limits.why_not(seen) if limits is not None else ""
        return Reading(SignalState.OUT_OF_RANGE, reason or f"the receiver does not take {seen}", timings=seen)

    def _by_status(self) -> Reading | None:
        """ENUMINPUT's status bits, and the standard of an analogue signal."""
        port = next((one for one in read_inputs(self._node) if one.index == self._input), None)
        status = port.status if port is not None else 0
        if status & InputStatus.NO_POWER:
            return Reading(SignalState.NO_SIGNAL, "what is connected is switched off")
        if status & InputStatus.NO_SIGNAL:
            return _NO_SIGNAL
        if status & (InputStatus.NO_SYNC | InputStatus.NO_H_LOCK | InputStatus.NO_V_LOCK | InputStatus.NO_STD_LOCK):
            return _NO_LOCK
        if port is not None and port.caps & InputCap.STD:
            return self._by_standard()
        return Reading(SignalState.LOCKED)

    def _by_standard(self) -> Reading | None:
        standard = ctypes.c_uint64(0)
        try:
            self._node.kernel.ioctl(self._node.fd, Vidioc.QUERYSTD, standard)
        except OSError as error:
            if means_gone(error):
                raise
            return None if error.errno in _BUSY else Reading(SignalState.LOCKED)
        if not standard.value:
            return _NO_SIGNAL
        return Reading(SignalState.LOCKED, standard=standard.value)


def _power_bit(inputs: Sequence[InputPort], input_index: int) -> int | None:
    """V4L2_CID_DV_RX_POWER_PRESENT has one bit for each digital connector; a sub-device has one connector."""
    if not inputs:
        return 0
    digital = [port.index for port in inputs if port.caps & InputCap.DV_TIMINGS]
    return digital.index(input_index) if input_index in digital else None


def _has_timings(node: Node, port: InputPort | None) -> bool:
    """As the input says of itself; else whether the node knows the requests."""
    if port is not None and port.caps & (InputCap.DV_TIMINGS | InputCap.STD):
        return bool(port.caps & InputCap.DV_TIMINGS)
    if limits_of(node) is not None:
        return True
    try:
        node.do(Vidioc.QUERY_DV_TIMINGS, s.DvTimings())
    except OSError as error:
        return error.errno in (errno.ENOLINK, errno.ENOLCK, errno.ERANGE)
    return True
