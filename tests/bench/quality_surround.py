"""What is to be had from the black around a round field: by region of interest, by painting it, by cropping it away."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np

from board.av.library import Library, Wish
from board.av.x264 import X264
from board.av.x265 import X265
from edge.model.frame import Frame, Lease
from edge.model.rect import Rect
from edge.model.video import VideoFormat
from edge.ports import Encoder
from tests.bench.conditions import say
from tests.bench.quality_clip import Clip, endoscope
from tests.bench.quality_field import Circle, field_of
from tests.bench.quality_run import Coded, Framed, encode, score
from tests.bench.quality_score import Bytes, Mask
from tests.bench.quality_setting import Setting, software, target
from tests.bench.quality_table import mbps, table
from tests.board.kit import frame_of

_RATES_BPS = (2_000_000, 4_000_000, 8_000_000)
_PICTURES = 72
_NOISY = 2.5
_OFFSET = 0.5  # of the range of quantisers, on the surround
_STRIP_PX = 64
_HEAD = ("Mb/s, surround", "used", "inside dB", "gain dB", "CPU ms")
_TIME_BASE = Fraction(1, 90_000)


def report(setting: Setting) -> None:
    quiet = replace(setting.field, pictures=setting.field.pictures[:_PICTURES], _files=[])
    noisy = endoscope(len(quiet.pictures), video=quiet.video, surround_noise=_NOISY)
    say(f"\n### the surround: {_words(quiet)}\n")
    rows = [row for rate_bps in _RATES_BPS for row in _rows(quiet, X264, rate_bps)]
    rows += [(f"noise {_NOISY}: {row[0]}", *row[1:]) for row in _rows(noisy, X264, 4_000_000)]
    rows += [(f"x265: {row[0]}", *row[1:]) for row in _rows(quiet, X265, 4_000_000)]
    say(table(_HEAD, rows))


def _rows(clip: Clip, library: Library, rate_bps: int) -> list[tuple[str, ...]]:
    """As it comes, adaptive quantisation on and off, with ROI, painted black, cropped to the field's square."""
    circle, rate = field_of(clip.video), f"{rate_bps / 1e6:g}"
    on, off = adaptive(library, on=True), adaptive(library, on=False)
    tries: Sequence[tuple[str, Callable[[], Encoder], Clip, Framed]] = (
        ("AQ off", off, clip, frame_of),
        ("AQ on", on, clip, frame_of),
        ("AQ on, ROI", on, clip, Told(clip.video, circle)),
        ("AQ off, painted black", off, painted(clip, circle), frame_of),
        ("AQ off, cropped", off, cropped(clip, circle), frame_of),
    )
    rows: list[tuple[str, ...]] = []
    plain = 0.0
    for name, make, source, framed in tries:
        coded = encode(make, source.pictures, source.video, target(rate_bps), framed=framed)
        inside = _inside_db(coded, source)
        plain = plain or inside
        gain = f"{inside - plain:+.2f}"
        rows.append((f"{rate}, {name}", mbps(coded.bps), f"{inside:.2f}", gain, f"{coded.cpu_ms:.1f}"))
    return rows


def _words(clip: Clip) -> str:
    radius = field_of(clip.video).radius
    return (
        f"a field of radius {radius} in {clip.video.width}x{clip.video.height}; ROI is a quantiser offset of {_OFFSET}"
    )


def _inside_db(coded: Coded, source: Clip) -> float:
    return score(coded, source.pictures, source.video, inside=source.inside).inside_db


def adaptive(library: Library, *, on: bool) -> Callable[[], Encoder]:
    def options(wish: Wish) -> dict[str, str]:
        asked = dict(library.options(wish))
        name = "x264-params" if library is X264 else "x265-params"
        return asked | {name: f"{asked[name]}:aq-mode={int(on)}:aq-strength={int(on)}"}

    speed = {} if library is X264 else {"speed": "ultrafast"}
    return software(replace(library, options=options), **speed)


def painted(clip: Clip, circle: Circle) -> Clip:
    """Nothing but black outside the circle."""
    video = clip.video
    inside = circle.mask(video.width, video.height)
    small = inside[::2, ::2].reshape(-1)
    kept = np.concatenate([inside.reshape(-1), small, small])
    black = np.where(np.arange(kept.size) < inside.size, 16, 128).astype(np.uint8)
    return replace(clip, pictures=[np.where(kept, picture, black) for picture in clip.pictures], _files=[])


def cropped(clip: Clip, circle: Circle) -> Clip:
    """The square around the circle."""
    box = circle.box
    planes: list[tuple[slice, slice]] = [
        (slice(box.y // by, (box.y + box.height) // by), slice(box.x // by, (box.x + box.width) // by))
        for by in (1, 2, 2)
    ]
    video = replace(clip.video, width=box.width, height=box.height)
    pictures = [
        np.concatenate([plane[part].reshape(-1) for plane, part in zip(_planes(one, clip.video), planes, strict=True)])
        for one in clip.pictures
    ]
    inside: Mask = circle.mask(clip.video.width, clip.video.height)[planes[0]]
    return Clip(clip.name, video, pictures, clip.says, inside)


def _planes(flat: Bytes, video: VideoFormat) -> tuple[Bytes, Bytes, Bytes]:
    width, height = video.width, video.height
    blue, red = np.split(flat[width * height :].reshape(2, -1), 2)
    half = (height // 2, width // 2)
    return flat[: width * height].reshape(height, width), blue.reshape(half), red.reshape(half)


class Told:
    """Frames that carry which part of them does not matter, as FFmpeg's `addroi` says it. The first region that
    holds a block counts, so the field comes before the whole."""

    def __init__(self, video: VideoFormat, circle: Circle) -> None:
        graph = av.filter.Graph()
        layout = av.VideoFormat("yuv420p")
        chain = [graph.add_buffer(width=video.width, height=video.height, format=layout, time_base=_TIME_BASE)]
        chain += [_region(graph, part, 0) for part in strips(circle, video)]
        chain += [_region(graph, Rect(0, 0, video.width, video.height), _OFFSET), graph.add("buffersink")]
        for before, after in pairwise(chain):
            before.link_to(after)
        graph.configure()
        self._graph, self._source = graph, chain[0]

    def __call__(self, picture: Bytes, video: VideoFormat, index: int) -> Frame:
        shaped = av.VideoFrame.from_numpy_buffer(picture.reshape(video.height * 3 // 2, video.width), format="yuv420p")
        shaped.pts, shaped.time_base = index, _TIME_BASE
        self._source.push(shaped)
        frame = frame_of(picture, video, index)
        return replace(frame, lease=Lease(frame.lease.planes, native=self._graph.vpull()))


def _region(graph: av.filter.Graph, part: Rect, offset: float) -> av.filter.FilterContext:
    return graph.add("addroi", f"{part.x}:{part.y}:{part.width}:{part.height}:{offset}")


def strips(circle: Circle, video: VideoFormat) -> list[Rect]:
    """The circle as rectangles that cover it, one for each strip of the picture."""
    parts = []
    for top in range(0, video.height, _STRIP_PX):
        bottom = min(top + _STRIP_PX, video.height)
        off = max(0, top - circle.y, circle.y - bottom)
        if off < circle.radius:
            reach = math.ceil(math.sqrt(circle.radius**2 - off**2))
            left, right = max(0, circle.x - reach), min(video.width, circle.x + reach)
            parts.append(Rect(left, top, right - left, bottom - top))
    return parts
