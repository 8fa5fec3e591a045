from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from board.av.intake import FrameIntake
from edge.model.errors import Fault, NotSupported
from edge.model.frame import Frame, Lease, Plane
from edge.model.video import Colorimetry, Pixel, Range, VideoFormat
from tests.board.kit import Bytes, frame_of

_VIDEO = VideoFormat(64, 48, Fraction(30))


def numbered(size: int) -> Bytes:
    return (np.arange(size) * 7 % 251).astype(np.uint8)


def pixels(picture: av.VideoFrame, index: int) -> Bytes:
    plane = picture.planes[index]
    rows = np.frombuffer(memoryview(plane), np.uint8)[: plane.line_size * plane.height]
    return rows.reshape(plane.height, plane.line_size)[:, : plane.width]


def address(memory: object) -> int:
    return int(np.frombuffer(memory, np.uint8).__array_interface__["data"][0])  # type: ignore[call-overload]


@pytest.mark.parametrize("pixel", [Pixel.YUV420P, Pixel.NV12])
@pytest.mark.parametrize("stride", [64, 96])
def test_planes_in_one_buffer_are_taken_where_they_lie(pixel: Pixel, stride: int) -> None:
    video = replace(_VIDEO, pixel=pixel)
    frame = frame_of(numbered(stride * 48 * 3 // 2), video, 0, stride=stride)
    picture = FrameIntake(video).take(frame)
    assert (picture.width, picture.height, picture.format.name) == (64, 48, pixel.value)
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


def _coloured(pixel: Pixel, video: VideoFormat) -> Frame:
    """A picture all of pure red in BT.709, limited range where it is Y'CbCr."""
    one = {Pixel.UYVY422: (102, 63, 240, 63), Pixel.YUYV422: (63, 102, 63, 240), Pixel.RGB24: (255, 0, 0)}[pixel]
    samples = video.width * video.height * (3 if pixel is Pixel.RGB24 else 2)
    return frame_of(np.resize(np.array(one, np.uint8), samples), video, 0)


@pytest.mark.parametrize("pixel", [Pixel.UYVY422, Pixel.YUYV422])
def test_packed_layouts_keep_their_code_values(pixel: Pixel) -> None:
    video = replace(_VIDEO, pixel=pixel)
    picture = FrameIntake(video).take(_coloured(pixel, video))
    assert picture.format.name == "yuv420p"
    assert [set(np.unique(pixels(picture, index))) for index in range(3)] == [{63}, {102}, {240}]


@pytest.mark.parametrize(
    ("colorimetry", "expected"), [(Colorimetry.BT709, (54, 98, 255)), (Colorimetry.BT601, (76, 84, 255))]
)
def test_rgb_is_converted_by_the_matrix_of_its_format(colorimetry: Colorimetry, expected: tuple[int, int, int]) -> None:
    video = replace(_VIDEO, pixel=Pixel.RGB24, range=Range.FULL, colorimetry=colorimetry)
    picture = FrameIntake(video).take(_coloured(Pixel.RGB24, video))
    for index in range(3):
        assert np.abs(pixels(picture, index).astype(int) - expected[index]).max() <= 2


def test_a_released_frame_is_not_taken() -> None:
    frame = frame_of(numbered(64 * 72), _VIDEO, 0)
    frame.lease.release()
    with pytest.raises(Fault, match="after its release"):
        FrameIntake(_VIDEO).take(frame)


@pytest.mark.parametrize("width", [0, 15, 63, 8])
def test_a_size_that_has_no_whole_chroma_is_not_supported(width: int) -> None:
    with pytest.raises(NotSupported, match=f"{width}x48"):
        FrameIntake(replace(_VIDEO, width=width))
