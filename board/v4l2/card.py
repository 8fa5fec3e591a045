"""Who a video node is, and what it offers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import BufType, Cap, InputCap
from board.v4l2.abi.numbers import fourcc_text
from board.v4l2.abi.requests import Vidioc
from board.v4l2.node import Node, means_not_offered
from edge.model.picture import CaptureMode

_DISCRETE = 1  # V4L2_FRMSIZE_TYPE_DISCRETE, V4L2_FRMIVAL_TYPE_DISCRETE
_MANY = 256  # no driver enumerates more; one that never ends must not hold us


@dataclass(frozen=True, slots=True)
class Card:
    """`bus` as the driver says, such as `usb-0000:00:14.0-1`; `caps` are those of this very node."""

    driver: str
    name: str
    bus: str
    caps: Cap

    @property
    def captures(self) -> bool:
        return bool(self.caps & (Cap.VIDEO_CAPTURE | Cap.VIDEO_CAPTURE_MPLANE)) and bool(self.caps & Cap.STREAMING)

    @property
    def buf_type(self) -> BufType:
        """Single-planar where the driver offers both."""
        return BufType.VIDEO_CAPTURE if self.caps & Cap.VIDEO_CAPTURE else BufType.VIDEO_CAPTURE_MPLANE

    @property
    def converts(self) -> bool:
        """Memory to memory: a codec, a scaler."""
        both = (Cap.VIDEO_CAPTURE | Cap.VIDEO_OUTPUT, Cap.VIDEO_CAPTURE_MPLANE | Cap.VIDEO_OUTPUT_MPLANE)
        said = bool(self.caps & (Cap.VIDEO_M2M | Cap.VIDEO_M2M_MPLANE))
        return bool(self.caps & Cap.STREAMING) and (said or any(self.caps & pair == pair for pair in both))

    @property
    def needs_pipeline(self) -> bool:
        """Inputs, timings and EDID live on sub-devices, not on this node."""
        return bool(self.caps & Cap.IO_MC)


@dataclass(frozen=True, slots=True)
class InputPort:
    """One connector: `status` are V4L2_IN_ST_* bits, 0 when all is well or nothing is known."""

    index: int
    name: str
    caps: InputCap
    status: int


@dataclass(frozen=True, slots=True)
class FrameRate:
    """The fastest rate that a size is offered in."""

    width: int
    height: int
    fps: Fraction


def read_card(node: Node) -> Card:
    """Raises OSError, ENOTTY when it is no video node."""
    found = node.do(Vidioc.QUERYCAP, s.Capability())
    # `capabilities` is the union over all nodes of the device (rp1-cfe claims META_OUTPUT there)
    caps = found.device_caps if found.capabilities & Cap.DEVICE_CAPS else found.capabilities
    return Card(_text(found.driver), _text(found.card), _text(found.bus_info), Cap(caps))


def read_inputs(node: Node) -> tuple[InputPort, ...]:
    """Empty where the driver has no notion of inputs."""
    return tuple(
        InputPort(one.index, _text(one.name), InputCap(one.capabilities), one.status)
        for one in _enumerate(node, Vidioc.ENUMINPUT, lambda index: s.Input(index=index))
    )


def read_formats(node: Node, buf_type: BufType) -> tuple[str, ...]:
    """Four-letter codes in the driver's order."""
    found = _enumerate(node, Vidioc.ENUM_FMT, lambda index: s.v4l2_fmtdesc(index=index, type=buf_type))
    return tuple(fourcc_text(one.pixelformat) for one in found)


def read_rates(node: Node, pixelformat: int, modes: Sequence[CaptureMode] = ()) -> tuple[FrameRate, ...]:
    """Discrete sizes with their fastest rate; of a range of sizes those of `modes` that lie in it.

    Empty where the driver does not say.
    """
    sizes: list[tuple[int, int]] = []
    found = _enumerate(
        node, Vidioc.ENUM_FRAMESIZES, lambda index: s.FrameSizeEnum(index=index, pixel_format=pixelformat)
    )
    for one in found:
        if one.type == _DISCRETE:
            sizes.append((one.discrete.width, one.discrete.height))
        else:
            sizes += [(mode.width, mode.height) for mode in modes if _within(one.stepwise, mode)]
    rates = ((width, height, fastest(node, pixelformat, width, height)) for width, height in dict.fromkeys(sizes))
    return tuple(FrameRate(width, height, fps) for width, height, fps in rates if fps is not None)


def _within(sizes: s.FrameSizes, mode: CaptureMode) -> bool:
    across = range(sizes.min_width, sizes.max_width + 1)
    down = range(sizes.min_height, sizes.max_height + 1)
    return mode.width in across and mode.height in down


def fastest(node: Node, pixelformat: int, width: int, height: int) -> Fraction | None:
    """The highest frame rate of that size; None where the driver does not say."""
    intervals = _enumerate(
        node,
        Vidioc.ENUM_FRAMEINTERVALS,
        lambda index: s.v4l2_frmivalenum(index=index, pixel_format=pixelformat, width=width, height=height),
    )
    shortest = [one.discrete if one.type == _DISCRETE else one.stepwise.min for one in intervals]
    return max((Fraction(t.denominator, t.numerator) for t in shortest if t.numerator and t.denominator), default=None)


def _enumerate(node: Node, request: Vidioc, make: Callable[[int], Any]) -> Iterator[Any]:
    """Until the driver says EINVAL: no more; or ENOTTY, ENODATA: no such thing. Other errors are raised."""
    for index in range(_MANY):
        try:
            yield node.do(request, make(index))
        except OSError as error:
            if means_not_offered(error):
                return
            raise


def _text(raw: bytes) -> str:
    return raw.split(b"\0")[0].decode("utf-8", "replace")
