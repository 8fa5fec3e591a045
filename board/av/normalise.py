"""Decoded pictures of any kind as 8-bit yuv420p with even sides, and what their colours mean."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, ColorTrc, VideoReformatter

from board.av.intake import EXACT, LEVELS, MATRIX
from edge.model.video import Colorimetry, Pixel, Range, VideoFormat

_PLANAR = {"yuv420p", "yuvj420p"}
# Matrices of ISO/IEC 23091-2: FCC, BT.470BG, SMPTE 170M, 240M; BT.2020 with constant and non-constant luminance
_BT601_MATRICES = {4, 5, 6, 7}
_BT2020_MATRICES = {9, 10}
_UNSPECIFIED = 2
_HD_LINES = 720


class Normaliser:
    """One for each input: pictures keep their memory when they already are as wanted."""

    def __init__(self, *, fps: Fraction) -> None:
        self._fps = fps
        self._reformatter = VideoReformatter()
        self._deinterlacer = Deinterlacer()
        self._format: VideoFormat | None = None

    def take(self, picture: av.VideoFrame) -> Iterator[tuple[av.VideoFrame, VideoFormat]]:
        """At most one picture for one; interlaced ones come out one later, without combs."""
        for whole in self._deinterlacer.take(picture):
            colorimetry, reach = colours(whole)
            yield _even(self._planar(whole, colorimetry, reach)), self._format_of(whole, colorimetry, reach)

    def _planar(self, picture: av.VideoFrame, colorimetry: Colorimetry, reach: Range) -> av.VideoFrame:
        if picture.format.name in _PLANAR:
            return picture
        matrix, levels = MATRIX[colorimetry], LEVELS[reach]
        return self._reformatter.reformat(
            picture,
            format="yuvj420p" if reach is Range.FULL else "yuv420p",
            src_colorspace=None if picture.format.is_rgb else matrix,
            dst_colorspace=matrix,
            src_color_range=ColorRange.JPEG if picture.format.is_rgb else levels,
            dst_color_range=levels,
            interpolation=EXACT,
            threads=1,
        )

    def _format_of(self, picture: av.VideoFrame, colorimetry: Colorimetry, reach: Range) -> VideoFormat:
        """One object as long as nothing changes: consumers compare it for every frame."""
        width, height = picture.width & ~1, picture.height & ~1
        seen = VideoFormat(width, height, self._fps, Pixel.YUV420P, colorimetry, reach)
        if self._format is None or seen != self._format:
            self._format = seen
        return self._format


class Deinterlacer:
    """Takes the combs out of interlaced pictures; progressive ones pass untouched."""

    def __init__(self) -> None:
        self._graph: av.filter.Graph | None = None
        self._shape: tuple[int, int, str] | None = None

    def take(self, picture: av.VideoFrame) -> Iterator[av.VideoFrame]:
        shape = (picture.width, picture.height, picture.format.name)
        if shape != self._shape:
            self._graph, self._shape = None, shape
        if self._graph is None and not picture.interlaced_frame:
            yield picture
            return
        if self._graph is None:
            self._graph = _yadif(picture)
        self._graph.push(picture)
        while True:
            try:
                yield self._graph.vpull()
            except (av.BlockingIOError, av.EOFError):
                return


def colours(picture: av.VideoFrame) -> tuple[Colorimetry, Range]:
    """As the stream says; when it does not, BT.709 from 720 lines up, and limited range.

    RGB becomes limited range of BT.709 or BT.601. JPEG is full range of sYCC by definition (JFIF 1.02).
    """
    full = picture.format.name.startswith("yuvj") or picture.color_range == ColorRange.JPEG
    reach = Range.FULL if full and not picture.format.is_rgb else Range.LIMITED
    if picture.format.is_rgb or picture.colorspace in (0, _UNSPECIFIED):
        return Colorimetry.BT709 if picture.height >= _HD_LINES else Colorimetry.BT601, reach
    if picture.colorspace in _BT2020_MATRICES:
        return Colorimetry.BT2020, reach
    if picture.colorspace in _BT601_MATRICES:
        return Colorimetry.SYCC if _has_srgb_primaries(picture, reach) else Colorimetry.BT601, reach
    return Colorimetry.BT709, reach


def _has_srgb_primaries(picture: av.VideoFrame, reach: Range) -> bool:
    """Said so, or nothing said in full range: that is what FFmpeg's JPEG decoder hands over."""
    primaries = picture.color_primaries
    if primaries == ColorPrimaries.UNSPECIFIED:
        return picture.color_trc == ColorTrc.IEC61966_2_1 or reach is Range.FULL
    return primaries == ColorPrimaries.BT709


def _even(picture: av.VideoFrame) -> av.VideoFrame:
    """Without the last column or row where their number is odd: 4:2:0 has pairs only."""
    width, height = picture.width & ~1, picture.height & ~1
    if (width, height) == (picture.width, picture.height):
        return picture
    cropped = av.VideoFrame(width, height, picture.format.name)
    for source, target in zip(picture.planes, cropped.planes, strict=True):
        rows = np.frombuffer(memoryview(source), np.uint8).reshape(source.height, source.line_size)
        room = np.frombuffer(memoryview(target), np.uint8).reshape(target.height, target.line_size)
        room[:, : target.width] = rows[: target.height, : target.width]
    cropped.pts, cropped.time_base = picture.pts, picture.time_base
    return cropped


def _yadif(picture: av.VideoFrame) -> av.filter.Graph:
    graph = av.filter.Graph()
    begin = graph.add_buffer(
        width=picture.width, height=picture.height, format=picture.format, time_base=picture.time_base
    )
    deinterlace = graph.add("yadif", "mode=send_frame:deint=interlaced")
    begin.link_to(deinterlace)
    deinterlace.link_to(graph.add("buffersink"))
    graph.configure()
    return graph
