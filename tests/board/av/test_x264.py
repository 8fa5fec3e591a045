from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from board.av.library import AUTO, Wish
from board.av.x264 import X264, X264Encoder, x264_speed
from edge.model.errors import NotSupported
from edge.model.video import EncodeTarget, Refresh, VideoFormat
from edge.ports import Retarget
from tests.board.av.wishes import VIDEO, wish
from tests.board.kit import frame_of
from tests.contract.encoder_contract import busy_picture

_VIDEO = VideoFormat(320, 240, Fraction(30))
_TARGET = EncodeTarget(1_000_000, 4_000_000)


def test_it_names_itself() -> None:
    assert (X264Encoder().name, X264Encoder().hardware) == ("x264", False)


def test_an_unknown_speed_is_not_supported_by_name() -> None:
    with pytest.raises(NotSupported, match="'warp'"):
        X264Encoder(speed="warp").open(_VIDEO, _TARGET)


def test_a_size_beyond_the_encoder_is_not_supported() -> None:
    with pytest.raises(NotSupported, match="100000x64"):
        X264Encoder().open(replace(_VIDEO, width=100_000, height=64), _TARGET)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_each_thread_makes_one_slice(threads: int) -> None:
    encoder = X264Encoder(threads=threads)
    encoder.open(_VIDEO, _TARGET)
    unit = encoder.encode(frame_of(busy_picture(_VIDEO, 0), _VIDEO, 0), force_key=False)[0]
    assert unit.data.count(b"\x00\x00\x01\x65") + unit.data.count(b"\x00\x00\x01\x25") == threads


def test_slices_and_threads_go_together_only_where_there_are_threads() -> None:
    large = replace(VIDEO, fps=Fraction(120))
    asked = [(video, slices) for video in (VIDEO, large) for slices in (1, 4)]
    assert [X264.threads(wish(video=video, slices=slices)) for video, slices in asked] == [1, 1, 2, 4]


def test_it_is_opened_as_cbr_a_little_above_the_ceiling_with_the_ceilings_buffer() -> None:
    options = X264.options(wish())
    assert X264.opening_bps(wish()) == int(options["maxrate"]) == 28_000_000
    assert options["bufsize"] == "1000000"


def test_a_turn_of_intra_refresh_is_no_keyframe_though_ffmpeg_says_so() -> None:
    encoder = X264Encoder()
    encoder.open(_VIDEO, replace(_TARGET, gop_s=0.2, refresh=Refresh.INTRA))
    units = [encoder.encode(frame_of(busy_picture(_VIDEO, i), _VIDEO, i), force_key=False)[0] for i in range(20)]
    turns = [index for index, unit in enumerate(units) if b"\x00\x00\x01\x67" in unit.data]
    assert len(turns) > 1, "the parameter sets of a turn show where FFmpeg sees a keyframe"
    assert [index for index, unit in enumerate(units) if unit.key] == [0]


def test_a_retarget_before_open_needs_an_epoch() -> None:
    assert X264Encoder().retarget(_TARGET) is Retarget.NEEDS_NEW_EPOCH


@pytest.mark.parametrize(
    ("width", "height", "fps", "speed"),
    [
        (1920, 1080, 30, "superfast"),
        (1280, 720, 60, "superfast"),
        (1920, 1080, 50, "ultrafast"),
        (3840, 2160, 30, "ultrafast"),
    ],
)
def test_automatic_speed_is_what_keeps_up_at_that_size_and_rate(width: int, height: int, fps: int, speed: str) -> None:
    video = VideoFormat(width, height, Fraction(fps))
    assert x264_speed(Wish(video, EncodeTarget(8_000_000, 8_000_000), AUTO)) == speed
    assert x264_speed(Wish(video, EncodeTarget(8_000_000, 8_000_000), "veryfast")) == "veryfast"
