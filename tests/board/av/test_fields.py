"""Interlaced pictures made whole: a still scene comes back as it was, whichever way its fields came."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from board.av.fields import Deinterlacer, Whole
from edge.model.errors import Invalid
from edge.model.frame import Plane
from edge.model.video import Pixel

Rows = NDArray[np.uint8]
WIDTH, HEIGHT = 64, 48
ROW_BYTES = {Pixel.UYVY422: (128,), Pixel.NV12: (64, 64), Pixel.YUV420P: (64, 32, 32), Pixel.RGB24: (192,)}
PLANAR = {Pixel.UYVY422: "yuv422p", Pixel.NV12: "yuv420p", Pixel.YUV420P: "yuv420p", Pixel.RGB24: "rgb24"}


def scene(pixel: Pixel, *, level: int = 0, height: int = HEIGHT) -> list[Rows]:
    """Edges from left to right, a soft slope from top to bottom: nothing that looks like a comb."""
    planes = []
    for index, row_bytes in enumerate(ROW_BYTES[pixel]):
        rows = height if index == 0 else height // 2
        columns = np.random.default_rng(index).integers(40, 160, row_bytes)
        planes.append((columns[None, :] + np.arange(rows)[:, None] + level).astype(np.uint8))
    return planes


def given(planes: list[Rows], *, padding: int = 16) -> tuple[Plane, ...]:
    """As a driver lays them out: rows with padding, other things behind."""
    laid = [np.pad(rows, ((0, 1), (0, padding)), constant_values=0xEE) for rows in planes]
    return tuple(Plane(memoryview(rows.tobytes()), rows.shape[1]) for rows in laid)


def luma(whole: Whole[int], *, height: int = HEIGHT) -> Rows:
    plane = whole.picture.planes[0]
    row_bytes = WIDTH * (3 if whole.picture.format.name == "rgb24" else 1)
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[:height, :row_bytes]


def luma_of(pixel: Pixel, planes: list[Rows]) -> Rows:
    return planes[0][:, 1::2] if pixel is Pixel.UYVY422 else planes[0]


def fed(weaver: Deinterlacer[int], pixel: Pixel, way: str, planes: list[Rows], tag: int) -> list[Whole[int]]:
    tops, bottoms = [rows[0::2] for rows in planes], [rows[1::2] for rows in planes]
    if way == "woven":
        return weaver.woven(given(planes), tag=tag)
    if way == "stacked":
        return weaver.stacked(given([np.concatenate(pair) for pair in zip(tops, bottoms, strict=True)]), tag=tag)
    first = weaver.field(given(tops), bottom=False, tag=tag)
    assert first == []
    return weaver.field(given(bottoms), bottom=True, tag=tag + 500)


def deinterlacer(pixel: Pixel, *, top_first: bool = True) -> Deinterlacer[int]:
    return Deinterlacer(width=WIDTH, height=HEIGHT, pixel=pixel, top_first=top_first)


@pytest.mark.parametrize("way", ["woven", "stacked", "single"])
@pytest.mark.parametrize("pixel", list(ROW_BYTES))
def test_a_still_scene_comes_back_exactly_and_one_picture_late(pixel: Pixel, way: str) -> None:
    weaver, planes = deinterlacer(pixel), scene(pixel)
    wholes = [fed(weaver, pixel, way, planes, tag) for tag in range(5)]
    assert [[one.tag for one in some] for some in wholes] == [[], [0], [1], [2], [3]]
    for (whole,) in wholes[1:]:
        assert whole.picture.format.name == PLANAR[pixel]
        assert (whole.picture.width, whole.picture.height) == (WIDTH, HEIGHT)
        assert np.array_equal(luma(whole), luma_of(pixel, planes))


def test_chroma_comes_back_too() -> None:
    weaver, planes = deinterlacer(Pixel.NV12), scene(Pixel.NV12)
    fed(weaver, Pixel.NV12, "single", planes, 0)
    (whole,) = fed(weaver, Pixel.NV12, "single", planes, 1)
    for index in (1, 2):
        plane = whole.picture.planes[index]
        there = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[:, : WIDTH // 2]
        assert np.array_equal(there, planes[1][:, index - 1 :: 2])


def test_bottom_first_fields_are_paired_bottom_with_top() -> None:
    weaver, planes = deinterlacer(Pixel.NV12, top_first=False), scene(Pixel.NV12)
    tops, bottoms = [rows[0::2] for rows in planes], [rows[1::2] for rows in planes]
    for tag in range(2):
        assert weaver.field(given(bottoms), bottom=True, tag=tag) == []
        wholes = weaver.field(given(tops), bottom=False, tag=100 + tag)
    assert wholes[0].tag == 0
    assert np.array_equal(luma(wholes[0]), planes[0])


def test_stacked_bottom_first_has_the_bottom_field_first_in_memory() -> None:
    weaver, planes = deinterlacer(Pixel.NV12, top_first=False), scene(Pixel.NV12)
    stacked = given([np.concatenate((rows[1::2], rows[0::2])) for rows in planes])
    weaver.stacked(stacked, tag=0)
    (whole,) = weaver.stacked(stacked, tag=1)
    assert np.array_equal(luma(whole), planes[0])


@pytest.mark.parametrize("lost", range(8))
def test_a_lost_field_does_not_shift_parity(lost: int) -> None:
    weaver, planes = deinterlacer(Pixel.NV12), scene(Pixel.NV12)
    wholes = []
    for index in range(12):
        if index != lost:
            half = [rows[index % 2 :: 2] for rows in planes]
            wholes += weaver.field(given(half), bottom=bool(index % 2), tag=index // 2)
    assert len(wholes) == 4
    assert all(np.array_equal(luma(whole), planes[0]) for whole in wholes)
    assert all(later.tag > earlier.tag for earlier, later in pairwise(wholes))


def test_moving_fields_leave_no_comb() -> None:
    """Two fields of different brightness: rows of the picture must not alternate."""
    weaver = deinterlacer(Pixel.NV12)
    wholes = []
    for tag in range(4):
        tops = [rows[0::2] for rows in scene(Pixel.NV12, level=16 * tag)]
        bottoms = [rows[1::2] for rows in scene(Pixel.NV12, level=16 * tag + 8)]
        weaver.field(given(tops), bottom=False, tag=tag)
        wholes += weaver.field(given(bottoms), bottom=True, tag=tag)
    rows = luma(wholes[1]).astype(int)[4:-4]
    assert np.abs(rows[1:-1] - (rows[:-2] + rows[2:]) / 2).max() <= 1


def test_heights_whose_chroma_has_odd_rows_are_taken() -> None:
    planes = scene(Pixel.NV12, height=46)
    weaver: Deinterlacer[int] = Deinterlacer(width=WIDTH, height=46, pixel=Pixel.NV12, top_first=True)
    for tag in range(2):
        weaver.field(given([planes[0][0::2], planes[1][0::2]]), bottom=False, tag=tag)
        wholes = weaver.field(given([planes[0][1::2], planes[1][1::2]]), bottom=True, tag=tag)
    assert np.array_equal(luma(wholes[0], height=46), planes[0])
    stacked: Deinterlacer[int] = Deinterlacer(width=WIDTH, height=46, pixel=Pixel.NV12, top_first=False)
    laid = given([np.concatenate((rows[1::2], rows[0::2])) for rows in planes])
    stacked.stacked(laid, tag=0)
    assert stacked.stacked(laid, tag=1)[0].tag == 0


def test_what_ffmpeg_refuses_is_a_corrupt_frame() -> None:
    weaver = deinterlacer(Pixel.NV12)
    weaver._graph.push(None)  # it has been told that nothing follows
    with pytest.raises(Invalid, match="interlaced picture: End of file") as refused:
        weaver.woven(given(scene(Pixel.NV12)), tag=0)
    assert refused.value.code == "corrupt_frame"
