from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from board.av.intake import FrameIntake
from edge.model.errors import Fault, NotSupported
from edge.model.frame import Lease, Plane
from edge.model.video import Colorimetry, Pixel, Range, VideoFormat
from tests.board.kit import Bytes, frame_of
from tests.raw_bars import bars_frame, flat_frame, patch_codes, patch_means, planes_of

_VIDEO = VideoFormat(64, 48, Fraction(30))


def numbered(size: int) -> Bytes:
    return (np.arange(size) * 7 % 251).astype(np.uint8)


def pixels(picture: av.VideoFrame, index: int) -> Bytes:
    plane = picture.planes[index]
    rows = np.frombuffer(memoryview(plane), np.uint8)[: plane.line_size * plane.height]
    return rows.reshape(plane.height, plane.line_size)[:, : plane.width]


def address(memory: object) -> int:
    return int(np.frombuffer(memory, np.uint8).__array_interface__["data"][0])  # type: ignore[call-overload]


@pytest.mark.parametrize("stride", [64, 96])
def test_planes_in_one_buffer_are_taken_where_they_lie(stride: int) -> None:
    frame = frame_of(numbered(stride * 48 * 3 // 2), _VIDEO, 0, stride=stride)
    picture = FrameIntake(_VIDEO).take(frame)
    assert (picture.width, picture.height, picture.format.name) == (64, 48, "yuv420p")
    for mine, theirs in zip(frame.lease.planes, picture.planes, strict=True):
        assert address(mine.memory) == address(memoryview(theirs))
        assert mine.stride == theirs.line_size


def test_planes_that_are_views_of_one_array_are_taken_where_they_lie() -> None:
    flat = numbered(64 * 72)
    parts = (flat[: 64 * 48].reshape(48, 64), flat[64 * 48 : 64 * 60].reshape(24, 32), flat[64 * 60 :].reshape(24, 32))
    lease = Lease(tuple(Plane(part.reshape(-1).data, part.shape[1]) for part in parts))
    picture = FrameIntake(_VIDEO).take(replace(frame_of(flat, _VIDEO, 0), lease=lease))
    assert [address(memoryview(plane)) for plane in picture.planes] == [address(plane.memory) for plane in lease.planes]


@pytest.mark.parametrize("pixel", [Pixel.YUV420P, Pixel.NV12])
def test_planes_in_buffers_of_their_own_are_copied_whole(pixel: Pixel) -> None:
    video = replace(_VIDEO, pixel=pixel)
    whole = frame_of(numbered(64 * 72), video, 0)
    apart = Lease(tuple(Plane(memoryview(bytes(plane.memory)), plane.stride) for plane in whole.lease.planes))
    taken, copied = FrameIntake(video).take(whole), FrameIntake(video).take(replace(whole, lease=apart))
    for index in range(len(taken.planes)):
        assert (pixels(taken, index) == pixels(copied, index)).all()


def test_a_height_that_is_no_multiple_of_four_keeps_its_last_rows() -> None:
    video = replace(_VIDEO, height=50)
    picture = FrameIntake(video).take(frame_of(numbered(64 * 75), video, 0))
    assert picture.height == 50
    assert (pixels(picture, 0).reshape(-1) == numbered(64 * 50)).all()


def test_the_librarys_own_picture_is_taken_as_it_is() -> None:
    native = av.VideoFrame(64, 48, "yuv420p")
    planes = tuple(Plane(memoryview(plane), plane.line_size) for plane in native.planes)
    frame = replace(frame_of(numbered(64 * 72), _VIDEO, 0), lease=Lease(planes, native=native))
    assert FrameIntake(_VIDEO).take(frame) is native


@pytest.mark.parametrize("padding", [0, 6, 33])
@pytest.mark.parametrize("reach", list(Range))
@pytest.mark.parametrize("colorimetry", list(Colorimetry))
@pytest.mark.parametrize("pixel", list(Pixel))
def test_every_layout_keeps_its_colours(pixel: Pixel, colorimetry: Colorimetry, reach: Range, padding: int) -> None:
    video = VideoFormat(256, 98, Fraction(30), pixel, colorimetry, reach)
    intake = FrameIntake(video)
    picture = intake.take(bars_frame(video, padding=padding))
    kept_full = reach is Range.FULL and not pixel.is_rgb
    assert picture.format.name == intake.pix_fmt == ("yuvj420p" if kept_full else "yuv420p")
    found = patch_means(planes_of(picture), video.width, video.height)
    assert np.abs(found - patch_codes(video)).max() <= 1.2  # half for each rounding, a little for RGB


@pytest.mark.parametrize("reach", list(Range))
@pytest.mark.parametrize("pixel", [Pixel.RGB24, Pixel.BGR24])
def test_greys_of_rgb_stay_without_colour(pixel: Pixel, reach: Range) -> None:
    video = replace(_VIDEO, pixel=pixel, range=reach)
    intake = FrameIntake(video)
    for shade in (0.0, 0.1, 0.33, 0.5, 0.77, 1.0):
        picture = intake.take(flat_frame(video, (shade, shade, shade)))
        assert abs(int(pixels(picture, 0)[0, 0]) - (16 + 219 * shade)) <= 1
        assert {int(pixels(picture, index)[0, 0]) for index in (1, 2)} == {128}


def test_limited_rgb_keeps_what_is_whiter_than_white() -> None:
    video = replace(_VIDEO, pixel=Pixel.RGB24)
    frame = frame_of(np.full(64 * 48 * 3, 250, np.uint8), video, 0)
    assert pixels(FrameIntake(video).take(frame), 0)[0, 0] == 250


@pytest.mark.parametrize("pixel", [Pixel.UYVY422, Pixel.YUV422P, Pixel.NV16, Pixel.YUV422P10])
def test_chroma_of_two_rows_is_their_mean_and_of_no_other_row(pixel: Pixel) -> None:
    video = VideoFormat(64, 48, Fraction(30), pixel)
    red, blue = (flat_frame(video, colour) for colour in ((0.7, 0, 0), (0, 0, 0.7)))
    mixed, other = flat_frame(video, (0.7, 0, 0)), blue.lease.planes
    for ours, theirs in zip(mixed.lease.planes, other, strict=True):
        rows, source = (np.frombuffer(plane.memory, np.uint8).reshape(-1, ours.stride) for plane in (ours, theirs))
        rows[11] = source[11]
    intake = FrameIntake(video)
    ends = [pixels(intake.take(frame), 1)[5, 7].astype(int) for frame in (red, blue)]
    cb = pixels(intake.take(mixed), 1)
    assert abs(int(cb[5, 7]) - sum(ends) / 2) <= 1
    assert {int(cb[row, 7]) for row in (4, 6)} == {ends[0]}


@pytest.mark.parametrize("pixel", [Pixel.YUV422P10, Pixel.P010])
def test_ten_bit_white_does_not_wrap_to_black(pixel: Pixel) -> None:
    video = replace(_VIDEO, pixel=pixel, range=Range.FULL)
    assert pixels(FrameIntake(video).take(flat_frame(video, (1, 1, 1))), 0).min() == 255


@pytest.mark.parametrize("pixel", [Pixel.RGB24, Pixel.BGR24])
def test_rgb_with_padded_rows_is_read_where_it_lies(pixel: Pixel) -> None:
    video = replace(_VIDEO, pixel=pixel, range=Range.FULL)
    frame = bars_frame(video, padding=5)
    assert FrameIntake(video)._shared(frame, pixel.value) is None, "nothing lies behind the last row"
    roomy = Plane(memoryview(bytes(frame.lease.planes[0].memory) + bytes(64)), frame.lease.planes[0].stride)
    shared = FrameIntake(video)._shared(replace(frame, lease=Lease((roomy,))), pixel.value)
    assert shared is not None
    assert address(memoryview(shared.planes[0])) == address(roomy.memory)


def test_layouts_may_follow_one_another_in_one_intake() -> None:
    intake, found = FrameIntake(_VIDEO), []
    for pixel in (Pixel.UYVY422, Pixel.YUV420P, Pixel.NV12, Pixel.P010, Pixel.UYVY422):
        video = VideoFormat(256, 96, Fraction(30), pixel)
        intake = FrameIntake(video) if not found else intake
        found.append(patch_means(planes_of(intake.take(bars_frame(video))), 256, 96))
    assert max(np.abs(other - found[0]).max() for other in found) <= 1


@pytest.mark.parametrize("pixel", list(Pixel))
def test_a_buffer_too_small_for_its_format_is_a_fault_and_not_read_beyond(pixel: Pixel) -> None:
    video = replace(_VIDEO, pixel=pixel)
    whole = flat_frame(video, (0.5, 0.5, 0.5))
    short = tuple(Plane(plane.memory[:-1], plane.stride) for plane in whole.lease.planes)
    with pytest.raises(Fault, match="does not hold"):
        FrameIntake(video).take(replace(whole, lease=Lease(short)))


def test_a_released_frame_is_not_taken() -> None:
    frame = frame_of(numbered(64 * 72), _VIDEO, 0)
    frame.lease.release()
    with pytest.raises(Fault, match="after its release"):
        FrameIntake(_VIDEO).take(frame)


@pytest.mark.parametrize("width", [0, 15, 63, 8])
def test_a_size_that_has_no_whole_chroma_is_not_supported(width: int) -> None:
    with pytest.raises(NotSupported, match=f"{width}x48"):
        FrameIntake(replace(_VIDEO, width=width))


@pytest.mark.parametrize("reach", list(Range))
@pytest.mark.parametrize("pixel", list(Pixel))
def test_an_encoder_of_nv12_gets_the_same_picture_interleaved(pixel: Pixel, reach: Range) -> None:
    video = VideoFormat(256, 98, Fraction(30), pixel, range=reach)
    frame, intake = bars_frame(video), FrameIntake(video, pixel=Pixel.NV12)
    planar, woven = FrameIntake(video).take(frame), intake.take(frame)
    assert woven.format.name == intake.pix_fmt == "nv12"
    rows = np.frombuffer(memoryview(woven.planes[1]), np.uint8).reshape(-1, woven.planes[1].line_size)[:49, :256]
    assert (pixels(woven, 0) == pixels(planar, 0)).all()
    assert (rows[:, 0::2] == pixels(planar, 1)).all()
    assert (rows[:, 1::2] == pixels(planar, 2)).all()


def test_an_encoder_of_nv12_takes_nv12_where_it_lies() -> None:
    video = replace(_VIDEO, pixel=Pixel.NV12)
    frame = frame_of(numbered(64 * 72), video, 0)
    picture = FrameIntake(video, pixel=Pixel.NV12).take(frame)
    assert [address(memoryview(plane)) for plane in picture.planes] == [
        address(plane.memory) for plane in frame.lease.planes
    ]
