"""Progressive pictures out of interlaced ones: fields woven here, combs taken out by FFmpeg's yadif."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
from numpy.typing import NDArray

from edge.model.frame import Plane
from edge.model.video import Pixel

Rows = NDArray[np.uint8]
_HELD = 4  # pictures that the filter may hold back before their tags are forgotten
_TIME_BASE = Fraction(1, 1)


@dataclass(frozen=True, slots=True)
class Whole:
    """A progressive picture and the tag that came in with the field or picture it is made of."""

    picture: av.VideoFrame
    tag: int


class Deinterlacer:
    """One for each interlaced format. `top_first`: which field was taken first.

    Takes pictures with alternating rows (`woven`), with one field after the other in memory
    (`stacked`), or single fields (`field`). Gives yuv422p or yuv420p, one picture for two
    fields, one picture late: yadif looks at the next one.
    """

    def __init__(self, *, width: int, height: int, pixel: Pixel, top_first: bool) -> None:
        self._width = width
        self._height = height
        self._pixel = pixel
        self._top_first = top_first
        self._graph = _graph(width, height, pixel, top_first=top_first)
        self._tags: dict[int, int] = {}
        self._count = 0
        self._half: av.VideoFrame | None = None

    def woven(self, planes: tuple[Plane, ...], *, tag: int) -> Iterator[Whole]:
        picture = self._empty()
        for source, target in self._pairs(planes, picture, rows_of=1):
            target[:] = source
        return self._filter(picture, tag)

    def stacked(self, planes: tuple[Plane, ...], *, tag: int) -> Iterator[Whole]:
        """`top_first` also says which field lies first in memory."""
        picture = self._empty()
        first = 0 if self._top_first else 1
        for source, target in self._pairs(planes, picture, rows_of=1):
            half = len(source) // 2
            target[first::2], target[1 - first :: 2] = source[:half], source[half:]
        return self._filter(picture, tag)

    def field(self, planes: tuple[Plane, ...], *, bottom: bool, tag: int) -> Iterator[Whole]:
        """A lone field waits for its partner; one whose partner was lost is given up."""
        opens = bottom is not self._top_first
        if opens:
            self._half = self._empty()
        picture = self._half
        if picture is None:
            return iter(())
        for source, target in self._pairs(planes, picture, rows_of=2):
            target[int(bottom) :: 2] = source
        if opens:
            return iter(())
        self._half = None
        return self._filter(picture, tag)

    def _filter(self, picture: av.VideoFrame, tag: int) -> Iterator[Whole]:
        picture.pts, picture.time_base = self._count, _TIME_BASE
        self._tags[self._count] = tag
        self._tags.pop(self._count - _HELD, None)
        self._count += 1
        self._graph.push(picture)
        while True:
            try:
                done = self._graph.vpull()
            except (av.BlockingIOError, av.EOFError):
                return
            yield Whole(done, self._tags.get(done.pts or 0, tag))

    def _empty(self) -> av.VideoFrame:
        return av.VideoFrame(self._width, self._height, self._pixel.value)

    def _pairs(self, planes: tuple[Plane, ...], picture: av.VideoFrame, *, rows_of: int) -> Iterator[tuple[Rows, Rows]]:
        """(driver's rows, picture's rows) of each plane; `rows_of` 2 when the driver's hold every other row."""
        for plane, own in zip(planes, picture.planes, strict=True):
            target = np.frombuffer(memoryview(own), np.uint8)[: own.line_size * own.height]
            rows = target.reshape(own.height, own.line_size)
            count = own.height // rows_of
            width = min(plane.stride, own.line_size)
            source = np.frombuffer(plane.memory, np.uint8)[: plane.stride * count].reshape(count, plane.stride)
            yield source[:, :width], rows[:, :width]


def _graph(width: int, height: int, pixel: Pixel, *, top_first: bool) -> av.filter.Graph:
    graph = av.filter.Graph()
    chain = [
        graph.add_buffer(width=width, height=height, format=av.VideoFormat(pixel.value), time_base=_TIME_BASE),
        graph.add("format", "yuv420p" if pixel in (Pixel.YUV420P, Pixel.NV12) else "yuv422p"),
        graph.add("setfield", "mode=tff" if top_first else "mode=bff"),
        graph.add("yadif", "mode=send_frame:deint=all"),
        graph.add("buffersink"),
    ]
    for before, after in pairwise(chain):
        before.link_to(after)
    graph.configure()
    return graph
