"""Pictures as an endoscope's: a round field with tissue, vessels, highlights and an instrument, a black surround.

Drawn from fixed random numbers, the same each time. The scope pans, breathes and turns a little, the tissue beats, the
instrument moves on its own, the camera is noisy, and letters stand in the surround, one line of which runs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from edge.media.painter import PillowPainter
from edge.model.rect import Rect
from edge.model.video import VideoFormat

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
_BLACK = 16
_FIELD_NOISE = 1.5  # standard deviation in code values
_LINES = ("SCOPE 30 DEG", "GAIN +6 dB", "LIGHT AUTO")


@dataclass(frozen=True, slots=True)
class Circle:
    """Centre and radius in pixels."""

    x: int
    y: int
    radius: int

    @property
    def box(self) -> Rect:
        return Rect(self.x - self.radius, self.y - self.radius, 2 * self.radius, 2 * self.radius)

    def mask(self, width: int, height: int) -> NDArray[np.bool_]:
        rows, columns = np.ogrid[0:height, 0:width]
        inside: NDArray[np.bool_] = (columns - self.x) ** 2 + (rows - self.y) ** 2 < self.radius**2
        return inside


def field_of(video: VideoFormat) -> Circle:
    """The round field in the middle, nearly as high as the picture."""
    return Circle(video.width // 2, video.height // 2, video.height // 2 * 31 // 32 & ~1)


class EndoscopeView:
    """Draws pictures of one format as flat yuv420p, limited range. `surround_noise`: its standard deviation there."""

    def __init__(self, video: VideoFormat, *, surround_noise: float = 0.8) -> None:
        self.video = video
        self._surround_noise = surround_noise
        self.field = field_of(video)
        self._random = np.random.default_rng(11)
        self._side = 2 * self.field.radius
        self._tissue = self._paint_tissue()
        self._gleam = _picture(255 * np.clip(_clouds(self._random, self._canvas, 40) * 5 - 11, 0, 1))
        self._tool, self._tool_cover = _paint_instrument(self._side)
        self._round = Circle(self.field.radius, self.field.radius, self.field.radius).mask(self._side, self._side)
        self._light = self._vignette()
        self._noise = self._random.normal(0, 1, (video.height + 64, video.width + 64)).astype(np.float32)
        self._painter = PillowPainter()

    def pictures(self, count: int) -> Iterator[Bytes]:
        for index in range(count):
            yield self.picture(index)

    def picture(self, index: int) -> Bytes:
        """What the camera sees at that picture period."""
        seconds = float(index / self.video.fps)
        luma, blue, red = self._scene(seconds)
        video, box = self.video, self.field.box
        whole = np.full((video.height, video.width), _BLACK + 1, np.float32)
        part = whole[box.y : box.y + box.height, box.x : box.x + box.width]
        part[self._round] = luma[self._round]
        whole += self._grain(index, part=box)
        self._write(whole, index)
        flat = [np.clip(np.rint(whole), 1, 254).astype(np.uint8).reshape(-1)]
        small = self._round[::2, ::2]
        for colour in (blue, red):
            plane = np.full((video.height // 2, video.width // 2), 128, np.uint8)
            rows = plane[box.y // 2 : (box.y + box.height) // 2, box.x // 2 : (box.x + box.width) // 2]
            rows[small] = colour[small]
            flat.append(plane.reshape(-1))
        return np.concatenate(flat)

    @property
    def _canvas(self) -> int:
        return self._side * 3 // 2

    def _paint_tissue(self) -> tuple[Image.Image, Image.Image, Image.Image]:
        """Luma, Cb and Cr, larger than the field."""
        random, side = self._random, self._canvas
        folds, fine = _clouds(random, side, 5), _clouds(random, side, 160)
        vessels = np.maximum(_ridges(_clouds(random, side, 7), 0.06), 0.7 * _ridges(_clouds(random, side, 22), 0.07))
        luma = 118 + 26 * folds + 7 * fine - 34 * vessels
        return _picture(luma), _picture(112 - 5 * folds + 3 * vessels), _picture(160 + 6 * folds + 9 * vessels)

    def _vignette(self) -> Floats:
        rows, columns = np.ogrid[-1 : 1 : self._side * 1j, -1 : 1 : self._side * 1j]  # type: ignore[misc]
        return np.asarray(1 - 0.5 * (rows**2 + columns**2), np.float32)

    def _scene(self, seconds: float) -> tuple[Floats, Bytes, Bytes]:
        """Luma with light and highlights, Cb and Cr, of the square around the field."""
        pose = _scope_pose(seconds, self._side)
        luma = np.asarray(_seen(self._tissue[0], pose, self._side, fine=True), np.float32)
        gleam = np.asarray(_seen(self._gleam, _lagging(pose), self._side), np.float32) / 255
        luma = _BLACK + (luma - _BLACK) * self._light
        luma += gleam * (232 - luma)
        hand = _hand_pose(seconds, self._side)
        cover = np.asarray(_seen(self._tool_cover, hand, self._side), np.float32) / 255
        luma += cover * (np.asarray(_seen(self._tool, hand, self._side), np.float32) - luma)
        colours = []
        for plane in self._tissue[1:]:
            colour = np.asarray(_seen(plane, pose, self._side, half=True), np.float32)
            grey = np.maximum(cover[::2, ::2], gleam[::2, ::2])
            colours.append(np.clip(np.rint(colour + grey * (128 - colour)), 16, 240).astype(np.uint8))
        return luma, colours[0], colours[1]

    def _grain(self, index: int, *, part: Rect) -> Floats:
        dx, dy = index * 37 % 64, index * 23 % 64
        shot = self._noise[dy : dy + self.video.height, dx : dx + self.video.width]
        grain = shot * np.float32(self._surround_noise)
        rows = slice(part.y, part.y + part.height), slice(part.x, part.x + part.width)
        grain[rows][self._round] = shot[rows][self._round] * np.float32(_FIELD_NOISE)
        return grain

    def _write(self, luma: Floats, index: int) -> None:
        letter_px = max(8, self.video.height // 40)
        for line, text in enumerate((*_LINES, f"TIME {index / float(self.video.fps):08.3f}")):
            width, height, cover = self._painter.text(text, letter_px)
            top, left = self.video.height // 10 + 2 * line * letter_px, self.video.width // 60
            ink = np.frombuffer(cover, np.uint8).reshape(height, width)[:, : self.video.width - left] / np.float32(255)
            room = luma[top : top + height, left : left + ink.shape[1]]
            room += ink * (220 - room)


_Pose = tuple[float, float, float, float]  # pan right and down in pixels, turn in radians, zoom


def _scope_pose(seconds: float, side: int) -> _Pose:
    """A hand that pans by a seventh of the field, a patient who breathes, a heart that beats."""
    beat = 0.004 * side * max(0.0, math.sin(7.5 * seconds)) ** 3
    right = 0.14 * side * math.sin(2.2 * seconds) + beat
    down = 0.06 * side * math.sin(1.7 * seconds + 1) + beat
    return right, down, 0.05 * math.sin(1.1 * seconds), 1 + 0.05 * math.sin(1.9 * seconds)


def _lagging(pose: _Pose) -> _Pose:
    """Highlights stand still on a sphere that turns; on tissue they follow it less than it moves."""
    right, down, turn, zoom = pose
    return 0.55 * right, 0.55 * down, turn, zoom


def _hand_pose(seconds: float, side: int) -> _Pose:
    """The instrument's: a canvas as large as the field."""
    right = 0.07 * side * math.sin(3.1 * seconds)
    return right, 0.05 * side * math.sin(2.3 * seconds), 0.1 * math.sin(1.3 * seconds), 1.0


def _seen(canvas: Image.Image, pose: _Pose, side: int, *, half: bool = False, fine: bool = False) -> Image.Image:
    """The field's square of that canvas in that pose."""
    right, down, turn, zoom = pose
    size, step = (side // 2, 2) if half else (side, 1)
    a, b = math.cos(turn) / zoom * step, math.sin(turn) / zoom * step
    middle, centre = canvas.width / 2, size / 2
    x = middle + right - a * centre - b * centre
    y = middle + down + b * centre - a * centre
    smooth = Image.Resampling.BICUBIC if fine else Image.Resampling.BILINEAR
    return canvas.transform((size, size), Image.Transform.AFFINE, (a, b, x, -b, a, y), smooth)


def _clouds(random: np.random.Generator, side: int, cells: int) -> Floats:
    """Soft noise about 0 with a standard deviation of 1: `cells` bumps across, and finer ones on them."""
    total = np.zeros((side, side), np.float32)
    for octave in range(4):
        count = cells << octave
        if count > side:
            break
        small = Image.fromarray(random.normal(0, 1, (count, count)).astype(np.float32))
        total += np.asarray(small.resize((side, side), Image.Resampling.BICUBIC)) / np.float32(2**octave)
    return total / total.std()


def _ridges(clouds: Floats, width: float) -> Floats:
    """1 along the lines where the clouds cross 0, 0 away from them."""
    return np.clip(1 - np.abs(clouds) / np.float32(width), 0, 1)


def _picture(values: Floats) -> Image.Image:
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def _paint_instrument(side: int) -> tuple[Image.Image, Image.Image]:
    """A grasper of steel from the lower right: (luma, cover). Grooves and teeth are a few pixels wide."""
    long, thick = side * 3 // 5, max(8, side // 11)
    shaft, cover = Image.new("L", (2 * long, 3 * thick), 0), Image.new("L", (2 * long, 3 * thick), 0)
    draw, shape = ImageDraw.Draw(shaft), ImageDraw.Draw(cover)
    for row in range(thick):  # a cylinder's shading
        bright = 70 + round(130 * math.sin(math.pi * (row + 0.5) / thick) ** 2)
        draw.line((thick * 3, thick + row, 2 * long, thick + row), fill=bright)
    for x in range(thick * 3, thick * 9, 6):
        draw.line((x, thick, x, 2 * thick), fill=60, width=2)
    shape.rectangle((thick * 3, thick, 2 * long, 2 * thick), fill=255)
    for up in (1, -1):
        jaw = _jaw(thick, up)
        draw.polygon(jaw, fill=170)
        shape.polygon(jaw, fill=255)
    turned = [_laid(one, side) for one in (shaft, cover)]
    return turned[0], turned[1]


def _jaw(thick: int, up: int) -> list[tuple[float, float]]:
    """A long triangle with teeth on its inner side."""
    middle = 1.5 * thick
    teeth = [
        (thick * 0.3 + step * thick / 10, middle + up * thick * (0.5 if step % 2 else 0.42) * (1 - step / 28))
        for step in range(28)
    ]
    return [
        (thick * 0.2, middle + up * thick * 0.95),
        *teeth,
        (thick * 3.2, middle),
        (thick * 3.2, middle + up * thick / 2),
    ]


def _laid(flat: Image.Image, side: int) -> Image.Image:
    """Tip a little below the middle of a square, shaft towards the lower right."""
    turn = math.radians(35)
    a, b = math.cos(turn), math.sin(turn)
    tip_x, tip_y = 0.45 * side, 0.52 * side
    x, y = -a * tip_x - b * tip_y, b * tip_x - a * tip_y + flat.height / 2
    return flat.transform((side, side), Image.Transform.AFFINE, (a, b, x, -b, a, y), Image.Resampling.BICUBIC)
