"""What we want of an encoder's controls. None is left as the driver has it: defaults differ, and few suit live video.

bcm2835-codec for one begins with variable bitrate, keyframes every 60 pictures whatever the rate, QP 20 and up, level
4.0, and parameter sets only once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from board.v4l2.abi.codes import (
    FRAME_SKIP_DISABLED,
    HEVC_PROFILE_MAIN,
    HEVC_REFRESH_IDR,
    INTRA_REFRESH_CYCLIC,
    BitrateMode,
    Cid,
    H264Level,
    H264Profile,
    HeaderMode,
    HevcLevel,
    SliceMode,
)
from board.v4l2.control_set import ControlSet, ControlWish
from edge.model.video import Codec, EncodeTarget, Refresh, Trait, VideoFormat

# The rate is there to be used: at 20, where bcm2835-codec begins, text is soft; below 10 no magnifier sees more.
# No limit above: an encoder that may not go beyond 42 breaks the rate instead (800 kbit/s of noise became 1.6 Mbit/s),
# and with it the delay. When a picture is no longer good enough is for the rate controller to say.
_QP = (10, 51)
_NEVER_S = 3600.0  # a GOP for those who want no regular keyframes; 0 does not mean that with every driver
# Annex A of H.264, table A-1: macroblocks/s, macroblocks, bit/s
_H264_LEVELS = (
    (H264Level.L4_0, 245_760, 8_192, 20_000_000),
    (H264Level.L4_1, 245_760, 8_192, 50_000_000),
    (H264Level.L4_2, 522_240, 8_704, 50_000_000),
    (H264Level.L5_0, 589_824, 22_080, 135_000_000),
    (H264Level.L5_1, 983_040, 36_864, 240_000_000),
    (H264Level.L5_2, 2_073_600, 36_864, 240_000_000),
)
# Annex A of H.265, tables A.8 and A.9, main tier: luma samples/s, luma samples, bit/s
_HEVC_LEVELS = (
    (HevcLevel.L4, 66_846_720, 2_228_224, 12_000_000),
    (HevcLevel.L4_1, 133_693_440, 2_228_224, 20_000_000),
    (HevcLevel.L5, 267_386_880, 8_912_896, 25_000_000),
    (HevcLevel.L5_1, 534_773_760, 8_912_896, 40_000_000),
    (HevcLevel.L5_2, 1_069_547_520, 8_912_896, 60_000_000),
)
_Level = TypeVar("_Level", H264Level, HevcLevel)
_INTRA_REFRESH = (Cid.MPEG_VIDEO_INTRA_REFRESH_PERIOD, Cid.MPEG_VIDEO_CYCLIC_INTRA_REFRESH_MB)


def apply_wishes(controls: ControlSet, codec: Codec, video: VideoFormat, target: EncodeTarget) -> None:
    """Raises OSError when the device is gone; everything else is told by `controls`."""
    for wish in (*_common(video, target), *_of_codec(codec, video, target), *_optional(controls, video, target)):
        controls.apply(wish)


def traits_of(controls: ControlSet) -> frozenset[Trait]:
    """Raises OSError when the device is gone."""
    found = {
        Trait.LIVE_BITRATE: controls.has(Cid.MPEG_VIDEO_BITRATE),
        Trait.INTRA_REFRESH: any(controls.has(cid) for cid in _INTRA_REFRESH),
        Trait.SLICES: controls.has(Cid.MPEG_VIDEO_MULTI_SLICE_MODE) and controls.has(Cid.MPEG_VIDEO_MULTI_SLICE_MAX_MB),
    }
    return frozenset(trait for trait, there in found.items() if there)


def h264_level(video: VideoFormat, target: EncodeTarget) -> H264Level:
    """The least from 4.0 up that holds size, rate and ceiling."""
    blocks = _macroblocks(video)
    return _least(_H264_LEVELS, blocks * float(video.fps), blocks, target.max_bitrate_bps)


def hevc_level(video: VideoFormat, target: EncodeTarget) -> HevcLevel:
    samples = video.width * video.height
    return _least(_HEVC_LEVELS, samples * float(video.fps), samples, target.max_bitrate_bps)


def _least(levels: Sequence[tuple[_Level, int, int, int]], rate: float, size: int, bitrate_bps: int) -> _Level:
    fitting = (
        level
        for level, most_rate, most_size, most_bps in levels
        if rate <= most_rate and size <= most_size and bitrate_bps <= most_bps
    )
    return next(fitting, levels[-1][0])


def _common(video: VideoFormat, target: EncodeTarget) -> Iterator[ControlWish]:
    yield ControlWish(Cid.MPEG_VIDEO_FRAME_RC_ENABLE, 1)
    yield ControlWish(Cid.MPEG_VIDEO_BITRATE_MODE, BitrateMode.CBR)
    yield ControlWish(Cid.MPEG_VIDEO_BITRATE, target.bitrate_bps)
    yield ControlWish(Cid.MPEG_VIDEO_BITRATE_PEAK, target.max_bitrate_bps)
    yield ControlWish(Cid.MPEG_VIDEO_FRAME_SKIP_MODE, FRAME_SKIP_DISABLED)
    yield ControlWish(Cid.MPEG_VIDEO_B_FRAMES, 0)
    yield ControlWish(Cid.MPEG_VIDEO_HEADER_MODE, HeaderMode.JOINED_WITH_1ST_FRAME)
    yield ControlWish(Cid.MPEG_VIDEO_REPEAT_SEQ_HEADER, 1)
    yield ControlWish(Cid.MPEG_VIDEO_PREPEND_SPSPPS_TO_IDR, 1)
    yield ControlWish(Cid.MPEG_VIDEO_VBV_SIZE, _buffer_kbytes(video, target))
    yield ControlWish(Cid.MPEG_VIDEO_VBV_DELAY, max(1, round(1000 * target.vbv_frames / video.fps)))


def _of_codec(codec: Codec, video: VideoFormat, target: EncodeTarget) -> Iterator[ControlWish]:
    least, most = _QP
    if codec is Codec.H264:
        profile = H264Profile.CONSTRAINED_BASELINE  # what every browser has said that it decodes
        yield ControlWish(Cid.MPEG_VIDEO_H264_PROFILE, profile, instead=(H264Profile.BASELINE, H264Profile.MAIN))
        yield ControlWish(Cid.MPEG_VIDEO_H264_LEVEL, h264_level(video, target))
        yield ControlWish(Cid.MPEG_VIDEO_H264_CPB_SIZE, _buffer_kbytes(video, target))
        yield ControlWish(Cid.MPEG_VIDEO_H264_MIN_QP, least)
        yield ControlWish(Cid.MPEG_VIDEO_H264_MAX_QP, most)
    else:
        yield ControlWish(Cid.MPEG_VIDEO_HEVC_PROFILE, HEVC_PROFILE_MAIN)
        yield ControlWish(Cid.MPEG_VIDEO_HEVC_LEVEL, hevc_level(video, target))
        yield ControlWish(Cid.MPEG_VIDEO_HEVC_REFRESH_TYPE, HEVC_REFRESH_IDR)
        yield ControlWish(Cid.MPEG_VIDEO_HEVC_MIN_QP, least)
        yield ControlWish(Cid.MPEG_VIDEO_HEVC_MAX_QP, most)


def _optional(controls: ControlSet, video: VideoFormat, target: EncodeTarget) -> Iterator[ControlWish]:
    """Keyframes or intra-refresh, and slices where more than one is wanted and there is a control for it."""
    turn = max(1, round(target.gop_s * video.fps))
    wanders = target.refresh is Refresh.INTRA and Trait.INTRA_REFRESH in traits_of(controls)
    gop = round(_NEVER_S * video.fps) if wanders else turn
    yield ControlWish(Cid.MPEG_VIDEO_GOP_SIZE, gop)
    yield ControlWish(Cid.MPEG_VIDEO_H264_I_PERIOD, gop)
    if wanders and controls.has(Cid.MPEG_VIDEO_INTRA_REFRESH_PERIOD):
        yield ControlWish(Cid.MPEG_VIDEO_INTRA_REFRESH_PERIOD_TYPE, INTRA_REFRESH_CYCLIC)
        yield ControlWish(Cid.MPEG_VIDEO_INTRA_REFRESH_PERIOD, turn)
    elif wanders:
        yield ControlWish(Cid.MPEG_VIDEO_CYCLIC_INTRA_REFRESH_MB, -(-_macroblocks(video) // turn))
    if target.slices > 1 and Trait.SLICES in traits_of(controls):
        yield ControlWish(Cid.MPEG_VIDEO_MULTI_SLICE_MODE, SliceMode.MAX_MB)
        yield ControlWish(Cid.MPEG_VIDEO_MULTI_SLICE_MAX_MB, _slice_macroblocks(video, target.slices))


def _slice_macroblocks(video: VideoFormat, slices: int) -> int:
    """Whole rows: some hardware takes nothing else."""
    across, down = -(-video.width // 16), -(-video.height // 16)
    return -(-down // slices) * across


def _macroblocks(video: VideoFormat) -> int:
    return -(-video.width // 16) * -(-video.height // 16)


def _buffer_kbytes(video: VideoFormat, target: EncodeTarget) -> int:
    """V4L2 counts the buffers of rate control in kilobytes."""
    return max(1, round(target.max_bitrate_bps * target.vbv_frames / video.fps / 8000))
