"""One open network or file input: decoded pictures in presentation order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from urllib.parse import urlsplit

import av
from av.container import InputContainer
from av.error import FFmpegError, InvalidDataError
from av.video.stream import VideoStream

from edge.model.errors import DeviceGone

UNREACHABLE = "source_unreachable"
UNREADABLE = "source_unreadable"
_LIVE_SCHEMES = frozenset(("rtsp", "rtsps", "rtmp", "rtmps", "udp", "rtp", "srt", "tcp"))
_OPTIONS = {
    "rtsp": {"rtsp_transport": "tcp"},
    "rtsps": {"rtsp_transport": "tcp"},
    "udp": {"overrun_nonfatal": "1", "fifo_size": "50000"},
}
_PROBE = {"fflags": "nobuffer", "analyzeduration": "1000000", "probesize": "1000000"}
_CREDENTIALS = re.compile(r"(?<=://)[^/?#]*@")
_ODD_PASSWORD = re.compile(
    r"(?<=://)[^/?#@]*:(?!\d+(?:[/?#]|$)).*@"
)  # with an unescaped / inside: no port follows the :
_QUERY = re.compile(r"[?#].*", re.DOTALL)


def shown(url: str) -> str:
    """The URL for people: without user and password, and without a query, where tokens travel."""
    if "://" not in url:
        return url
    return _QUERY.sub("", _ODD_PASSWORD.sub("", _CREDENTIALS.sub("", url)))


class Input:
    """Opens at once. `live`: pictures come when they come; else they are to be paced by their time.

    Raises DeviceGone (`source_unreachable`, `source_unreadable`) from the constructor and while
    reading; its message names the URL without credentials.
    """

    def __init__(self, url: str, *, timeout_s: float) -> None:
        self._url = url
        scheme = urlsplit(url).scheme.lower()
        on_wire = "://" in url and scheme != "file"
        if not on_wire and not Path(url.removeprefix("file://").removeprefix("file:")).exists():
            raise DeviceGone(f"{shown(url)}: no such file", code=UNREACHABLE)
        options = {**(_PROBE if scheme in _LIVE_SCHEMES else {}), **_OPTIONS.get(scheme, {})}
        try:
            self._container = av.open(url, "r", timeout=timeout_s, options=options)
        except InvalidDataError:
            raise self._gone("cannot be read as video", UNREADABLE) from None
        except (FFmpegError, OSError, ValueError) as error:
            raise self._gone(_reason(error), UNREACHABLE) from None  # theirs quotes the URL with its password
        self.live = scheme in _LIVE_SCHEMES or (on_wire and self._container.duration is None)
        self._stream = self._video_stream(self._container)
        self._stream.thread_type = "SLICE" if self.live else "AUTO"  # frame threads hold pictures back

    @property
    def fps(self) -> Fraction:
        """Nominal frames per second; 25 when the stream does not say."""
        rate = self._stream.average_rate or self._stream.guessed_rate
        return Fraction(rate) if rate and 1 <= rate <= 240 else Fraction(25)

    def pictures(self) -> Iterator[av.VideoFrame]:
        """Sound pictures in order of presentation.

        Ends at the end of the input. Raises DeviceGone when a live input falls silent.
        """
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except InvalidDataError:
                continue
            except (FFmpegError, OSError) as error:
                raise self._gone(_reason(error), UNREACHABLE) from None
            if packet is None:
                return
            try:
                decoded = packet.decode()
            except InvalidDataError:
                continue  # a damaged unit; the next one may be sound
            for picture in decoded:
                if isinstance(picture, av.VideoFrame) and not picture.is_corrupt:
                    yield picture

    def close(self) -> None:
        self._container.close()

    def _video_stream(self, container: InputContainer) -> VideoStream:
        if not container.streams.video:
            container.close()
            raise self._gone("has no video", UNREADABLE)
        return container.streams.video[0]

    def _gone(self, reason: str, code: str) -> DeviceGone:
        return DeviceGone(f"{shown(self._url)}: {reason}", code=code)


def _reason(error: Exception) -> str:
    """What went wrong, without the file name that their message carries."""
    strerror = getattr(error, "strerror", None)
    return "no answer in time" if isinstance(error, av.error.ExitError) else str(strerror or type(error).__name__)
