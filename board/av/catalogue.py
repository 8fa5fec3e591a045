"""The encoders of FFmpeg that we can drive, by their name there."""

from __future__ import annotations

from board.av.encoder import AvEncoder
from board.av.library import Library
from board.av.nvenc import H264_NVENC, HEVC_NVENC
from board.av.qsv import H264_QSV, HEVC_QSV
from board.av.x264 import X264
from board.av.x265 import X265
from edge.model.board import EncoderFact
from edge.model.errors import NotSupported
from edge.ports import Encoder

LIBRARIES: tuple[Library, ...] = (X264, X265, H264_NVENC, HEVC_NVENC, H264_QSV, HEVC_QSV)


def make_av_encoder(fact: EncoderFact, *, speed: str) -> Encoder:
    """The encoder of that fact, not open. `speed` matters to software only.

    Raises NotSupported for a library that we cannot drive, or that makes another codec than the fact says.
    """
    library = next((one for one in LIBRARIES if one.ffmpeg == fact.library), None)
    if library is None:
        known = ", ".join(one.ffmpeg for one in LIBRARIES)
        raise NotSupported(f"encoder {fact.name}: {fact.library!r} is none of {known}")
    if library.codec is not fact.codec:
        raise NotSupported(f"encoder {fact.name}: {fact.library} makes {library.codec}, not {fact.codec}")
    return AvEncoder(library, name=fact.name, speed=speed)
