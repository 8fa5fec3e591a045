"""Access units of anything that PyAV opens: files and the network protocols it knows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import av
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from edge.measure.unit import ReceivedUnit
from edge.model.errors import Invalid, PeerGone
from edge.model.video import Codec
from edge.ports import Clock

_CODECS = {"h264": Codec.H264, "hevc": Codec.H265}
_FILTERS = {Codec.H264: "h264_mp4toannexb", Codec.H265: "hevc_mp4toannexb"}
_LOW_LATENCY = {"fflags": "nobuffer", "flags": "low_delay", "probesize": "200000", "analyzeduration": "500000"}


def container_units(url: str, *, clock: Clock, live: bool, patience_s: float = 10.0) -> Iterator[ReceivedUnit]:
    """Units with the time at which the demuxer let them go, which may be a picture after their bytes came.

    `live`: rather lose the first pictures than wait. Blocking. Raises PeerGone when it cannot be
    opened, Invalid when it has no H.264 or H.265 video.
    """
    try:
        container = av.open(url, options=_LOW_LATENCY if live else {}, timeout=patience_s)
    except (FFmpegError, OSError, ValueError) as error:
        raise PeerGone(f"{url} cannot be opened: {getattr(error, 'strerror', None) or error}") from error
    with contextlib.closing(container):
        codec, stream = _video(container, url)
        to_annex_b = BitStreamFilterContext(_FILTERS[codec], stream)
        for packet in _demuxed(container, stream, url):
            for part in to_annex_b.filter(packet) if packet.size else ():
                yield ReceivedUnit(codec, clock.mono_ns(), bytes(part))


def _video(container: InputContainer, url: str) -> tuple[Codec, VideoStream]:
    if not container.streams.video:
        raise Invalid(f"{url} has no video")
    stream = container.streams.video[0]
    codec = _CODECS.get(stream.codec_context.name)
    if codec is None:
        raise Invalid(f"{url} has video in {stream.codec_context.name}; only H.264 and H.265 carry capture times")
    return codec, stream


def _demuxed(container: InputContainer, stream: VideoStream, url: str) -> Iterator[av.Packet[VideoStream]]:
    try:
        yield from container.demux(stream)
    except FFmpegError as error:
        raise PeerGone(f"{url} ended: {error.strerror}") from error
