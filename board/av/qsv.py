"""H.264 and H.265 by an Intel graphics unit (Quick Sync), through FFmpeg (libavcodec/qsvenc.c).

FFmpeg can set the rate anew, but nobody has seen yet what the hardware makes of it: a new epoch until then.
"""

from __future__ import annotations

from board.av.library import Library, Wish, one_thread, wanted_bps
from edge.model.video import Codec, Pixel, Trait


def qsv_options(wish: Wish) -> dict[str, str]:
    """CBR (its maximum is its rate), one picture under way, every I picture an IDR."""
    return {
        "preset": "veryfast",
        "async_depth": "1",
        "low_delay_brc": "1",
        "look_ahead_depth": "0",
        "forced_idr": "1",
        "idr_interval": "0",
        "maxrate": str(wish.target.bitrate_bps),
        "bufsize": str(wish.buffer_bits),
        "slices": str(wish.target.slices),
    }


def h264_qsv_options(wish: Wish) -> dict[str, str]:
    return qsv_options(wish) | {"profile": "baseline", "look_ahead": "0"}


def hevc_qsv_options(wish: Wish) -> dict[str, str]:
    return qsv_options(wish) | {"profile": "main"}


_TRAITS = frozenset((Trait.SLICES,))
_MACHINE = "Intel Quick Sync encoder"
H264_QSV = Library(
    ffmpeg="h264_qsv",
    codec=Codec.H264,
    options=h264_qsv_options,
    opening_bps=wanted_bps,
    threads=one_thread,
    traits=_TRAITS,
    machine=_MACHINE,
    pixel=Pixel.NV12,
)
HEVC_QSV = Library(
    ffmpeg="hevc_qsv",
    codec=Codec.H265,
    options=hevc_qsv_options,
    opening_bps=wanted_bps,
    threads=one_thread,
    traits=_TRAITS,
    machine=_MACHINE,
    pixel=Pixel.NV12,
)
