"""Raw pictures of every pixel layout, filled with noise that holds no black."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from edge.media.cells import layout_of
from edge.model.frame import Frame, Lease, Plane, Stamps
from edge.model.video import Pixel, Range, VideoFormat

Pixels = npt.NDArray[np.uint8]


def noise(
    pixel: Pixel = Pixel.YUV420P,
    *,
    width: int = 64,
    height: int = 48,
    range: Range = Range.LIMITED,
    padding: int = 0,
    writable: bool = False,
    at_ns: int = 1_000_000_000,
    give_back: object = None,
) -> Frame:
    """Rows are `padding` bytes longer than the picture; bytes are 40 to 99."""
    video = VideoFormat(width, height, Fraction(50), pixel=pixel, range=range)
    random = np.random.default_rng(7)
    planes = []
    for layout in layout_of(video):
        stride = layout.row_bytes(width) + padding
        memory = random.integers(40, 100, stride * layout.rows(height), np.uint8)
        planes.append(Plane(memory.data, stride))
    lease = Lease(tuple(planes), writable=writable, give_back=give_back if callable(give_back) else None)
    return Frame(0, video, lease, Stamps(at_ns, at_ns), at_ns)


def pixels_of(frame: Frame) -> list[Pixels]:
    """Each plane's rows without padding, read by the plain formula offset = row * stride."""
    found = []
    for plane, layout in zip(frame.lease.planes, layout_of(frame.format), strict=True):
        row_bytes = layout.row_bytes(frame.format.width)
        raw = bytes(plane.memory)
        rows = [
            raw[row * plane.stride : row * plane.stride + row_bytes]
            for row in np.arange(layout.rows(frame.format.height)).tolist()
        ]
        found.append(np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), row_bytes))
    return found


def samples_of(frame: Frame) -> Pixels:
    """The three components of every pixel, at full size: (height, width, 3); 10 bits come as uint16.

    Written out by hand for each layout, so that it does not share the code under test.
    """
    parts, (h, w) = pixels_of(frame), (frame.format.height, frame.format.width)
    match frame.format.pixel:
        case Pixel.RGB24 | Pixel.BGR24:
            return parts[0].reshape(h, w, 3)
        case Pixel.UYVY422:
            quad = parts[0].reshape(h, w // 2, 4)
            y, cb, cr = quad[..., 1::2].reshape(h, w), quad[..., 0], quad[..., 2]
        case Pixel.YUYV422:
            quad = parts[0].reshape(h, w // 2, 4)
            y, cb, cr = quad[..., 0::2].reshape(h, w), quad[..., 1], quad[..., 3]
        case Pixel.NV12 | Pixel.NV16:
            y, cb, cr = parts[0], parts[1][:, 0::2], parts[1][:, 1::2]
        case Pixel.P010:
            y, both = parts[0].view("<u2") >> 6, parts[1].view("<u2") >> 6
            cb, cr = both[:, 0::2], both[:, 1::2]
        case Pixel.YUV422P10:
            y, cb, cr = (part.view("<u2") for part in parts)
        case _:
            y, cb, cr = parts
    down, across = h // cb.shape[0], w // cb.shape[1]
    return np.stack([y, *(one.repeat(down, 0).repeat(across, 1) for one in (cb, cr))], axis=-1)
