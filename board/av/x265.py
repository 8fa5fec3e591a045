"""H.265 in software: libx265 at no delay.

FFmpeg cannot change its rate while it runs, and with more than one slice it holds each picture back for one
more (x265's zero latency asks for a single slice): it has neither trait.
"""

from __future__ import annotations

from board.av.library import AUTO, Library, Wish, one_thread, wanted_bps
from edge.model.video import Codec, Refresh, Trait


def x265_options(wish: Wish) -> dict[str, str]:
    return {
        "preset": "ultrafast" if wish.speed == AUTO else wish.speed,
        "tune": "zerolatency",
        "profile": "main",
        "forced-idr": "1",
        "maxrate": str(wish.target.bitrate_bps),
        "bufsize": str(wish.buffer_bits),
        "x265-params": ":".join(f"{name}={value}" for name, value in _parameters(wish)),
    }


def _parameters(wish: Wish) -> list[tuple[str, str | int]]:
    parameters: list[tuple[str, str | int]] = [
        ("log-level", "none"),
        ("info", 0),
        ("annexb", 1),
        ("aud", 0),
        ("repeat-headers", 1),
        ("open-gop", 0),
        ("scenecut", 0),
        ("bframes", 0),
        ("rc-lookahead", 0),
        ("frame-threads", 1),
    ]
    if wish.target.refresh is Refresh.INTRA:  # without constrained prediction a loss creeps back into what has healed
        parameters += [("intra-refresh", 1), ("constrained-intra", 1)]
    return [*parameters, ("pools", wish.threads)] if wish.threads else parameters


X265 = Library(
    ffmpeg="libx265",
    codec=Codec.H265,
    options=x265_options,
    opening_bps=wanted_bps,
    threads=one_thread,  # frame threads, each of which is a frame of delay; the pool takes what cores there are
    traits=frozenset((Trait.INTRA_REFRESH,)),
)
