"""The pictures of a trial: each says its number in black and white, shows known colours and moves."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edge.model.frame import Frame, Lease, Plane, Stamps
from edge.model.video import VideoFormat

Bytes = NDArray[np.uint8]

_BITS = 8
_DARK, _BRIGHT = 40, 200
# Y, Cb, Cr of BT.709's red, green, blue, of grey, near black and near white, all within limited range
PATCHES = ((63, 102, 240), (173, 42, 26), (32, 240, 118), (126, 128, 128), (24, 128, 128), (220, 128, 128))
_TOLERANCE = 8


class TrialCard:
    """Draws yuv420p of one format. Upper quarter: the number; lower: the patches; between them, what moves.

    What moves is noise with large and small features, so that a rate control has work to do.
    """

    def __init__(self, video: VideoFormat) -> None:
        self._video = video.coded
        width, height = video.width, video.height
        self._top, self._bottom = height // 4 & ~1, height - (height // 4 & ~1)
        self._planes = tuple(np.full(shape, 128, np.uint8) for shape in self._shapes())
        self._draw_patches()
        rng = np.random.default_rng(5)
        rows = self._bottom - self._top
        coarse = np.kron(rng.integers(50, 190, (rows // 16 + 1, width // 8 + 1), dtype=np.uint8), np.ones((16, 16)))
        fine = rng.integers(0, 24, (rows, 2 * width), dtype=np.uint8)
        self._texture = (coarse[:rows, : 2 * width] + fine).astype(np.uint8)

    def frame(self, number: int, captured_ns: int) -> Frame:
        """Its memory is drawn anew by the next call."""
        luma, width = self._planes[0], self._video.width
        shift = 4 * number % width
        luma[self._top : self._bottom] = self._texture[:, shift : shift + width]
        for bit, columns in enumerate(_columns(width, _BITS)):
            luma[: self._top, columns] = _BRIGHT if number >> bit & 1 else _DARK
        planes = tuple(Plane(plane.data.cast("B"), plane.shape[1]) for plane in self._planes)
        return Frame(
            seq=number,
            format=self._video,
            lease=Lease(planes),
            stamps=Stamps(captured_ns=captured_ns, dequeued_ns=captured_ns),
            utc_ns=0,
        )

    def read(self, planes: Sequence[Plane]) -> tuple[int, str]:
        """The number that a decoded picture shows, and what is wrong with its colours (empty: nothing)."""
        arrays = [
            np.frombuffer(plane.memory, np.uint8).reshape(-1, plane.stride)[:height, :width]
            for plane, (height, width) in zip(planes, self._shapes(), strict=True)
        ]
        middle = arrays[0][self._top // 4 : self._top * 3 // 4]
        bits = [_middle_of(middle[:, columns]) > (_DARK + _BRIGHT) / 2 for columns in _columns(middle.shape[1], _BITS)]
        return sum(1 << index for index, bit in enumerate(bits) if bit), self._colours(arrays)

    def _colours(self, arrays: Sequence[Bytes]) -> str:
        for index, patch in enumerate(PATCHES):
            found = []
            for array, (top, columns) in zip(arrays, self._places(index), strict=True):
                rows = array.shape[0] - top
                found.append(round(_middle_of(array[top + rows // 4 : top + rows * 3 // 4, columns])))
            if max(abs(seen - wanted) for seen, wanted in zip(found, patch, strict=True)) > _TOLERANCE:
                return f"shows the colour {tuple(found)} where {patch} (Y, Cb, Cr) was given"
        return ""

    def _draw_patches(self) -> None:
        for index, patch in enumerate(PATCHES):
            for plane, value, (top, columns) in zip(self._planes, patch, self._places(index), strict=True):
                plane[top:, columns] = value

    def _places(self, index: int) -> list[tuple[int, slice]]:
        """Top row and columns of that patch, for each plane."""
        width = self._video.width
        return [(self._bottom // scale, _columns(width // scale, len(PATCHES))[index]) for scale in (1, 2, 2)]

    def _shapes(self) -> tuple[tuple[int, int], ...]:
        width, height = self._video.width, self._video.height
        return (height, width), (height // 2, width // 2), (height // 2, width // 2)


def _columns(width: int, parts: int) -> list[slice]:
    edges = [width * index // parts for index in range(parts + 1)]
    return [slice(begin, end) for begin, end in pairwise(edges)]


def _middle_of(part: Bytes) -> float:
    """Its mean without the borders, where a codec rings."""
    margin = part.shape[1] // 4
    return float(part[:, margin : part.shape[1] - margin].mean())
