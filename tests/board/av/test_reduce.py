from __future__ import annotations

import av
import numpy as np
import pytest

from board.av.reduce import REDUCIBLE, reduce_to
from edge.model.frame import Plane
from edge.model.video import Pixel
from tests.raw_bars import planes_of


def _reduced(pixel: Pixel, *planes: np.ndarray) -> tuple[np.ndarray, ...]:
    target = av.VideoFrame(planes[0].shape[1], planes[0].shape[0], "yuv420p")
    flat = [np.ascontiguousarray(plane) for plane in planes]
    reduce_to(target, pixel, tuple(Plane(memoryview(rows.tobytes()), rows.strides[0]) for rows in flat))
    return planes_of(target)


def test_every_code_of_ten_bits_becomes_the_nearest_of_eight() -> None:
    codes = np.tile(np.arange(1024, dtype="<u2"), (16, 1))
    wanted = np.minimum((codes[0].astype(int) + 2) // 4, 255)
    neutral = np.full((16, 512), 512, "<u2")
    assert (_reduced(Pixel.YUV422P10, codes, neutral, neutral)[0] == wanted).all()
    assert (_reduced(Pixel.P010, codes << 6, np.full((8, 1024), 512 << 6, "<u2"))[0] == wanted).all()


@pytest.mark.parametrize(("upper", "lower", "mean"), [(0, 255, 128), (255, 255, 255), (100, 101, 101), (16, 17, 17)])
def test_chroma_is_the_mean_of_two_rows_half_up(upper: int, lower: int, mean: int) -> None:
    luma = np.zeros((16, 32), np.uint8)
    cb = np.tile(np.array([[upper], [lower]], np.uint8), (8, 16))
    cr = np.full((16, 16), 7, np.uint8)
    for pixel, planes in (
        (Pixel.YUV422P, (luma, cb, cr)),
        (Pixel.NV16, (luma, np.stack((cb, cr), axis=-1).reshape(16, 32))),
    ):
        _, found_cb, found_cr = _reduced(pixel, *planes)
        assert (found_cb == mean).all()
        assert (found_cr == 7).all()


def test_it_reduces_what_swscale_does_badly() -> None:
    assert {Pixel.NV16, Pixel.YUV422P, Pixel.YUV422P10, Pixel.P010} == REDUCIBLE
