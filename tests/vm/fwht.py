"""FWHT, vicodec's codec, to the encoder client: its header (struct fwht_cframe_hdr) and the controls that it has."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from board.v4l2.abi.codes import Cid
from board.v4l2.coding import GARBAGE, Picture
from board.v4l2.control_set import ControlSet, ControlWish
from edge.model.errors import EncoderFailed
from edge.model.video import EncodeTarget, VideoFormat

_HEADER = struct.Struct(">II9I")
_MAGIC = (0x4F4F4F4F, 0xFFFFFFFF)
_I_FRAME = 1 << 10  # V4L2_FWHT_FL_I_FRAME
_QP = 2  # of 1..31: nearly without loss, so that pictures can be compared


@dataclass(frozen=True, slots=True)
class FwhtHeader:
    """`size` counts the bytes after the header."""

    width: int
    height: int
    key: bool
    colorspace: int
    size: int

    @classmethod
    def of(cls, data: bytes) -> FwhtHeader:
        """Raises EncoderFailed `encoder_garbage`."""
        if len(data) < _HEADER.size:
            raise EncoderFailed(f"{len(data)} bytes are no FWHT picture", code=GARBAGE)
        magic1, magic2, _, width, height, flags, colorspace, _, _, _, size = _HEADER.unpack_from(data)
        if (magic1, magic2) != _MAGIC or size != len(data) - _HEADER.size:
            raise EncoderFailed(f"{len(data)} bytes are no FWHT picture", code=GARBAGE)
        return cls(width, height, bool(flags & _I_FRAME), colorspace, size)


class Fwht:
    """A `Coding`. A keyframe is told by the header: vicodec sets no buffer flag when it encodes."""

    @property
    def code(self) -> str:
        return "FWHT"

    def set_up(self, controls: ControlSet, video: VideoFormat, target: EncodeTarget) -> None:
        controls.apply(ControlWish(Cid.MPEG_VIDEO_GOP_SIZE, max(1, round(target.gop_s * video.fps))))
        controls.apply(ControlWish(Cid.FWHT_I_FRAME_QP, _QP))
        controls.apply(ControlWish(Cid.FWHT_P_FRAME_QP, _QP))
        controls.apply(ControlWish(Cid.MPEG_VIDEO_BITRATE, target.bitrate_bps))

    def picture(self, data: bytes) -> Picture | None:
        return Picture(FwhtHeader.of(data).key, data)
