"""The formats of both sides of an encoder node, as they are asked for and as the driver grants them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import (
    PIX_FMT_PRIV_MAGIC,
    SELECT_CROP,
    BufType,
    Cap,
    Colorspace,
    Field,
    Quantization,
    YcbcrEnc,
)
from board.v4l2.abi.numbers import fourcc, fourcc_text
from board.v4l2.abi.requests import Vidioc
from board.v4l2.card import Card
from board.v4l2.codec_queue import broken
from board.v4l2.layout import Kind, Layout
from board.v4l2.node import Node, means_not_offered
from edge.model.errors import NotSupported
from edge.model.video import Colorimetry, Range, VideoFormat

_COLOURS = {
    Colorimetry.BT709: (Colorspace.REC709, YcbcrEnc.BT709),
    Colorimetry.BT601: (Colorspace.SMPTE170M, YcbcrEnc.BT601),
    Colorimetry.BT2020: (Colorspace.BT2020, YcbcrEnc.BT2020),
    Colorimetry.SYCC: (Colorspace.SRGB, YcbcrEnc.BT601),
}
_RANGES = {Range.LIMITED: Quantization.LIMITED, Range.FULL: Quantization.FULL}


@dataclass(frozen=True, slots=True)
class Sides:
    """The buffer types of a node: `raw` takes pictures (the kernel's OUTPUT), `coded` gives the encoded ones."""

    raw: BufType
    coded: BufType

    @classmethod
    def of(cls, card: Card) -> Sides:
        if card.caps & (Cap.VIDEO_M2M_MPLANE | Cap.VIDEO_OUTPUT_MPLANE):
            return cls(BufType.VIDEO_OUTPUT_MPLANE, BufType.VIDEO_CAPTURE_MPLANE)
        return cls(BufType.VIDEO_OUTPUT, BufType.VIDEO_CAPTURE)


@dataclass(frozen=True, slots=True)
class _Granted:
    code: int
    size: tuple[int, int]
    strides: tuple[int, ...]
    sizes: tuple[int, ...]


def agree_on_raw(node: Node, sides: Sides, kind: Kind, video: VideoFormat, *, stride: int = 0) -> Layout:
    """Pictures of that kind, size and colours; with `stride` bytes a row, where the driver can, 0 for its own.

    A driver may round the size up: then the visible part is selected. Raises NotSupported (`other_size`, with both
    sizes) where it makes something else of it, EncoderFailed.
    """
    wish = s.Format(type=sides.raw)
    fmt = wish.pix_mp if sides.raw.multiplanar else wish.pix
    fmt.width, fmt.height, fmt.pixelformat, fmt.field = video.width, video.height, kind.number, Field.NONE
    fmt.colorspace, fmt.ycbcr_enc = _COLOURS[video.colorimetry]
    fmt.quantization = _RANGES[video.range]
    _set_first_plane(wish, sides.raw, stride=stride)
    if sides.raw.multiplanar:
        wish.pix_mp.num_planes = kind.buffers
    got = _set(node, wish, sides.raw)
    if got.code != kind.number or len(got.strides) != kind.buffers:
        raise NotSupported(f"{node.path} takes {fourcc_text(got.code)} for {kind.code}")
    if got.size != (video.width, video.height):
        _select_visible(node, sides.raw, got.size, video)
    layout = Layout(kind, *got.size, got.strides, got.sizes)
    layout.check()
    return layout


def agree_on_coded(node: Node, sides: Sides, code: str, video: VideoFormat, *, room_bytes: int) -> None:
    """That codec, in buffers of at least `room_bytes` where the driver lets us choose. Raises NotSupported."""
    wish = s.Format(type=sides.coded)
    fmt = wish.pix_mp if sides.coded.multiplanar else wish.pix
    fmt.width, fmt.height, fmt.pixelformat, fmt.field = video.width, video.height, fourcc(code), Field.NONE
    if sides.coded.multiplanar:
        wish.pix_mp.num_planes = 1
    _set_first_plane(wish, sides.coded, size=room_bytes)
    got = _set(node, wish, sides.coded)
    if got.code != fourcc(code):
        raise NotSupported(f"{node.path} makes {fourcc_text(got.code)}, not {code}")


def set_rate(node: Node, sides: Sides, fps: Fraction) -> bool:
    """Tell the rate control how often pictures come; False where the driver does not ask."""
    parm = s.v4l2_streamparm(type=sides.raw)
    parm.parm.output.timeperframe.numerator = fps.denominator
    parm.parm.output.timeperframe.denominator = fps.numerator
    try:
        node.do(Vidioc.S_PARM, parm)
    except OSError as error:
        if means_not_offered(error):
            return False
        raise broken(node, "S_PARM", error) from error
    return True


def _set_first_plane(wish: s.Format, buf_type: BufType, *, stride: int = 0, size: int = 0) -> None:
    if buf_type.multiplanar:
        wish.pix_mp.plane_fmt[0].bytesperline, wish.pix_mp.plane_fmt[0].sizeimage = stride, size
    else:
        wish.pix.bytesperline, wish.pix.sizeimage, wish.pix.priv = stride, size, PIX_FMT_PRIV_MAGIC


def _set(node: Node, wish: s.Format, buf_type: BufType) -> _Granted:
    """Raises NotSupported where the driver refuses the format, EncoderFailed on other refusals."""
    fmt = wish.pix_mp if buf_type.multiplanar else wish.pix
    asked = f"{fourcc_text(fmt.pixelformat)} {fmt.width}x{fmt.height}"
    try:
        node.do(Vidioc.S_FMT, wish)
    except OSError as error:
        if means_not_offered(error):
            raise NotSupported(f"{node.path} refuses {asked}") from error
        raise broken(node, f"S_FMT {buf_type.name} {asked}", error) from error
    if not buf_type.multiplanar:
        return _Granted(fmt.pixelformat, (fmt.width, fmt.height), (fmt.bytesperline,), (fmt.sizeimage,))
    planes = fmt.plane_fmt[: fmt.num_planes]
    strides, sizes = tuple(p.bytesperline for p in planes), tuple(p.sizeimage for p in planes)
    return _Granted(fmt.pixelformat, (fmt.width, fmt.height), strides, sizes)


def _select_visible(node: Node, buf_type: BufType, coded: tuple[int, int], video: VideoFormat) -> None:
    """Of what the driver has rounded up (V4L2's stateful encoder interface: the crop of OUTPUT is what is visible)."""
    refusal = NotSupported(
        f"{node.path} encodes {coded[0]}x{coded[1]} instead of {video.width}x{video.height}", code="other_size"
    )
    if coded[0] < video.width or coded[1] < video.height:
        raise refusal
    single = BufType.VIDEO_OUTPUT if buf_type.multiplanar else buf_type  # drivers of before 4.13 know only this one
    wish = s.Selection(type=single, target=SELECT_CROP)
    wish.r.width, wish.r.height = video.width, video.height
    try:
        node.do(Vidioc.S_SELECTION, wish)
    except OSError as error:
        raise refusal from error
    if (wish.r.left, wish.r.top, wish.r.width, wish.r.height) != (0, 0, video.width, video.height):
        raise refusal
