"""Access units back into pictures, as a receiver would: to judge what an encoder puts out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import av
from av.video.codeccontext import VideoCodecContext

from board.av.reduce import rows_of
from edge.model.errors import Invalid
from edge.model.frame import Plane
from edge.model.video import Codec

_NAMES = {Codec.H264: "h264", Codec.H265: "hevc"}


class AvDecoder:
    """A Decoder for one stream, in one thread, so that no picture waits for another."""

    def __init__(self, codec: Codec) -> None:
        self._context = cast(VideoCodecContext, av.CodecContext.create(_NAMES[codec], "r"))
        self._context.thread_count = 1

    def decode(self, unit: bytes) -> Sequence[tuple[Plane, ...]]:
        """Raises Invalid with the library's reason."""
        return self._pictures(av.Packet(unit))

    def flush(self) -> Sequence[tuple[Plane, ...]]:
        """What is still held back; the decoder is of no use afterwards."""
        return self._pictures(None)

    def _pictures(self, packet: av.Packet[Any] | None) -> Sequence[tuple[Plane, ...]]:
        try:
            return [_planes(picture) for picture in self._context.decode(packet)]
        except av.FFmpegError as error:
            raise Invalid(f"cannot be decoded: {error}") from error


def _planes(picture: av.VideoFrame) -> tuple[Plane, ...]:
    """Copied: the library fills its pictures anew."""
    planes = []
    for plane in picture.planes:
        rows = rows_of(memoryview(plane), plane.line_size, plane.height, plane.width).copy()
        planes.append(Plane(rows.data.cast("B"), plane.width))
    return tuple(planes)
