"""What a driver's colour fields mean, by the rules of V4L2 (V4L2_MAP_*_DEFAULT in videodev2.h)."""

from __future__ import annotations

from board.v4l2.abi.codes import Colorspace, Quantization, YcbcrEnc
from edge.model.video import Colorimetry, Range

_HD_LINES = 720
_ENC_OF = {  # V4L2_MAP_YCBCR_ENC_DEFAULT; every other colour space has the matrix of BT.601
    Colorspace.REC709: YcbcrEnc.BT709,
    Colorspace.DCI_P3: YcbcrEnc.BT709,
    Colorspace.BT2020: YcbcrEnc.BT2020,
    Colorspace.SMPTE240M: YcbcrEnc.SMPTE240M,
}
_BT601_PRIMARIES = frozenset((Colorspace.SMPTE170M, Colorspace.SMPTE240M, Colorspace.M_470, Colorspace.BG_470))


def colours_of(
    colorspace: int, ycbcr_enc: int, quantization: int, *, rgb: bool, jpeg: bool, height: int
) -> tuple[Colorimetry, Range]:
    """Colorimetry and range of a capture format.

    A driver that says nothing (DEFAULT, RAW) is taken as BT.709 from 720 lines up. For RGB the
    colorimetry is the one in which it is to be encoded, since RGB has no matrix of its own.
    JPEG is full range with the matrix of BT.601 by definition (JFIF).
    """
    if jpeg:
        return Colorimetry.SYCC, Range.FULL
    space = colorspace if colorspace not in (Colorspace.DEFAULT, Colorspace.RAW) else _unsaid(rgb=rgb, height=height)
    if rgb:
        reach = Range.LIMITED if quantization == Quantization.LIMITED else Range.FULL
        return (Colorimetry.BT2020 if space == Colorspace.BT2020 else Colorimetry.BT709), reach
    return _matrix(space, ycbcr_enc), Range.FULL if _full(space, quantization) else Range.LIMITED


def _unsaid(*, rgb: bool, height: int) -> Colorspace:
    if rgb:
        return Colorspace.SRGB
    return Colorspace.REC709 if height >= _HD_LINES else Colorspace.SMPTE170M


def _matrix(space: int, ycbcr_enc: int) -> Colorimetry:
    enc = ycbcr_enc or _ENC_OF.get(
        Colorspace(space) if space in set(Colorspace) else Colorspace.DEFAULT, YcbcrEnc.BT601
    )
    if enc in (YcbcrEnc.BT2020, YcbcrEnc.BT2020_CONST):
        return Colorimetry.BT2020
    if enc in (YcbcrEnc.BT709, YcbcrEnc.XV709, YcbcrEnc.SMPTE240M):  # 240M's coefficients are nearest to these
        return Colorimetry.BT709
    return Colorimetry.BT601 if space in _BT601_PRIMARIES else Colorimetry.SYCC


def _full(space: int, quantization: int) -> bool:
    if quantization in (Quantization.FULL, Quantization.LIMITED):
        return quantization == Quantization.FULL
    return space == Colorspace.JPEG  # V4L2_MAP_QUANTIZATION_DEFAULT for Y'CbCr
