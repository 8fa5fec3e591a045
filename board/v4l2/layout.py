"""Where in the driver's buffers the planes of a picture lie, by pixel format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from board.v4l2.abi.numbers import fourcc, fourcc_text
from edge.model.errors import NotSupported
from edge.model.frame import Plane
from edge.model.video import Pixel


@dataclass(frozen=True, slots=True)
class Kind:
    """One pixel format: `buffers` is how many memory planes it has, 2 or 3 for the driver's `M` variants.

    `codec` names the FFmpeg decoder of a format that is not raw; `pixel` is then None.
    """

    code: str
    pixel: Pixel | None
    buffers: int = 1
    codec: str = ""


KINDS: Mapping[str, Kind] = {
    kind.code: kind
    for kind in (  # in order of preference: no ambiguity and least work first
        Kind("UYVY", Pixel.UYVY422),
        Kind("YUYV", Pixel.YUYV422),
        Kind("NV12", Pixel.NV12),
        Kind("NM12", Pixel.NV12, buffers=2),
        Kind("YU12", Pixel.YUV420P),
        Kind("YM12", Pixel.YUV420P, buffers=3),
        Kind("NV16", Pixel.NV16),
        Kind("NM16", Pixel.NV16, buffers=2),
        Kind("422P", Pixel.YUV422P),
        Kind("P010", Pixel.P010),
        Kind("v210", None, codec="v210"),
        Kind("RGB3", Pixel.RGB24),
        Kind("BGR3", Pixel.BGR24),
        Kind("MJPG", None, codec="mjpeg"),
        Kind("JPEG", None, codec="mjpeg"),
    )
}
# bytes per pixel of the first plane's rows, and (columns, rows) by which the other planes are smaller
_FIRST = {
    Pixel.UYVY422: 2,
    Pixel.YUYV422: 2,
    Pixel.RGB24: 3,
    Pixel.BGR24: 3,
    Pixel.P010: 2,
}
_CHROMA: Mapping[Pixel, tuple[int, int, int]] = {  # planes, stride divisor, height divisor
    Pixel.NV12: (1, 1, 2),
    Pixel.P010: (1, 1, 2),
    Pixel.NV16: (1, 1, 1),
    Pixel.YUV420P: (2, 2, 2),
    Pixel.YUV422P: (2, 2, 1),
}


@dataclass(frozen=True, slots=True)
class Layout:
    """A negotiated picture: `strides` and `sizes` in bytes, one for each memory plane."""

    kind: Kind
    width: int
    height: int
    strides: tuple[int, ...]
    sizes: tuple[int, ...]

    @property
    def row_bytes(self) -> int:
        """What a row of the first plane holds without padding."""
        return self.width * _FIRST.get(self.kind.pixel or Pixel.YUV420P, 1)

    def check(self) -> None:
        """Raises NotSupported (`bad_stride`) when the driver's numbers cannot hold the picture."""
        if self.kind.codec:
            return
        if self.strides[0] < self.row_bytes:
            raise NotSupported(
                f"{self.kind.code} {self.width}x{self.height}: the driver's rows of {self.strides[0]} bytes "
                f"cannot hold {self.row_bytes}",
                code="bad_stride",
            )
        needed = self._end_of_last_plane()
        if sum(self.sizes) < needed:
            raise NotSupported(
                f"{self.kind.code} {self.width}x{self.height}: the driver's buffer of {sum(self.sizes)} bytes "
                f"cannot hold {needed}",
                code="bad_stride",
            )

    def picture_bytes(self) -> int:
        """Bytes from the first to the last pixel, all memory planes together."""
        return self._end_of_last_plane()

    def planes(self, memories: Sequence[memoryview]) -> tuple[Plane, ...]:
        """The picture's planes in the buffers that the driver has filled."""
        pixel = self.kind.pixel
        chroma = _CHROMA.get(pixel) if pixel is not None else None
        stride = self.strides[0]
        luma_end = stride * self.height
        first = Plane(memories[0][:luma_end], stride)
        if chroma is None:
            return (first,)
        count, across, down = chroma
        if self.kind.buffers > 1:
            pairs = zip(memories[1:], self.strides[1:], strict=True)
            return (first, *(Plane(memory[: own * (self.height // down)], own) for memory, own in pairs))
        own, planes, at = stride // across, [first], luma_end
        for _ in range(count):
            end = at + own * (self.height // down)
            planes.append(Plane(memories[0][at:end], own))
            at = end
        return tuple(planes)

    def _end_of_last_plane(self) -> int:
        chroma = _CHROMA.get(self.kind.pixel) if self.kind.pixel is not None else None
        luma = self.strides[0] * self.height
        if chroma is None:
            return luma
        count, across, down = chroma
        if self.kind.buffers > 1:
            return luma + sum(own * (self.height // down) for own in self.strides[1:])
        return luma + count * (self.strides[0] // across) * (self.height // down)


def kind_of(pixelformat: int) -> Kind | None:
    return KINDS.get(fourcc_text(pixelformat))


def code_number(kind: Kind) -> int:
    return fourcc(kind.code)
