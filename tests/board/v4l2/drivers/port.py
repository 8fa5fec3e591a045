"""An HDMI port with the requests that go with it: EDID, DV timings, +5 V, events. Drivers build on it."""

from __future__ import annotations

import ctypes
import errno
from collections.abc import Callable
from fractions import Fraction

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import DV_BT_656_1120, EDID_BLOCK_BYTES, Cid, EventType, InputCap, InputStatus
from board.v4l2.abi.requests import Vidioc
from tests.board.v4l2.drivers.kernel import FakeKernel, FakeNode, OpenFile, Request, refuse
from tests.board.v4l2.drivers.modes import TABLE, Mode, copy_timings, same_timings

_MOST_BLOCKS = 8
_CAMERA = 2  # V4L2_INPUT_TYPE_CAMERA


class HdmiPort:
    """What is at the connector. `hpd` tells the source that it may send; a subclass says when it rises.

    `limits`: least and greatest width, height and pixel clock in Hz, as DV_TIMINGS_CAP tells them.
    """

    limits = (640, 1920, 350, 1200, 13_000_000, 165_000_000)
    capabilities = 0b1110  # progressive, reduced blanking, custom: not interlaced
    max_blocks = _MOST_BLOCKS

    def __init__(self, kernel: FakeKernel, *, start: s.DvTimings) -> None:
        self.kernel = kernel
        self.power = False
        self.source: Mode | None = None
        self.in_sync = True
        self.hpd = False
        self.edid = b""
        self.timings = start
        self.busy: Callable[[], bool] = lambda: False
        self._nodes: list[FakeNode] = []
        self.requests: dict[Request, Callable[[OpenFile, object], None]] = {
            Vidioc.QUERY_DV_TIMINGS: self._query,  # type: ignore[dict-item]
            Vidioc.G_DV_TIMINGS: self._get,  # type: ignore[dict-item]
            Vidioc.S_DV_TIMINGS: self._set,  # type: ignore[dict-item]
            Vidioc.ENUM_DV_TIMINGS: self._enum,  # type: ignore[dict-item]
            Vidioc.DV_TIMINGS_CAP: self._cap,  # type: ignore[dict-item]
            Vidioc.G_EDID: self._get_edid,  # type: ignore[dict-item]
            Vidioc.S_EDID: self._set_edid,  # type: ignore[dict-item]
            Vidioc.G_CTRL: self._get_control,  # type: ignore[dict-item]
            Vidioc.S_CTRL: self._set_control,  # type: ignore[dict-item]
            Vidioc.SUBSCRIBE_EVENT: self._subscribe,  # type: ignore[dict-item]
            Vidioc.UNSUBSCRIBE_EVENT: self._unsubscribe,  # type: ignore[dict-item]
            Vidioc.DQEVENT: lambda file, into: file.events.take(into),  # type: ignore[arg-type]
        }

    def serve(self, node: FakeNode) -> None:
        """That node answers our requests and gets our events."""
        node.requests |= self.requests
        self._nodes.append(node)

    @property
    def mode(self) -> Mode | None:
        """What arrives: nothing without a cable, a source, or leave to send."""
        return self.source if self.power and self.hpd else None

    @property
    def locked(self) -> bool:
        """Whether what arrives is what the receiver is set to."""
        mode = self.mode
        return mode is not None and self.in_sync and same_timings(self.report(mode), self.timings)

    def plug(self, mode: Mode | None) -> None:
        self.power, self.source = True, mode
        self.changed()

    def unplug(self) -> None:
        self.power, self.source = False, None
        self.changed()

    def cable(self, on: bool) -> None:
        self.power = on
        self.changed()

    def sync(self, on: bool) -> None:
        self.in_sync = on
        self.changed()

    def changed(self) -> None:
        """Something at the connector is not as before."""
        self.tell(EventType.SOURCE_CHANGE)

    def edid_written(self) -> None:
        self.hpd = bool(self.edid) and self.power

    def tell(self, type: EventType, id: int = 0) -> None:
        for node in self._nodes:
            for file in node.files:
                file.events.put(type, id)

    def report(self, mode: Mode) -> s.DvTimings:
        """How this receiver describes a mode."""
        return mode.exact()

    def power_seen(self) -> bool:
        return self.power

    def takes(self, timings: s.DvTimings) -> bool:
        bt, (least_w, most_w, least_h, most_h, least_hz, most_hz) = timings.bt, self.limits
        if bt.interlaced and not self.capabilities & 1:
            return False
        if not (least_w <= bt.width <= most_w and least_h <= bt.height <= most_h):
            return False
        return bool(least_hz <= bt.pixelclock <= most_hz)

    def no_signal(self) -> int:
        """The errno of QUERY_DV_TIMINGS when nothing arrives."""
        return errno.ENOLINK

    def setting_changed(self) -> None:
        """The timings were set to others."""

    def check_settable(self, timings: s.DvTimings) -> None:
        if not self.takes(timings):
            raise refuse(errno.ERANGE)

    def _query(self, file: OpenFile, into: s.DvTimings) -> None:
        mode = self.mode
        copy_timings(s.DvTimings(), into)
        if mode is None:
            raise refuse(self.no_signal())
        if not self.in_sync:
            raise refuse(errno.ENOLCK)
        copy_timings(self.report(mode), into)  # also with ERANGE: the request copies always
        if not self.takes(into):
            raise refuse(errno.ERANGE)

    def _get(self, file: OpenFile, into: s.DvTimings) -> None:
        copy_timings(self.timings, into)

    def _set(self, file: OpenFile, wish: s.DvTimings) -> None:
        if same_timings(wish, self.timings):
            return
        self.check_settable(wish)
        if self.busy():
            raise refuse(errno.EBUSY)
        self.timings = s.DvTimings.from_buffer_copy(bytes(wish))
        self.setting_changed()

    def _enum(self, file: OpenFile, into: s.EnumDvTimings) -> None:
        offered = [mode.exact() for mode in TABLE if self.takes(mode.exact())]
        if into.pad or into.index >= len(offered):
            raise refuse(errno.EINVAL)
        into.timings = offered[into.index]

    def _cap(self, file: OpenFile, into: s.DvTimingsCap) -> None:
        if into.pad:
            raise refuse(errno.EINVAL)
        into.type = DV_BT_656_1120
        bt = into.bt
        bt.min_width, bt.max_width, bt.min_height, bt.max_height, bt.min_pixelclock, bt.max_pixelclock = self.limits
        bt.capabilities = self.capabilities

    def _get_edid(self, file: OpenFile, into: s.Edid) -> None:
        if into.pad:
            raise refuse(errno.EINVAL)
        there = len(self.edid) // EDID_BLOCK_BYTES
        if not into.start_block and not into.blocks:
            into.blocks = there
            return
        if not there:
            raise refuse(errno.ENODATA)
        if into.start_block >= there or not into.blocks:
            raise refuse(errno.EINVAL)
        into.blocks = min(into.blocks, there - into.start_block)
        first = into.start_block * EDID_BLOCK_BYTES
        content = self.edid[first : first + into.blocks * EDID_BLOCK_BYTES]
        ctypes.memmove(into.edid, content, len(content))

    def _set_edid(self, file: OpenFile, given: s.Edid) -> None:
        if given.pad or given.start_block:
            raise refuse(errno.EINVAL)
        if given.blocks > self.max_blocks:
            given.blocks = self.max_blocks
            raise refuse(errno.E2BIG)
        self.edid = ctypes.string_at(given.edid, given.blocks * EDID_BLOCK_BYTES) if given.blocks else b""
        self.edid_written()

    def _get_control(self, file: OpenFile, into: s.v4l2_control) -> None:
        if into.id != Cid.DV_RX_POWER_PRESENT:
            raise refuse(errno.EINVAL)
        into.value = int(self.power_seen())

    def _set_control(self, file: OpenFile, wish: s.v4l2_control) -> None:
        raise refuse(errno.EACCES if wish.id == Cid.DV_RX_POWER_PRESENT else errno.EINVAL)

    def _subscribe(self, file: OpenFile, wish: s.EventSubscription) -> None:
        known = (EventType.SOURCE_CHANGE, 0), (EventType.CTRL, Cid.DV_RX_POWER_PRESENT)
        if (wish.type, wish.id) not in known:
            raise refuse(errno.EINVAL)
        file.events.subscribe(wish.type, wish.id)

    def _unsubscribe(self, file: OpenFile, wish: s.EventSubscription) -> None:
        file.events.unsubscribe(wish.type, wish.id)


class Connector:
    """What a test does at a driver's connector."""

    port: HdmiPort
    fps: Fraction

    def plug(self, mode: Mode | None) -> None:
        """The cable goes in, from a source that sends that (None: that is on but sends nothing)."""
        self.port.plug(mode)
        if mode is not None:
            self.fps = mode.fps

    def unplug(self) -> None:
        """Cable out, source off."""
        self.port.unplug()

    def cable(self, on: bool) -> None:
        """The cable goes out or in; the source goes on as it was."""
        self.port.cable(on)

    def sync(self, on: bool) -> None:
        """Whether the receiver can lock on to what arrives."""
        self.port.sync(on)


class InputRequests:
    """One input, whose status follows the port."""

    def __init__(self, port: HdmiPort, *, name: str) -> None:
        self._port = port
        self._name = name

    def serve(self, node: FakeNode) -> None:
        node.requests |= {
            Vidioc.ENUMINPUT: self._enum,
            Vidioc.G_INPUT: self._get,
            Vidioc.S_INPUT: self._set,
        }  # type: ignore[assignment]

    def _enum(self, file: OpenFile, into: s.Input) -> None:
        if into.index:
            raise refuse(errno.EINVAL)
        into.name, into.type, into.capabilities = self._name.encode(), _CAMERA, InputCap.DV_TIMINGS
        if self._port.mode is None:
            into.status = InputStatus.NO_SIGNAL
        else:
            into.status = 0 if self._port.in_sync else InputStatus.NO_SYNC

    def _get(self, file: OpenFile, into: ctypes.c_int) -> None:
        into.value = 0

    def _set(self, file: OpenFile, wish: ctypes.c_int) -> None:
        if wish.value:
            raise refuse(errno.EINVAL)
