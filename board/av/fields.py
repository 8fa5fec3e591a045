"""Progressive pictures out of interlaced ones: fields woven here, combs taken out by FFmpeg's yadif."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Generic, TypeVar

import av
import numpy as np
from numpy.typing import NDArray

from edge.model.errors import Invalid
from edge.model.frame import Plane
from edge.model.video import Pixel

Rows = NDArray[np.uint8]
Tag = TypeVar("Tag")
_HELD = 4  # pictures that the filter may hold back before their tags are forgotten
_TIME_BASE = Fraction(1, 1)
_RGB = frozenset((Pixel.RGB24, Pixel.BGR24))
_ROWS_SHARE_CHROMA = frozenset((Pixel.YUV420P, Pixel.NV12, Pixel.P010))


@dataclass(frozen=True, slots=True)
class Whole(Generic[Tag]):
    """A progressive picture and the tag that came in with what it is made of."""

    picture: av.VideoFrame
    tag: Tag


class Deinterlacer(Generic[Tag]):
    """One for each interlaced format. `top_first`: which field was taken first.

    Takes pictures with alternating rows (`woven`), with one field after the other in memory
    (`stacked`), or single fields (`field`). Gives 8-bit planar pictures of the same chroma, RGB
    as it was; one picture for two fields, one picture late: yadif looks at the next one.
    Raises Invalid (`corrupt_frame`) when FFmpeg refuses a picture.
    """

    def __init__(self, *, width: int, height: int, pixel: Pixel, top_first: bool) -> None:
        self.pixel = pixel
        self._width = width
        self._height = height
        self._top_first = top_first
        self._graph = _graph(width, height, pixel, top_first=top_first)
        self._tags: dict[int, Tag] = {}
        self._count = 0
        self._half: Whole[Tag] | None = None

    def woven(self, planes: tuple[Plane, ...], *, tag: Tag) -> list[Whole[Tag]]:
        picture = self._empty()
        for source, target in _pairs(planes, picture, rows_of=1):
            target[:] = source
        return self._filter(Whole(picture, tag))

    def stacked(self, planes: tuple[Plane, ...], *, tag: Tag) -> list[Whole[Tag]]:
        """`top_first` also says which field lies first in memory."""
        picture = self._empty()
        first = 0 if self._top_first else 1
        for source, target in _pairs(planes, picture, rows_of=1):
            half = len(target[first::2])
            target[first::2], target[1 - first :: 2] = source[:half], source[half:]
        return self._filter(Whole(picture, tag))

    def field(self, planes: tuple[Plane, ...], *, bottom: bool, tag: Tag) -> list[Whole[Tag]]:
        """A lone field waits for its partner; one whose partner was lost is given up. The tag is the first one's."""
        opens = bottom is not self._top_first
        if opens:
            self._half = Whole(self._empty(), tag)
        half = self._half
        if half is None:
            return []
        for source, target in _pairs(planes, half.picture, rows_of=2):
            target[int(bottom) :: 2][: len(source)] = source
        if opens:
            return []
        self._half = None
        return self._filter(half)

    def _filter(self, given: Whole[Tag]) -> list[Whole[Tag]]:
        given.picture.pts, given.picture.time_base = self._count, _TIME_BASE
        self._tags[self._count] = given.tag
        self._tags.pop(self._count - _HELD, None)
        self._count += 1
        try:
            self._graph.push(given.picture)
            return [Whole(done, self._tags[_place(done)]) for done in self._done()]
        except av.FFmpegError as error:
            raise Invalid(f"interlaced picture: {error.strerror}", code="corrupt_frame") from error

    def _done(self) -> Iterator[av.VideoFrame]:
        while True:
            try:
                yield self._graph.vpull()
            except (av.BlockingIOError, av.EOFError):
                return

    def _empty(self) -> av.VideoFrame:
        return av.VideoFrame(self._width, self._height, self.pixel.value)


def _place(done: av.VideoFrame) -> int:
    """Which of the pictures that were pushed it is; yadif counts in half its input's time base."""
    return round((done.pts or 0) * (done.time_base or _TIME_BASE))


def _pairs(planes: tuple[Plane, ...], picture: av.VideoFrame, *, rows_of: int) -> Iterator[tuple[Rows, Rows]]:
    """(driver's rows, picture's rows) of each plane; `rows_of` 2 when the driver's hold every other row."""
    for plane, own in zip(planes, picture.planes, strict=True):
        flat = np.frombuffer(memoryview(own), np.uint8)[: own.line_size * own.height]
        rows = flat.reshape(own.height, own.line_size)
        width, count = min(plane.stride, own.line_size), own.height // rows_of
        source = np.frombuffer(plane.memory, np.uint8)[: plane.stride * count].reshape(count, plane.stride)
        yield source[:, :width], rows[:, :width]


def _graph(width: int, height: int, pixel: Pixel, *, top_first: bool) -> av.filter.Graph:
    """yadif takes planar pictures only."""
    planar = "gbrp" if pixel in _RGB else "yuv420p" if pixel in _ROWS_SHARE_CHROMA else "yuv422p"
    graph = av.filter.Graph()
    chain = [
        graph.add_buffer(width=width, height=height, format=av.VideoFormat(pixel.value), time_base=_TIME_BASE),
        graph.add("format", planar),
        graph.add("setfield", "mode=tff" if top_first else "mode=bff"),
        graph.add("yadif", "mode=send_frame:deint=all"),
        graph.add("format", pixel.value if pixel in _RGB else planar),
        graph.add("buffersink"),
    ]
    for before, after in pairwise(chain):
        before.link_to(after)
    graph.configure()
    return graph
