"""What is asked of controls: levels by Annex A, buffers, intra-refresh and slices where a driver has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import pytest

from board.v4l2.abi.codes import Cid, H264Level, HevcLevel
from board.v4l2.control_set import ControlSet
from board.v4l2.encoder_wishes import apply_wishes, h264_level, hevc_level, traits_of
from board.v4l2.node import Node
from edge.model.video import Codec, EncodeTarget, Refresh, Trait, VideoFormat
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.bcm2835_codec import ENCODE
from tests.board.v4l2.drivers.codec import CodecNode
from tests.board.v4l2.drivers.codec_controls import Control, menu
from tests.board.v4l2.drivers.kernel import FakeKernel

VIDEO = VideoFormat(1920, 1080, Fraction(30))
TARGET = EncodeTarget(4_000_000, 8_000_000, gop_s=2.0, vbv_frames=3.0)
ANY = Control(0, 1 << 30, 7)
SLICES = {
    Cid.MPEG_VIDEO_MULTI_SLICE_MODE: menu(0, 1, 2, default=0),
    Cid.MPEG_VIDEO_MULTI_SLICE_MAX_MB: ANY,
}


def left(controls: Mapping[Cid, Control], target: EncodeTarget, codec: Codec = Codec.H264) -> dict[Cid, int]:
    """The values of these controls afterwards."""
    kernel = FakeKernel(clock=HandClock())
    node = CodecNode(kernel, replace(ENCODE, controls=controls))
    kernel.add("/dev/video0", node)
    with Node("/dev/video0", kernel=kernel) as opened:
        apply_wishes(ControlSet(opened), codec, VIDEO, target)
        return next(iter(node._contexts.values())).controls.values


def traits(controls: Mapping[Cid, Control]) -> frozenset[Trait]:
    kernel = FakeKernel(clock=HandClock())
    kernel.add("/dev/video0", CodecNode(kernel, replace(ENCODE, controls=controls)))
    with Node("/dev/video0", kernel=kernel) as opened:
        return traits_of(ControlSet(opened))


@pytest.mark.parametrize(
    ("width", "height", "fps", "bps", "level"),
    [
        (640, 480, 30, 2_000_000, H264Level.L4_0),
        (1920, 1080, 30, 8_000_000, H264Level.L4_0),
        (1920, 1080, 30, 30_000_000, H264Level.L4_1),
        (1920, 1080, 50, 8_000_000, H264Level.L4_2),
        (1920, 1080, 60, 8_000_000, H264Level.L4_2),
        (1920, 1200, 60, 8_000_000, H264Level.L5_0),
        (3840, 2160, 30, 20_000_000, H264Level.L5_1),
        (3840, 2160, 60, 20_000_000, H264Level.L5_2),
        (7680, 4320, 60, 20_000_000, H264Level.L5_2),
    ],
)
def test_h264_level_is_the_least_from_4_up(width: int, height: int, fps: int, bps: int, level: H264Level) -> None:
    assert h264_level(VideoFormat(width, height, Fraction(fps)), EncodeTarget(bps, bps)) is level


@pytest.mark.parametrize(
    ("width", "height", "fps", "bps", "level"),
    [
        (1920, 1080, 30, 8_000_000, HevcLevel.L4),
        (1920, 1080, 60, 8_000_000, HevcLevel.L4_1),
        (1920, 1080, 60, 22_000_000, HevcLevel.L5),
        (3840, 2160, 60, 20_000_000, HevcLevel.L5_1),
    ],
)
def test_hevc_level(width: int, height: int, fps: int, bps: int, level: HevcLevel) -> None:
    assert hevc_level(VideoFormat(width, height, Fraction(fps)), EncodeTarget(bps, bps)) is level


def test_buffers_of_the_rate_control_hold_the_ceilings_frames() -> None:
    known = dict.fromkeys((Cid.MPEG_VIDEO_VBV_SIZE, Cid.MPEG_VIDEO_VBV_DELAY, Cid.MPEG_VIDEO_H264_CPB_SIZE), ANY)
    assert left(known, TARGET) == {
        Cid.MPEG_VIDEO_VBV_SIZE: 100,  # kB: 8 Mbit/s for three frames at 30
        Cid.MPEG_VIDEO_VBV_DELAY: 100,
        Cid.MPEG_VIDEO_H264_CPB_SIZE: 100,
    }


def test_a_profile_that_is_not_there_is_replaced_by_the_nearest() -> None:
    assert left({Cid.MPEG_VIDEO_H264_PROFILE: menu(0, 2, 4, default=4)}, TARGET) == {Cid.MPEG_VIDEO_H264_PROFILE: 0}
    assert left({Cid.MPEG_VIDEO_H264_PROFILE: menu(2, 4, default=4)}, TARGET) == {Cid.MPEG_VIDEO_H264_PROFILE: 2}


def test_hevc_has_controls_of_its_own() -> None:
    known = {Cid.MPEG_VIDEO_HEVC_LEVEL: menu(*range(13), default=0), Cid.MPEG_VIDEO_H264_LEVEL: menu(0, 11, default=0)}
    assert left(known, TARGET, Codec.H265) == {Cid.MPEG_VIDEO_HEVC_LEVEL: 5, Cid.MPEG_VIDEO_H264_LEVEL: 0}


def test_regular_keyframes_where_they_are_wanted() -> None:
    known = {Cid.MPEG_VIDEO_GOP_SIZE: ANY, Cid.MPEG_VIDEO_INTRA_REFRESH_PERIOD: ANY}
    assert left(known, TARGET) == {Cid.MPEG_VIDEO_GOP_SIZE: 60, Cid.MPEG_VIDEO_INTRA_REFRESH_PERIOD: 7}


def test_intra_refresh_takes_a_gop_for_a_turn_and_leaves_keyframes_out() -> None:
    known = {
        Cid.MPEG_VIDEO_GOP_SIZE: ANY,
        Cid.MPEG_VIDEO_INTRA_REFRESH_PERIOD: ANY,
        Cid.MPEG_VIDEO_INTRA_REFRESH_PERIOD_TYPE: menu(0, 1, default=0),
    }
    assert left(known, replace(TARGET, refresh=Refresh.INTRA)) == {
        Cid.MPEG_VIDEO_GOP_SIZE: 108_000,
        Cid.MPEG_VIDEO_INTRA_REFRESH_PERIOD: 60,
        Cid.MPEG_VIDEO_INTRA_REFRESH_PERIOD_TYPE: 1,
    }


def test_intra_refresh_by_macroblocks_covers_the_picture_in_a_turn() -> None:
    known = {Cid.MPEG_VIDEO_CYCLIC_INTRA_REFRESH_MB: ANY}
    assert left(known, replace(TARGET, refresh=Refresh.INTRA)) == {Cid.MPEG_VIDEO_CYCLIC_INTRA_REFRESH_MB: 136}


def test_intra_refresh_that_is_not_there_leaves_regular_keyframes() -> None:
    known = {Cid.MPEG_VIDEO_GOP_SIZE: ANY}
    assert left(known, replace(TARGET, refresh=Refresh.INTRA)) == {Cid.MPEG_VIDEO_GOP_SIZE: 60}


def test_slices_are_whole_rows_of_macroblocks() -> None:
    assert left(SLICES, replace(TARGET, slices=4)) == {
        Cid.MPEG_VIDEO_MULTI_SLICE_MODE: 1,
        Cid.MPEG_VIDEO_MULTI_SLICE_MAX_MB: 17 * 120,
    }
    assert left(SLICES, TARGET)[Cid.MPEG_VIDEO_MULTI_SLICE_MODE] == 0


def test_traits_are_what_the_controls_show() -> None:
    assert traits({}) == frozenset()
    assert traits({Cid.MPEG_VIDEO_BITRATE: ANY}) == {Trait.LIVE_BITRATE}
    assert traits(SLICES) == {Trait.SLICES}
    assert traits({Cid.MPEG_VIDEO_CYCLIC_INTRA_REFRESH_MB: ANY}) == {Trait.INTRA_REFRESH}
