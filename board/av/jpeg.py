"""One JPEG of a capture device (V4L2's MJPG and JPEG) as a picture, and what its colours mean.

Devices hand over cut, empty and torn pictures without a word: those are refused, not shown.
"""

from __future__ import annotations

from dataclasses import dataclass

import av
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import VideoReformatter

from board.av.intake import EXACT, LEVELS, MATRIX
from edge.model.errors import Invalid
from edge.model.frame import Plane
from edge.model.video import Colorimetry, Pixel, Range

CORRUPT = "corrupt_frame"
_LEAST_BYTES = 128
_BEGIN, _END = b"\xff\xd8", b"\xff\xd9"
_LAYOUTS = {"yuvj420p": Pixel.YUV420P, "yuvj422p": Pixel.YUV422P}
_CONVERTED = ("yuvj444p", "yuvj440p", "yuvj411p", "gray")


@dataclass(frozen=True, slots=True)
class JpegPicture:
    """A decoded picture, made for a Frame: `picture` is its lease's `native`.

    JFIF 1.02 fixes full range and the matrix of BT.601; V4L2_COLORSPACE_JPEG adds sRGB's primaries.
    """

    picture: av.VideoFrame
    pixel: Pixel
    colorimetry: Colorimetry = Colorimetry.SYCC
    range: Range = Range.FULL

    @property
    def planes(self) -> tuple[Plane, ...]:
        return tuple(Plane(memoryview(plane), plane.line_size) for plane in self.picture.planes)


class JpegDecoder:
    """Decodes one picture after another; a refused one leaves no trace in those after it.

    A picture of another size than `width` x `height` is refused too, since a V4L2 device does not
    change its size while it streams. FFmpeg alone would decode the half of a cut picture and
    report success: `explode` makes it tell. What no decoder can tell is a flipped bit that gives
    another valid code, since JPEG has no checksum.
    """

    def __init__(self, *, width: int, height: int) -> None:
        self._size = (width, height)
        self._context = self._decoder()
        self._reformatter = VideoReformatter()

    def decode(self, jpeg: bytes | memoryview) -> JpegPicture:
        """Raises Invalid `corrupt_frame` for bytes that are not one whole, sound JPEG; zeros may follow it."""
        packet = av.Packet(_whole(jpeg))
        try:
            pictures = self._context.decode(packet)
        except FFmpegError as error:
            self._context = self._decoder()
            raise _corrupt(f"it cannot be decoded: {error.strerror}") from error
        if len(pictures) != 1 or pictures[0].is_corrupt:
            self._context = self._decoder()
            raise _corrupt(f"there are {len(pictures)} pictures in it, or a damaged one")
        return self._checked(pictures[0])

    def _checked(self, picture: av.VideoFrame) -> JpegPicture:
        if (picture.width, picture.height) != self._size:
            wanted = "x".join(str(side) for side in self._size)
            raise _corrupt(f"it is {picture.width}x{picture.height} instead of {wanted}")
        name = picture.format.name
        if name in _LAYOUTS:
            return JpegPicture(picture, _LAYOUTS[name])
        if name not in _CONVERTED:
            raise _corrupt(f"its components are {name}, not luma and chroma")
        return JpegPicture(self._reduced(picture), Pixel.YUV420P)

    def _reduced(self, picture: av.VideoFrame) -> av.VideoFrame:
        """The rare layouts as 4:2:0, matrix and range kept."""
        matrix, full = MATRIX[Colorimetry.SYCC], LEVELS[Range.FULL]
        return self._reformatter.reformat(
            picture,
            format="yuvj420p",
            src_colorspace=matrix,
            dst_colorspace=matrix,
            src_color_range=full,
            dst_color_range=full,
            interpolation=EXACT,
            threads=1,
        )

    def _decoder(self) -> VideoCodecContext:
        context: VideoCodecContext = av.CodecContext.create("mjpeg", "r")
        width, height = self._size
        context.thread_count = 1
        context.options = {"err_detect": "explode", "max_pixels": str(width * height * 4)}
        return context


def _whole(jpeg: bytes | memoryview) -> bytes:
    """The JPEG without the zeros behind it."""
    size = len(jpeg)
    if size < _LEAST_BYTES:
        raise _corrupt(f"{size} bytes are too few")
    if bytes(jpeg[:2]) != _BEGIN:
        raise _corrupt("it does not begin with FFD8")
    whole = bytes(jpeg).rstrip(b"\0")
    if not whole.endswith(_END):
        raise _corrupt("it does not end with FFD9: it was cut")
    if len(whole) < _LEAST_BYTES:
        raise _corrupt(f"{len(whole)} bytes are too few")
    return whole


def _corrupt(reason: str) -> Invalid:
    return Invalid(f"JPEG from the capture device: {reason}", code=CORRUPT)
