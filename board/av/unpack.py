"""Captured pictures that are not raw planes yet, decoded: `v210`, and what a decoder gives as a lease."""

from __future__ import annotations

from typing import Protocol

import av
from av.video.codeccontext import VideoCodecContext

from board.av.jpeg import JpegDecoder
from edge.model.errors import Invalid
from edge.model.frame import Lease, Plane
from edge.model.video import Pixel

Picture = av.VideoFrame  # what a decoder gives: FFmpeg's frame, which keeps its own memory


class Decoder(Protocol):
    """Pictures one by one, each whole in itself."""

    def decode(self, memory: memoryview) -> Picture:
        """Raises Invalid (`corrupt_frame`) on what is no picture; the next one may be sound."""
        ...


class JpegPictures:
    """Baseline JPEG as dongles send it, by `JpegDecoder`."""

    def __init__(self, width: int, height: int) -> None:
        self._decoder = JpegDecoder(width=width, height=height)

    def decode(self, memory: memoryview) -> av.VideoFrame:
        return self._decoder.decode(memory).picture


class V210Decoder:
    """10-bit 4:2:2 as SDI cards pack it, six pixels in 16 bytes, in rows of `stride` bytes (FFmpeg's v210)."""

    def __init__(self, width: int, height: int, *, stride: int) -> None:
        self._context = VideoCodecContext.create("v210", "r")
        self._context.width, self._context.height = width, height
        self._context.options = {"custom_stride": str(stride)}

    def decode(self, memory: memoryview) -> Picture:
        if not memory:  # to FFmpeg that would mean that nothing follows
            raise Invalid("v210 picture of 0 bytes", code="corrupt_frame")
        try:
            pictures = self._context.decode(av.Packet(bytes(memory)))
        except av.FFmpegError as error:
            raise Invalid(f"v210 picture of {len(memory)} bytes: {error.strerror}", code="corrupt_frame") from error
        if len(pictures) != 1:
            raise Invalid(f"v210 picture of {len(memory)} bytes holds none", code="corrupt_frame")
        return pictures[0]


def pixel_of(picture: Picture) -> Pixel:
    """Raises Invalid (`corrupt_frame`) for a layout that nobody expects of a capture device."""
    try:
        return Pixel(picture.format.name.replace("yuvj", "yuv"))
    except ValueError:
        raise Invalid(f"decoded to {picture.format.name}, which is not supported", code="corrupt_frame") from None


def lease_of(picture: Picture, *, generation: int) -> Lease:
    """A decoded picture that nothing else refers to, as a frame's memory."""
    planes = tuple(Plane(memoryview(plane), plane.line_size) for plane in picture.planes)
    return Lease(planes, generation=generation, native=picture, writable=True)
