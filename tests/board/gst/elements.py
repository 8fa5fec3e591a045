"""Encoder elements that run on any machine, as a board profile would describe them."""

from __future__ import annotations

from dataclasses import replace

from board.av.planes import PlaneIntake
from board.gst.encoder import GstEncoder
from edge.model.board import EncoderFact, EncoderKind, GstElement, GstProperty
from edge.model.video import Codec, Pixel
from edge.ports import Clock
from edge.runtime.clock import SystemClock

X264 = GstElement(
    element="x264enc",
    after="video/x-h264,profile=constrained-baseline",
    pixel=Pixel.YUV420P,
    fixed={
        "pass": "cbr",
        "tune": "zerolatency",
        "speed-preset": "ultrafast",
        "threads": 1,
        "bframes": 0,
        "aud": False,
        "byte-stream": True,
        "option-string": "scenecut=0:slices={slices}",
    },
    refresh={"option-string": "scenecut=0:slices={slices}:intra-refresh=1"},  # its property makes no IDR on demand
    bitrate=GstProperty("bitrate", 0.001, live=True),
    gop=(GstProperty("key-int-max"),),
    buffer_ms=GstProperty("vbv-buf-capacity"),
)
_X265 = (
    "scenecut=0:open-gop=0:repeat-headers=1:bframes=0:rc-lookahead=0:frame-threads=1:aud=0:info=0:"
    "vbv-maxrate={bitrate_kbps}:vbv-bufsize={buffer_kbit}"
)
X265 = GstElement(
    element="x265enc",
    pixel=Pixel.YUV420P,
    fixed={
        "tune": "zerolatency",
        "speed-preset": "ultrafast",
        "log-level": "none",
        "option-string": _X265,
    },
    refresh={"option-string": f"{_X265}:intra-refresh=1:constrained-intra=1"},
    bitrate=GstProperty("bitrate", 0.001),
    gop=(GstProperty("key-int-max"),),
)


def x264(**changes: object) -> EncoderFact:
    return EncoderFact("gst-x264", EncoderKind.GST, gst=replace(X264, **changes))  # type: ignore[arg-type]


def x265(**changes: object) -> EncoderFact:
    return EncoderFact("gst-x265", EncoderKind.GST, codec=Codec.H265, gst=replace(X265, **changes))  # type: ignore[arg-type]


def encoder_of(fact: EncoderFact, *, clock: Clock | None = None) -> GstEncoder:
    return GstEncoder(fact=fact, make_intake=PlaneIntake, clock=clock or SystemClock())
