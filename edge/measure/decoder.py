"""Decodes received units to read their strips, and lets go when it cannot keep up."""

from __future__ import annotations

import av
from av.codec.context import Flags
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext

from edge.measure.strip_reader import read_strip
from edge.measure.unit import ReceivedUnit
from edge.model.video import Codec

_DECODERS = {Codec.H264: "h264", Codec.H265: "hevc"}


class StripDecoder:
    """One stream. A unit that cannot be decoded is left out until the next keyframe."""

    def __init__(self) -> None:
        self._context: VideoCodecContext | None = None
        self._codec: Codec | None = None
        self._count = 0
        self.size: tuple[int, int] | None = None

    def decode(self, unit: ReceivedUnit) -> tuple[bool, int | None]:
        """(whether this unit's picture came out, the strip on it). Blocking."""
        if self._context is None or unit.codec is not self._codec:
            if not unit.key:
                return False, None
            self._context, self._codec = _open(unit.codec), unit.codec
        self._count += 1
        packet = av.Packet(unit.data)
        packet.pts = packet.dts = self._count
        try:
            frames = self._context.decode(packet)
        except FFmpegError:
            self.skip()
            return False, None
        for frame in frames:
            if frame.pts == self._count:
                self.size = (frame.width, frame.height)
                return True, read_strip(frame)
        return False, None

    def skip(self) -> None:
        """Leave out units from here to the next keyframe."""
        self._context = None


def _open(codec: Codec) -> VideoCodecContext:
    context = av.CodecContext.create(_DECODERS[codec], "r")
    if not isinstance(context, VideoCodecContext):
        raise TypeError(f"{_DECODERS[codec]} is no video codec")
    context.flags |= Flags.low_delay  # a picture comes out with its own unit, not with a later one
    context.thread_count = 1
    return context
