"""The opened receiver: its stream node, its timings node, its input, its EDID."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from board.edid.agreement import agrees
from board.v4l2.abi.codes import InputCap, MbusCode
from board.v4l2.abi.requests import Vidioc
from board.v4l2.abi.structs import Capability
from board.v4l2.card import Card, InputPort, read_card, read_formats, read_inputs
from board.v4l2.edid_memory import read_edid, write_edid
from board.v4l2.events import Happened, subscribe, take_events
from board.v4l2.kernel import Kernel
from board.v4l2.layout import KINDS, Kind
from board.v4l2.node import Node, gone, means_gone, means_not_offered
from board.v4l2.pipeline import Pipeline
from board.v4l2.probe import Prober, Reading
from board.v4l2.profile import CaptureProfile, profile_for
from board.v4l2.refusal import why
from board.v4l2.timings import limits_of, set_timings
from edge.model.errors import NotSupported

_BUS_CODES: Mapping[str, MbusCode] = {  # what travels on the bus for each format that a pipeline can give
    "UYVY": MbusCode.UYVY8_1X16,
    "RGB3": MbusCode.RGB888_1X24,
    "BGR3": MbusCode.BGR888_1X24,
}
_ONLY = (InputPort(0, "the only one", InputCap(0), 0),)


@dataclass(frozen=True, slots=True)
class ReceiverWish:
    """`edid_for` gives what a driver's EDID memory shall hold; empty: it keeps what it has.

    `kinds`: pixel formats to try, the preferred ones first; empty: all that are known.
    """

    input_index: int | None = None
    edid_for: Callable[[CaptureProfile], bytes] = lambda profile: b""
    kinds: tuple[str, ...] = ()


class Receiver:
    """Opens in the constructor; raises DeviceGone, NotSupported when the node does not capture video."""

    def __init__(
        self, path: str, *, kernel: Kernel, profiles: Mapping[str, CaptureProfile], wish: ReceiverWish
    ) -> None:
        self._wish = wish
        self._pipeline: Pipeline | None = None
        self.stream_node = Node(path, kernel=kernel)
        self.timings_node = self.stream_node
        try:
            self.card = self._identify()
            self.profile = profile_for(profiles, self.card.driver)
            self._edid = wish.edid_for(self.profile)
            if self.card.needs_pipeline and self.profile.bridge:
                self._follow_pipeline(kernel)
            self.inputs = read_inputs(self.stream_node)
            self.input_index = self._choose_input()
            self.kinds = self._kinds()
            self.edid_note = self._load_edid(force=False)
            self.has_events = subscribe(self.timings_node, self.input_index)
            self._prober = Prober(
                self.timings_node,
                profile=self.profile,
                input_index=self.input_index,
                inputs=self.inputs,
            )
        except OSError as error:
            self.close()
            raise gone(path, "cannot be set up", error) from error
        except Exception:
            self.close()
            raise

    @property
    def path(self) -> str:
        """Of the node that gives the pictures."""
        return self.stream_node.path

    @property
    def by_timings(self) -> bool:
        return self._prober.by_timings

    def look(self) -> Reading | None:
        """Raises OSError when the device is gone."""
        return self._prober.look()

    def events(self) -> Happened:
        """Raises OSError when the device is gone."""
        return take_events(self.timings_node)

    def adopt(self, reading: Reading) -> None:
        """Set the receiver to the mode that it saw. One that follows by itself refuses: well.

        Raises NotSupported with the reason for a mode beyond the receiver's own limits; OSError.
        """
        try:
            if reading.timings is not None:
                set_timings(self.timings_node, reading.timings)
            elif reading.standard:
                self.timings_node.kernel.ioctl(self.timings_node.fd, Vidioc.S_STD, ctypes.c_uint64(reading.standard))
        except OSError as error:
            if not means_not_offered(error):
                raise
            limits = limits_of(self.timings_node)
            reason = limits.why_not(reading.timings) if limits is not None and reading.timings is not None else ""
            if reason:
                raise NotSupported(f"{self.path}: {reason}") from error

    def configure(self, kind: Kind, width: int, height: int) -> None:
        """Bring what lies between the connector and the stream node to one format; nothing where there is nothing.

        Raises NotSupported, DeviceGone (`pipeline_refused`).
        """
        if self._pipeline is not None:
            self._pipeline.configure(width, height, _BUS_CODES[kind.code])

    def why_no_start(self, error: OSError) -> str:
        """The refusal to stream, for people."""
        if self._pipeline is not None:
            return self._pipeline.diagnose(error)
        return f"{self.path}: capture does not start: {why(error)}"

    def reset(self) -> None:
        """Take the source's hot-plug line down and up again by writing the EDID anew, so that it negotiates again."""
        with contextlib.suppress(OSError):
            self.edid_note = self._load_edid(force=True)

    def check_alive(self) -> None:
        """Raises OSError when the device has gone."""
        self.stream_node.do(Vidioc.QUERYCAP, Capability())

    def close(self) -> None:
        self.stream_node.close()
        if self.timings_node is not self.stream_node:
            self.timings_node.close()

    def _identify(self) -> Card:
        try:
            card = read_card(self.stream_node)
        except OSError as error:
            if means_gone(error):
                raise
            raise NotSupported(f"{self.path} is not a video device") from error
        if not card.captures:
            raise NotSupported(f"{self.path} ({card.name}) does not capture video")
        return card

    def _follow_pipeline(self, kernel: Kernel) -> None:
        """Whichever node of the receiver was opened, the pictures come from one, and the timings from the bridge."""
        pipeline = Pipeline.find(kernel, driver=self.card.driver, bridge=self.profile.bridge, bus=self.card.bus)
        self.stream_node.close()
        self.stream_node = self.timings_node = Node(pipeline.stream_path, kernel=kernel)
        self.timings_node = Node(pipeline.timings_path, kernel=kernel)
        self._pipeline = pipeline

    def _choose_input(self) -> int:
        """The wished input, selected only when it is not yet: some drivers begin anew with each selection."""
        wanted = self._wish.input_index
        if wanted not in (None, *(port.index for port in self.inputs or _ONLY)):
            raise NotSupported(f"{self.path} has no input {wanted}; there is {_listed(self.inputs or _ONLY)}")
        if not self.inputs:
            return 0
        current = self.stream_node.do_int(Vidioc.G_INPUT, 0)
        return current if wanted in (None, current) else self.stream_node.do_int(Vidioc.S_INPUT, wanted or 0)

    def _kinds(self) -> tuple[Kind, ...]:
        """Formats that both sides know, the wished ones first. Raises NotSupported when there is none."""
        offered = read_formats(self.stream_node, self.card.buf_type)
        order: Sequence[str] = self._wish.kinds or tuple(KINDS)
        passes = KINDS if self._pipeline is None else _BUS_CODES
        found = tuple(KINDS[code] for code in order if code in offered and code in passes)
        if not found:
            wanted = f"none of {', '.join(self._wish.kinds)}" if self._wish.kinds else "none that is known"
            raise NotSupported(f"{self.path} offers {', '.join(offered) or 'no format'}: {wanted}")
        return found

    def _load_edid(self, *, force: bool) -> str:
        """What was done, for status. A receiver without EDID memory says so and goes on."""
        if not (self._edid or force):
            return "as it was"
        node, pad = self.timings_node, self.input_index
        try:
            there = read_edid(node, pad)
            wanted = self._edid or there
            if not wanted or (agrees(there, wanted) and not force):
                return "as wanted"
            write_edid(node, pad, wanted)
            there = read_edid(node, pad)
        except OSError as error:
            if means_gone(error):
                raise
            return f"not written: {_edid_refusal(error)}"
        return "written" if agrees(there, wanted) else "written, but reads back otherwise"


def _edid_refusal(error: OSError) -> str:
    reasons = {
        errno.ENOTTY: "this receiver has no EDID memory",
        errno.E2BIG: "it has more blocks than this receiver's memory",
        errno.EBUSY: "the driver takes none while it streams",
        errno.EINVAL: "the driver refuses its content, or has no EDID memory for this input",
        errno.EPERM: "the EDID of this receiver is fixed",
    }
    return reasons.get(error.errno or 0, os.strerror(error.errno or 0))


def _listed(inputs: Sequence[InputPort]) -> str:
    return ", ".join(f"{port.index} ({port.name})" for port in inputs)
