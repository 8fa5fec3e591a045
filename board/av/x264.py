"""H.264 in software: libx264 set up for live pictures and for browsers, in Constrained Baseline."""

from __future__ import annotations

from board.av.encoder import AvEncoder
from board.av.library import AUTO, Library, Wish
from board.av.rate_trim import headroom
from edge.model.video import Codec, Refresh, Trait

_ONE_THREAD_PIXELS_PER_S = 1920 * 1088 * 60
_SUPERFAST_PIXELS_PER_S = 1920 * 1088 * 30


def x264_opening_bps(wish: Wish) -> int:
    """The ceiling and what `RateTrim` needs above it: only what was opened as CBR may have its rate set anew."""
    return round(wish.target.max_bitrate_bps * headroom(wish.target.vbv_frames))


def x264_speed(wish: Wish) -> str:
    """What keeps 60 pictures a second of that size in one thread, measured: docs/quality.md."""
    if wish.speed != AUTO:
        return wish.speed
    return "superfast" if wish.pixels_per_s <= _SUPERFAST_PIXELS_PER_S else "ultrafast"


def x264_options(wish: Wish) -> dict[str, str]:
    return {
        "preset": x264_speed(wish),
        "tune": "zerolatency",
        "profile": "baseline",
        "forced-idr": "1",
        "maxrate": str(x264_opening_bps(wish)),
        "bufsize": str(wish.buffer_bits),
        "slices": str(wish.target.slices),
        "intra-refresh": str(int(wish.target.refresh is Refresh.INTRA)),
        "x264-params": "scenecut=0:repeat-headers=1:annexb=1",
    }


def x264_threads(wish: Wish) -> int:
    """Up to 1080p60 one, above it two; each thread makes a slice, so more than one must be as many as the slices."""
    easy = wish.pixels_per_s <= _ONE_THREAD_PIXELS_PER_S
    threads = wish.threads or (1 if easy else 2)
    return threads if threads == 1 else max(threads, wish.target.slices)


X264 = Library(
    ffmpeg="libx264",
    codec=Codec.H264,
    options=x264_options,
    opening_bps=x264_opening_bps,
    threads=x264_threads,
    traits=frozenset((Trait.LIVE_BITRATE, Trait.INTRA_REFRESH, Trait.SLICES)),
    trimmed=True,
)


class X264Encoder(AvEncoder):
    """libx264 under the name that status has for it. `threads` 0 takes one up to 1080p60 and two above."""

    def __init__(self, *, speed: str = "ultrafast", threads: int = 0) -> None:
        super().__init__(X264, name="x264", speed=speed, threads=threads)
