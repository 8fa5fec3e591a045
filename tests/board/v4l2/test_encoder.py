"""The memory-to-memory encoder on bcm2835-codec made of Python: what is set, what is put right, how it fails."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from board.v4l2.abi.codes import Cid, H264Level, H264Profile
from board.v4l2.abi.requests import Vidioc
from board.v4l2.encoder import V4l2Encoder
from edge.model.annexb import nal_offsets, nal_type
from edge.model.board import EncoderFact, EncoderKind
from edge.model.errors import DeviceGone, EncoderFailed, Fault, NotSupported
from edge.model.frame import Encoded, Frame
from edge.model.sps_vui import say_colours
from edge.model.video import Codec, EncodeTarget, Pixel, Refresh, Trait, VideoFormat
from edge.ports import ENCODE_DEADLINE_S, Retarget
from tests.board.kit import HandClock, frame_of, run
from tests.board.v4l2.drivers.bcm2835_codec import CONTROLS, ENCODE, PATH, add_bcm2835_codec, without
from tests.board.v4l2.drivers.codec import CodecNode
from tests.board.v4l2.drivers.codec_controls import Control
from tests.board.v4l2.drivers.kernel import FakeKernel
from tests.board.v4l2.m2m_kit import encoder_on
from tests.raw_bars import bars_frame

VIDEO = VideoFormat(320, 240, Fraction(30))
TARGET = EncodeTarget(2_000_000, 6_000_000)
IN_ENCODE = (Vidioc.QBUF, Vidioc.DQBUF, Vidioc.S_CTRL)
IN_OPEN = (Vidioc.S_FMT, Vidioc.S_PARM, Vidioc.QUERYCTRL, Vidioc.S_CTRL, Vidioc.G_CTRL, Vidioc.REQBUFS, Vidioc.QUERYBUF)


@pytest.fixture
def kernel() -> FakeKernel:
    return FakeKernel(clock=HandClock())


@pytest.fixture
def node(kernel: FakeKernel) -> CodecNode:
    return add_bcm2835_codec(kernel)


@pytest.fixture
def encoder(kernel: FakeKernel, node: CodecNode) -> V4l2Encoder:
    return encoder_on(kernel)


@pytest.fixture
def encoder_here(kernel: FakeKernel) -> V4l2Encoder:
    """On whatever driver the test has put there."""
    return encoder_on(kernel)


@pytest.fixture
def opened(encoder: V4l2Encoder) -> V4l2Encoder:
    encoder.open(VIDEO, TARGET)
    return encoder


def noise(index: int, video: VideoFormat = VIDEO) -> Frame:
    rng = np.random.default_rng(index)
    return frame_of(rng.integers(0, 255, video.width * video.height * 3 // 2, dtype=np.uint8), video, index)


def kinds_of(unit: Encoded) -> list[int]:
    return [nal_type(Codec.H264, unit.data[body]) for _, body in nal_offsets(unit.data)]


def encoded(encoder: V4l2Encoder, count: int, *, first: int = 0) -> Sequence[Encoded]:
    frames = (bars_frame(VIDEO, first + index) for index in range(count))
    return [unit for frame in frames for unit in encoder.encode(frame, force_key=False)]


def test_every_control_is_set_and_none_left_at_its_default(encoder: V4l2Encoder, node: CodecNode) -> None:
    encoder.open(replace(VIDEO, width=1920, height=1080, fps=Fraction(50)), replace(TARGET, gop_s=1.0))
    values = node.runs[-1].controls.values
    assert values == {
        Cid.MPEG_VIDEO_BITRATE: 2_000_000,
        Cid.MPEG_VIDEO_BITRATE_MODE: 1,
        Cid.MPEG_VIDEO_H264_I_PERIOD: 50,
        Cid.MPEG_VIDEO_GOP_SIZE: 50,
        Cid.MPEG_VIDEO_FORCE_KEY_FRAME: 0,
        Cid.MPEG_VIDEO_REPEAT_SEQ_HEADER: 1,
        Cid.MPEG_VIDEO_HEADER_MODE: 1,
        Cid.MPEG_VIDEO_H264_PROFILE: H264Profile.CONSTRAINED_BASELINE,
        Cid.MPEG_VIDEO_H264_LEVEL: H264Level.L4_2,
        Cid.MPEG_VIDEO_H264_MIN_QP: 10,
        Cid.MPEG_VIDEO_H264_MAX_QP: 51,
        Cid.MPEG_VIDEO_B_FRAMES: 0,
    }
    assert node.runs[-1].fps == 50
    assert "disobeyed" not in encoder.detail()
    encoder.close()


def test_coded_buffers_hold_a_picture_of_the_ceiling(opened: V4l2Encoder, node: CodecNode) -> None:
    assert node.runs[-1].coded.size == 3 << 19


def test_a_setting_that_is_not_obeyed_is_told_once(kernel: FakeKernel, caplog: pytest.LogCaptureFixture) -> None:
    slow = CONTROLS | {Cid.MPEG_VIDEO_BITRATE: Control(25_000, 1_000_000, 500_000, 25_000)}
    add_bcm2835_codec(kernel, replace(ENCODE, controls=slow))
    encoder = encoder_on(kernel)
    encoder.open(VIDEO, TARGET)
    encoded(encoder, 3)
    assert encoder.detail()["disobeyed"] == ["MPEG_VIDEO_BITRATE: 1000000 instead of 2000000"]
    assert caplog.text.count("1000000 instead of 2000000") == 1


def test_what_a_driver_does_not_know_is_no_error(kernel: FakeKernel) -> None:
    add_bcm2835_codec(kernel, replace(ENCODE, controls={}, times=False))
    encoder = encoder_on(kernel)
    encoder.open(VIDEO, TARGET)
    assert len(encoded(encoder, 3)) == 3
    assert "MPEG_VIDEO_BITRATE" in encoder.detail()["unknown_controls"]
    assert encoder.traits == frozenset()
    assert encoder.retarget(replace(TARGET, bitrate_bps=1_000_000)) is Retarget.NEEDS_NEW_EPOCH


def test_parameter_sets_are_put_before_each_keyframe_where_the_driver_does_not(kernel: FakeKernel) -> None:
    add_bcm2835_codec(kernel, without(Cid.MPEG_VIDEO_REPEAT_SEQ_HEADER))
    encoder = encoder_on(kernel)
    encoder.open(VIDEO, replace(TARGET, gop_s=0.1))
    kinds = [kinds_of(unit) for unit in encoded(encoder, 7) if unit.key]
    assert [[kind for kind in one if kind in (5, 7, 8)] for one in kinds] == [[7, 8, 5]] * 3


def test_header_in_a_buffer_of_its_own_is_joined_to_the_picture(opened: V4l2Encoder, node: CodecNode) -> None:
    node.moods.header_apart = True
    units = encoded(opened, 3)
    assert [unit.key for unit in units] == [True, False, False]
    assert kinds_of(units[0])[:2] == [7, 8]


def test_a_new_beginning_makes_the_keyframe_where_none_can_be_forced(kernel: FakeKernel) -> None:
    add_bcm2835_codec(kernel, without(Cid.MPEG_VIDEO_FORCE_KEY_FRAME))
    encoder = encoder_on(kernel)
    encoder.open(VIDEO, TARGET)
    keys = [encoder.encode(bars_frame(VIDEO, index), force_key=index == 2)[0].key for index in range(5)]
    assert keys == [True, False, True, False, False]
    assert encoder.detail()["runs"] == 2


def test_a_keyframe_that_does_not_come_is_asked_for_again(
    opened: V4l2Encoder, node: CodecNode, caplog: pytest.LogCaptureFixture
) -> None:
    encoded(opened, 2)
    node.moods.deaf = True
    assert not opened.encode(bars_frame(VIDEO, 2), force_key=True)[0].key
    node.moods.deaf = False
    assert [unit.key for unit in encoded(opened, 2, first=3)] == [True, False]
    assert caplog.text.count("did not come") == 1


def test_junk_that_comes_first_is_dropped_and_counted(opened: V4l2Encoder) -> None:
    assert encoded(opened, 1)[0].key
    assert opened.detail()["junk_units"] == 1


def test_a_unit_that_comes_too_late_is_dropped_and_a_keyframe_mends_the_stream(
    opened: V4l2Encoder, node: CodecNode
) -> None:
    encoded(opened, 1)
    node.moods.late = True
    (unit,) = encoded(opened, 1, first=1)
    assert not unit.key
    assert opened.detail()["late_units"] == 1
    node.moods.late = False
    assert [unit.key for unit in encoded(opened, 2, first=2)] == [True, False]


def test_a_header_that_comes_apart_at_each_keyframe_is_no_picture_left_out(
    opened: V4l2Encoder, node: CodecNode
) -> None:
    node.moods.header_apart = True
    keys = [opened.encode(bars_frame(VIDEO, index), force_key=index == 2) for index in range(4)]
    assert [[unit.key for unit in units] for units in keys] == [[True], [False], [True], [False]]
    assert all(kinds_of(units[0])[:2] == [7, 8] for units in keys[0::2])
    assert opened.detail()["skipped_pictures"] == 0


def test_a_picture_left_out_gives_no_unit_and_the_next_goes_on(opened: V4l2Encoder, node: CodecNode) -> None:
    encoded(opened, 2)
    node.moods.skips = True
    assert encoded(opened, 1, first=2) == []
    node.moods.skips = False
    assert len(encoded(opened, 1, first=3)) == 1
    assert opened.detail()["skipped_pictures"] == 1


@pytest.fixture
def cramped(kernel: FakeKernel) -> CodecNode:
    """A driver whose coded buffers are small whatever is asked for."""
    return add_bcm2835_codec(kernel, replace(ENCODE, grants_room=False, room=(20_480, 20_480)))


@pytest.mark.usefixtures("cramped")
def test_a_picture_larger_than_a_buffer_is_joined(encoder_here: V4l2Encoder) -> None:
    encoder_here.open(VIDEO, EncodeTarget(25_000_000, 25_000_000))
    for index in range(3):
        (unit,) = encoder_here.encode(noise(index), force_key=False)
        assert len(unit.data) > 40_960
        assert kinds_of(unit)[-1] in (1, 5)


def test_a_picture_that_just_fills_its_buffer_is_whole(encoder_here: V4l2Encoder, cramped: CodecNode) -> None:
    cramped.moods.pads = True
    encoder_here.open(VIDEO, TARGET)
    assert [len(unit.data) for unit in encoded(encoder_here, 3)] == [20_480] * 3


def test_size_that_the_driver_clamps_silently_is_refused_naming_both(encoder: V4l2Encoder) -> None:
    with pytest.raises(NotSupported, match="1920x1440 instead of 2560x1440") as refused:
        encoder.open(replace(VIDEO, width=2560, height=1440), TARGET)
    assert refused.value.code == "other_size"
    with pytest.raises(Fault):
        encoder.encode(bars_frame(VIDEO), force_key=False)


def test_size_that_the_driver_rounds_up_is_cropped_to_what_is_visible(kernel: FakeKernel) -> None:
    node = add_bcm2835_codec(kernel, replace(ENCODE, size_step=16))
    encoder = encoder_on(kernel)
    encoder.open(replace(VIDEO, height=1080, width=1910), TARGET)
    assert (node.runs[-1].raw.width, node.runs[-1].raw.height) == (1920, 1088)
    assert node.runs[-1].crop == (1910, 1080)


def test_rounded_size_that_cannot_be_cropped_is_refused(kernel: FakeKernel) -> None:
    add_bcm2835_codec(kernel, replace(ENCODE, size_step=16, crops=False))
    with pytest.raises(NotSupported, match="1920x1088 instead of 1920x1080"):
        encoder_on(kernel).open(replace(VIDEO, width=1920, height=1080), TARGET)


@pytest.mark.parametrize(
    ("pixel", "taken"),
    [
        (Pixel.UYVY422, "UYVY"),
        (Pixel.YUYV422, "YUYV"),
        (Pixel.NV12, "NV12"),
        (Pixel.RGB24, "YU12"),
        (Pixel.P010, "YU12"),
    ],
)
def test_layouts_that_the_driver_has_are_taken_as_they_lie(encoder: V4l2Encoder, pixel: Pixel, taken: str) -> None:
    encoder.open(replace(VIDEO, pixel=pixel), TARGET)
    assert encoder.detail()["takes"] == taken


def test_layout_that_costs_a_conversion_is_set_up_anew_at_the_next_keyframe(opened: V4l2Encoder) -> None:
    encoded(opened, 1)
    uyvy = replace(VIDEO, pixel=Pixel.UYVY422)
    units = [opened.encode(bars_frame(uyvy, index), force_key=index == 3)[0] for index in range(1, 5)]
    assert [unit.key for unit in units] == [False, False, True, False]
    assert (opened.detail()["takes"], opened.detail()["runs"]) == ("UYVY", 2)
    slate = opened.encode(bars_frame(VIDEO, 5), force_key=True)
    assert slate[0].key
    assert (opened.detail()["takes"], opened.detail()["runs"]) == ("UYVY", 2)


def test_stalled_encoder_fails_in_time_and_is_closed(opened: V4l2Encoder, node: CodecNode, kernel: FakeKernel) -> None:
    encoded(opened, 1)
    node.moods.stalled = True
    before_ns = kernel.clock.mono_ns()
    with pytest.raises(EncoderFailed, match=f"{PATH}: no picture within 0.5 s") as failed:
        encoded(opened, 1, first=1)
    assert failed.value.code == "encoder_stalled"
    assert kernel.clock.mono_ns() - before_ns == ENCODE_DEADLINE_S * 1e9
    assert kernel.open_paths == []
    opened.close()


def test_first_picture_may_take_four_times_as_long(opened: V4l2Encoder, node: CodecNode, kernel: FakeKernel) -> None:
    node.moods.stalled = True
    before_ns = kernel.clock.mono_ns()
    with pytest.raises(EncoderFailed, match="within 2 s"):
        encoded(opened, 1)
    assert kernel.clock.mono_ns() - before_ns == 4 * ENCODE_DEADLINE_S * 1e9


def test_picture_that_is_never_given_back_is_a_stall(opened: V4l2Encoder, node: CodecNode) -> None:
    encoded(opened, 1)
    node.moods.keeps_pictures = True
    with pytest.raises(EncoderFailed) as failed:
        encoded(opened, 1, first=1)
    assert failed.value.code == "encoder_stalled"


@pytest.mark.parametrize("mood", ["garbage", "damaged"])
def test_garbage_and_damage_are_failures(opened: V4l2Encoder, node: CodecNode, mood: str) -> None:
    encoded(opened, 1)
    setattr(node.moods, mood, True)
    with pytest.raises(EncoderFailed, match=PATH) as failed:
        encoded(opened, 1, first=1)
    assert failed.value.code == "encoder_garbage"


@pytest.mark.parametrize("request_", IN_ENCODE)
def test_device_lost_while_encoding_is_an_encoder_failure(
    opened: V4l2Encoder, kernel: FakeKernel, request_: Vidioc
) -> None:
    encoded(opened, 1)
    kernel.vanish_on(request_)
    with pytest.raises(EncoderFailed, match=f"{PATH}.*No such device"):
        opened.encode(bars_frame(VIDEO, 1), force_key=True)
    opened.close()
    assert kernel.open_paths == []


@pytest.mark.parametrize("request_", IN_OPEN)
def test_device_lost_while_opening_leaves_nothing_open(
    encoder: V4l2Encoder, kernel: FakeKernel, request_: Vidioc
) -> None:
    kernel.vanish_on(request_)
    with pytest.raises((DeviceGone, EncoderFailed)):
        encoder.open(VIDEO, TARGET)
    assert kernel.open_paths == []


@pytest.mark.parametrize("request_", [Vidioc.REQBUFS, Vidioc.STREAMON, Vidioc.QBUF])
def test_refusal_names_device_request_and_reason(encoder: V4l2Encoder, kernel: FakeKernel, request_: Vidioc) -> None:
    kernel.fail(request_, errno.ENOMEM, path=PATH)
    with pytest.raises(EncoderFailed, match=f"{PATH}: {request_.name} VIDEO_.*: Cannot allocate memory"):
        encoder.open(VIDEO, TARGET)
    assert kernel.open_paths == []


def test_another_device_works_after_a_failure(opened: V4l2Encoder, node: CodecNode, kernel: FakeKernel) -> None:
    kernel.fail(Vidioc.QBUF, errno.EIO)
    with pytest.raises(EncoderFailed, match="QBUF"):
        encoded(opened, 1)
    opened.open(VIDEO, TARGET)
    assert encoded(opened, 1)[0].key


def test_close_drains_and_does_not_hang_where_the_end_is_never_told(
    opened: V4l2Encoder, node: CodecNode, kernel: FakeKernel
) -> None:
    encoded(opened, 2)
    opened.close()
    assert kernel.count(Vidioc.ENCODER_CMD) == 1
    opened.open(VIDEO, TARGET)
    encoded(opened, 1)
    node.moods.silent_drain = True
    before_ns = kernel.clock.mono_ns()
    opened.close()
    assert kernel.clock.mono_ns() - before_ns == ENCODE_DEADLINE_S * 1e9
    assert kernel.open_paths == []


def test_two_pictures_of_the_same_time_are_told_apart(opened: V4l2Encoder) -> None:
    units = [opened.encode(bars_frame(VIDEO, 0), force_key=False)[0] for _ in range(3)]
    assert [unit.key for unit in units] == [True, False, False]


def test_keyframes_go_through_finish_and_other_units_do_not(kernel: FakeKernel, node: CodecNode) -> None:
    encoder = encoder_on(kernel, finish=lambda data, video: data + b"\0\0\x01\x06" + video.pixel.encode())
    encoder.open(VIDEO, TARGET)
    assert [unit.data.endswith(b"yuv420p") for unit in encoded(encoder, 3)] == [True, False, False]


def test_parameter_sets_that_cannot_be_finished_are_garbage(kernel: FakeKernel, node: CodecNode) -> None:
    encoder = encoder_on(kernel, finish=lambda data, video: say_colours(b"\0\0\x01\x67\x42" + data, video))
    encoder.open(VIDEO, TARGET)
    with pytest.raises(EncoderFailed, match="ends too early") as failed:
        encoded(encoder, 1)
    assert failed.value.code == "encoder_garbage"


@pytest.mark.peer
@pytest.mark.parametrize("repeats", [True, False])
def test_hevc_has_its_parameter_sets_at_each_keyframe_and_decodes(kernel: FakeKernel, repeats: bool) -> None:
    known = without() if repeats else without(Cid.MPEG_VIDEO_REPEAT_SEQ_HEADER)
    kernel.add("/dev/video5", CodecNode(kernel, replace(known, makes=("HEVC",), name="wave5", card="wave521c")))
    encoder = encoder_on(kernel, EncoderFact("wave5", EncoderKind.V4L2M2M, codec=Codec.H265, driver="wave5"))
    encoder.open(VIDEO, TARGET)
    units = [encoder.encode(bars_frame(VIDEO, index), force_key=index == 3)[0] for index in range(5)]
    assert [unit.key for unit in units] == [True, False, False, True, False]
    for unit in units:
        kinds = [nal_type(Codec.H265, unit.data[body]) for _, body in nal_offsets(unit.data)]
        assert [kind for kind in kinds if kind in (19, 20, 32, 33, 34)] == ([32, 33, 34, 20] if unit.key else [])
    stream = b"".join(unit.data for unit in units)
    raw = run("ffmpeg", ["-v", "error", "-f", "hevc", "-i", "-", "-f", "rawvideo", "-"], stdin=stream)
    assert len(raw) == 5 * VIDEO.width * VIDEO.height * 3 // 2


def test_bitrate_below_the_step_of_the_driver_is_rounded(opened: V4l2Encoder, node: CodecNode) -> None:
    assert opened.retarget(replace(TARGET, bitrate_bps=1_010_000)) is Retarget.LIVE
    assert node.runs[-1].controls.values[Cid.MPEG_VIDEO_BITRATE] == 1_000_000


@pytest.mark.parametrize("change", [{"gop_s": 1.0}, {"refresh": Refresh.INTRA}, {"vbv_frames": 1.0}, {"slices": 2}])
def test_whatever_is_not_the_rate_needs_a_new_epoch(opened: V4l2Encoder, change: dict[str, object]) -> None:
    assert opened.retarget(replace(TARGET, **change)) is Retarget.NEEDS_NEW_EPOCH  # type: ignore[arg-type]


def test_bcm2835_follows_the_rate_and_nothing_else(opened: V4l2Encoder) -> None:
    assert opened.traits == {Trait.LIVE_BITRATE}


def test_it_says_who_it_is(encoder: V4l2Encoder) -> None:
    assert (encoder.name, encoder.hardware, encoder.codec) == ("bcm2835", True, Codec.H264)
    assert encoder.detail() == {}
