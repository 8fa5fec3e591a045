"""Streams of x264, with and without a VUI, say afterwards what they are told to say, and decode as before."""

from __future__ import annotations

import itertools
import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from edge.model.annexb import START_CODE
from edge.model.errors import Invalid
from edge.model.sps_vui import say_colours
from edge.model.video import Colorimetry, Range, VideoFormat
from tests.board.kit import run
from tests.contract.encoder_contract import SIGNALLED

VIDEO = VideoFormat(322, 242, Fraction(30))
OPTIONS = {
    "no vui": {"profile": "baseline"},
    "high profile": {"profile": "high"},
    "main, pictures before": {"profile": "main", "bf": "2"},
    "scaling lists": {"profile": "high", "x264-params": "cqm=jvt"},
    "aspect and overscan": {"profile": "high", "aspect": "10:11", "x264-params": "overscan=crop:sar=10/11"},
    "extended aspect": {"x264-params": "sar=101/100"},
    "other colours": {"x264-params": "colorprim=bt470bg:transfer=linear:colormatrix=fcc:range=pc:videoformat=pal"},
    "range alone": {"x264-params": "range=pc"},
    "hrd": {"maxrate": "1M", "bufsize": "1M", "b": "1M", "x264-params": "nal-hrd=vbr"},
    "4:4:4": {"profile": "high444"},
}


def stream(options: dict[str, str]) -> bytes:
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height = VIDEO.width, VIDEO.height
    context.pix_fmt = "yuv444p" if options.get("profile") == "high444" else "yuv420p"
    context.time_base, context.framerate = Fraction(1, 30), Fraction(30)
    context.options = {"preset": "ultrafast", **options}
    rng = np.random.default_rng(3)
    found = b""
    for index in range(4):
        noise = rng.integers(16, 235, (VIDEO.height, VIDEO.width, 3), dtype=np.uint8)
        frame = av.VideoFrame.from_ndarray(noise, format="rgb24").reformat(format=context.pix_fmt)
        frame.pts = index
        found += b"".join(bytes(packet) for packet in context.encode(frame))
    return found + b"".join(bytes(packet) for packet in context.encode(None))


def shown(data: bytes, folder: Path) -> dict[str, object]:
    (folder / "one.h264").write_bytes(data)
    text = run("ffprobe", ["-v", "error", "-show_streams", "-of", "json", str(folder / "one.h264")])
    return dict(json.loads(text)["streams"][0])


def decoded(data: bytes) -> bytes:
    return run("ffmpeg", ["-v", "error", "-f", "h264", "-i", "-", "-f", "rawvideo", "-"], stdin=data)


@pytest.mark.peer
@pytest.mark.parametrize("name", OPTIONS)
def test_any_stream_says_what_it_is_told_and_decodes_as_before(name: str, tmp_path: Path) -> None:
    before = stream(OPTIONS[name])
    after = say_colours(before, VIDEO)
    told = shown(after, tmp_path)
    assert tuple(told[f"color_{part}"] for part in ("primaries", "transfer", "space")) == SIGNALLED[VIDEO.colorimetry]
    assert told["color_range"] == "tv"
    was = shown(before, tmp_path)
    for unchanged in ("width", "height", "profile", "level", "sample_aspect_ratio", "pix_fmt", "has_b_frames"):
        wanted = "yuv420p" if (unchanged, was.get(unchanged)) == ("pix_fmt", "yuvj420p") else was.get(unchanged)
        assert told.get(unchanged) == wanted
    assert decoded(after) == decoded(before)


@pytest.mark.peer
@pytest.mark.parametrize(("colorimetry", "reach"), list(itertools.product(Colorimetry, Range)))
def test_every_colorimetry_and_range(colorimetry: Colorimetry, reach: Range, tmp_path: Path) -> None:
    video = VideoFormat(320, 240, Fraction(30), colorimetry=colorimetry, range=reach)
    told = shown(say_colours(stream({"profile": "baseline"}), video), tmp_path)
    assert tuple(told[f"color_{part}"] for part in ("primaries", "transfer", "space")) == SIGNALLED[colorimetry]
    assert told["color_range"] == ("tv" if reach is Range.LIMITED else "pc")


def test_saying_it_twice_changes_nothing_more() -> None:
    once = say_colours(stream({"profile": "baseline"}), VIDEO)
    assert say_colours(once, VIDEO) == once


def test_what_has_no_parameter_set_is_left_as_it_is() -> None:
    data = START_CODE + b"\x65\x88\x84" + START_CODE + b"\x41\x9a"
    assert say_colours(data, VIDEO) == data
    assert say_colours(b"", VIDEO) == b""


@pytest.mark.parametrize(
    "payload", [b"", b"\x42", b"\x42\xc0\x29", b"\x42\xc0\x29\x00\x00\x00\x00", b"\x64\x00\x28" + b"\xff" * 3]
)
def test_parameter_set_that_ends_too_early_is_invalid(payload: bytes) -> None:
    with pytest.raises(Invalid, match="ends too early") as refused:
        say_colours(START_CODE + b"\x67" + payload + START_CODE + b"\x65\x88", VIDEO)
    assert refused.value.code == "bad_parameter_set"
