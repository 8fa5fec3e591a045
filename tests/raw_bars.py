"""Known patches of colour in every raw layout, and the code values that must come of them."""

from __future__ import annotations

from itertools import pairwise

import av
import numpy as np
from numpy.typing import NDArray

from edge.model.frame import Frame, Lease, Plane, Stamps
from edge.model.video import Colorimetry, Pixel, Range, VideoFormat

Floats = NDArray[np.float64]
Samples = NDArray[np.uint16]
_T = 0.75
# Columns of the upper half: the bars of 75 %, white and black; of the lower half: full red, green, blue, greys, tissue
PATCHES: tuple[tuple[tuple[float, float, float], ...], ...] = (
    ((_T, _T, _T), (_T, _T, 0), (0, _T, _T), (0, _T, 0), (_T, 0, _T), (_T, 0, 0), (0, 0, _T), (1, 1, 1)),
    ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (0.5, 0.5, 0.5), (0.2, 0.03, 0.04), (0.82, 0.42, 0.36), (0.05,) * 3),
)
# Kr and Kb of ITU-R BT.709 3.2, BT.601 2.5.1, BT.2020 table 4; JPEG (JFIF) has those of BT.601
_KR_KB = {
    Colorimetry.BT709: (0.2126, 0.0722),
    Colorimetry.BT601: (0.299, 0.114),
    Colorimetry.SYCC: (0.299, 0.114),
    Colorimetry.BT2020: (0.2627, 0.0593),
}
UTC_NS = 1_795_000_000_123_456_789


def ycbcr(rgb: Floats, colorimetry: Colorimetry, reach: Range) -> Floats:
    """Non-linear RGB 0..1 (last axis) as 8-bit code values, not rounded."""
    kr, kb = _KR_KB[colorimetry]
    y = kr * rgb[..., 0] + (1 - kr - kb) * rgb[..., 1] + kb * rgb[..., 2]
    cb, cr = (rgb[..., 2] - y) / (2 - 2 * kb), (rgb[..., 0] - y) / (2 - 2 * kr)
    black, luma, chroma = (16, 219, 224) if reach is Range.LIMITED else (0, 255, 255)
    return np.stack((black + luma * y, 128 + chroma * cb, 128 + chroma * cr), axis=-1).clip(0, 255)


def rgb_of(codes: Floats, colorimetry: Colorimetry, reach: Range) -> Floats:
    """The reverse of `ycbcr`, as 0..255, clipped as a display does."""
    kr, kb = _KR_KB[colorimetry]
    black, luma, chroma = (16, 219, 224) if reach is Range.LIMITED else (0, 255, 255)
    y = (codes[..., 0] - black) / luma
    blue = y + (2 - 2 * kb) * (codes[..., 1] - 128) / chroma
    red = y + (2 - 2 * kr) * (codes[..., 2] - 128) / chroma
    green = (y - kr * red - kb * blue) / (1 - kr - kb)
    return (np.stack((red, green, blue), axis=-1) * 255).clip(0, 255)


def patch_codes(video: VideoFormat) -> Floats:
    """(row, column, Y Cb Cr) that the encoded picture must have in each patch."""
    return ycbcr(np.array(PATCHES), video.colorimetry, video.coded.range)


def patch_centres(width: int, height: int) -> list[tuple[int, int, slice, slice]]:
    """(row, column, rows of pixels, columns of pixels) of the middle half of each patch."""
    rows = np.linspace(0, height, len(PATCHES) + 1).astype(int).tolist()
    columns = np.linspace(0, width, len(PATCHES[0]) + 1).astype(int).tolist()
    return [
        (row, column, _middle(top, bottom), _middle(left, right))
        for row, (top, bottom) in enumerate(pairwise(rows))
        for column, (left, right) in enumerate(pairwise(columns))
    ]


def patch_means(planes: tuple[NDArray[np.uint8], ...], width: int, height: int) -> Floats:
    """(row, column, Y Cb Cr): the means of each patch's middle in three planes of any subsampling."""
    found = np.zeros((len(PATCHES), len(PATCHES[0]), len(planes)))
    for row, column, rows, columns in patch_centres(width, height):
        for index, plane in enumerate(planes):
            down, across = height // plane.shape[0], width // plane.shape[1]
            part = plane[rows.start // down : rows.stop // down, columns.start // across : columns.stop // across]
            found[row, column, index] = part.mean()
    return found


def planes_of(picture: av.VideoFrame) -> tuple[NDArray[np.uint8], ...]:
    """The planes of an 8-bit planar picture of the library without their padding."""
    flat = [np.frombuffer(memoryview(plane), np.uint8) for plane in picture.planes]
    return tuple(
        rows.reshape(plane.height, plane.line_size)[:, : plane.width]
        for rows, plane in zip(flat, picture.planes, strict=True)
    )


def bars_frame(video: VideoFormat, index: int = 0, *, padding: int = 0) -> Frame:
    """The patches in that format's layout; each row is followed by `padding` bytes of rubbish."""
    captured_ns = 10**12 + int(index * 1_000_000_000 / video.fps)
    planes = tuple(_plane(rows, padding) for rows in _layout(pattern(video), video))
    return Frame(index, video, Lease(planes), Stamps(captured_ns, captured_ns), UTC_NS + captured_ns)


def flat_frame(video: VideoFormat, rgb: tuple[float, float, float], *, padding: int = 0, rubbish: int = 0xA5) -> Frame:
    """All of one colour."""
    picture = np.broadcast_to(np.array(rgb, float), (video.height, video.width, 3))
    planes = tuple(_plane(rows, padding, rubbish) for rows in _layout(picture, video))
    return Frame(0, video, Lease(planes), Stamps(10**12, 10**12), UTC_NS)


def _middle(begin: int, end: int) -> slice:
    quarter = (end - begin) // 4
    return slice((begin + quarter) // 2 * 2, (end - quarter) // 2 * 2)


def _plane(rows: NDArray[np.uint8], padding: int, rubbish: int = 0xA5) -> Plane:
    padded = np.full((rows.shape[0], rows.shape[1] + padding), rubbish, np.uint8)
    padded[:, : rows.shape[1]] = rows
    return Plane(padded.reshape(-1).data, padded.shape[1])


def _layout(picture: Floats, video: VideoFormat) -> list[NDArray[np.uint8]]:
    """Rows of bytes for each plane of an RGB picture (0..1) of that size."""
    pixel = video.pixel
    if pixel.is_rgb:
        scaled = picture * 255 if video.range is Range.FULL else 16 + picture * 219
        samples = np.rint(scaled if pixel is Pixel.RGB24 else scaled[..., ::-1])
        return [samples.astype(np.uint8).reshape(video.height, -1)]
    ten_bit = pixel in (Pixel.YUV422P10, Pixel.P010)
    codes = ycbcr(picture, video.colorimetry, video.range) * (4 if ten_bit else 1)
    codes = np.rint(codes).clip(0, 1023 if ten_bit else 255).astype(np.uint16)
    luma, cb, cr = codes[..., 0], codes[:, ::2, 1], codes[:, ::2, 2]
    if pixel in (Pixel.YUV420P, Pixel.NV12, Pixel.P010):
        cb, cr = cb[::2], cr[::2]
    if pixel in (Pixel.UYVY422, Pixel.YUYV422):
        both = _woven(_woven(cb, cr), luma) if pixel is Pixel.UYVY422 else _woven(luma, _woven(cb, cr))
        return [both.astype(np.uint8)]
    if pixel is Pixel.P010:
        return [_wide(luma << 6), _wide(_woven(cb, cr) << 6)]
    if pixel is Pixel.YUV422P10:
        return [_wide(plane) for plane in (luma, cb, cr)]
    planes = (luma, _woven(cb, cr)) if pixel in (Pixel.NV12, Pixel.NV16) else (luma, cb, cr)
    return [plane.astype(np.uint8) for plane in planes]


def pattern(video: VideoFormat) -> Floats:
    """(height, width, RGB 0..1) with each patch in its place."""
    patches = np.array(PATCHES)
    rows = np.arange(video.height) * patches.shape[0] // video.height
    columns = np.arange(video.width) * patches.shape[1] // video.width
    return patches[rows][:, columns]


def _woven(first: Samples, second: Samples) -> Samples:
    """Samples of two planes by turns."""
    return np.stack((first, second), axis=-1).reshape(first.shape[0], -1)


def _wide(samples: Samples) -> NDArray[np.uint8]:
    return np.ascontiguousarray(samples, "<u2").view(np.uint8)
