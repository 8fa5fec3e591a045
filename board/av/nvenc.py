"""H.264 and H.265 by an NVIDIA graphics card, through FFmpeg (libavcodec/nvenc.c).

FFmpeg resets the encoder and forces an IDR when the rate changes while it runs: no live bitrate then.
"""

from __future__ import annotations

from board.av.library import Library, Wish, one_thread, wanted_bps
from edge.model.video import Codec, Pixel, Refresh, Trait


def nvenc_options(wish: Wish) -> dict[str, str]:
    """Fastest preset, one picture in, its unit out; the refresh period is the GOP length."""
    return {
        "preset": "p1",
        "tune": "ull",
        "zerolatency": "1",
        "delay": "0",
        "rc": "cbr",
        "rc-lookahead": "0",
        "no-scenecut": "1",
        "forced-idr": "1",
        "maxrate": str(wish.target.bitrate_bps),
        "bufsize": str(wish.buffer_bits),
        "slices": str(wish.target.slices),
        "intra-refresh": str(int(wish.target.refresh is Refresh.INTRA)),
    }


def h264_nvenc_options(wish: Wish) -> dict[str, str]:
    return nvenc_options(wish) | {"profile": "baseline"}


def hevc_nvenc_options(wish: Wish) -> dict[str, str]:
    return nvenc_options(wish) | {"profile": "main"}


_TRAITS = frozenset((Trait.INTRA_REFRESH, Trait.SLICES))
_MACHINE = "NVIDIA encoder"
H264_NVENC = Library(
    ffmpeg="h264_nvenc",
    codec=Codec.H264,
    options=h264_nvenc_options,
    opening_bps=wanted_bps,
    threads=one_thread,
    traits=_TRAITS,
    machine=_MACHINE,
    pixel=Pixel.NV12,
)
HEVC_NVENC = Library(
    ffmpeg="hevc_nvenc",
    codec=Codec.H265,
    options=hevc_nvenc_options,
    opening_bps=wanted_bps,
    threads=one_thread,
    traits=_TRAITS,
    machine=_MACHINE,
    pixel=Pixel.NV12,
)
