"""Where in the driver's buffers the planes of a picture lie, by pixel format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from board.v4l2.abi.numbers import fourcc
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

    @property
    def planar(self) -> bool:
        """Whether more than one plane lies in a buffer, so that its number of rows decides where."""
        return self.buffers == 1 and self.pixel in _CHROMA

    @property
    def number(self) -> int:
        """The kernel's V4L2_PIX_FMT_*."""
        return fourcc(self.code)


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
_PIXEL_BYTES = {  # of the first plane, where it is not 1
    Pixel.UYVY422: 2,
    Pixel.YUYV422: 2,
    Pixel.RGB24: 3,
    Pixel.BGR24: 3,
    Pixel.P010: 2,
}
_CHROMA: Mapping[Pixel, tuple[int, int, int]] = {  # further planes, stride divisor, height divisor
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

    def check(self) -> None:
        """Raises NotSupported (`bad_stride`) when the driver's numbers cannot hold the picture."""
        for has, needs in zip(self.strides, self._row_bytes(), strict=True):
            if has < needs:
                raise self._too_small(f"rows of {has} bytes", needs)
        for has, needs in zip(self.sizes, self.needed(), strict=True):
            if has < needs:
                raise self._too_small(f"buffer of {has} bytes", needs)

    def needed(self) -> tuple[int, ...]:
        """Bytes that each memory plane of a whole picture has; 0 where a picture may have any length."""
        pixel = self.kind.pixel
        if pixel is None:
            return (self.strides[0] * self.height if self.kind.codec == "v210" else 0,)
        planes = [stride * rows for stride, rows in self._plane_shapes(pixel)]
        return tuple(planes) if self.kind.buffers > 1 else (sum(planes),)

    def planes(self, memories: Sequence[memoryview]) -> tuple[Plane, ...]:
        """The picture's planes in the buffers that the driver has filled; none for a format that is not raw."""
        if self.kind.pixel is None:
            return ()
        shapes = self._plane_shapes(self.kind.pixel)
        if self.kind.buffers > 1:
            return tuple(
                Plane(memory[: stride * rows], stride) for memory, (stride, rows) in zip(memories, shapes, strict=True)
            )
        planes, at = [], 0
        for stride, rows in shapes:
            planes.append(Plane(memories[0][at : at + stride * rows], stride))
            at += stride * rows
        return tuple(planes)

    def _plane_shapes(self, pixel: Pixel) -> list[tuple[int, int]]:
        """(stride, rows) of each plane of the picture."""
        count, across, down = _CHROMA.get(pixel, (0, 1, 1))
        further = self.strides[1:] if self.kind.buffers > 1 else (self.strides[0] // across,) * count
        return [(self.strides[0], self.height), *((stride, self.height // down) for stride in further)]

    def _row_bytes(self) -> tuple[int, ...]:
        """What a row of each memory plane holds without padding."""
        pixel = self.kind.pixel
        if pixel is None:  # v210: six pixels in 16 bytes
            return (-(-self.width // 6) * 16 if self.kind.codec == "v210" else 0,)
        first = self.width * _PIXEL_BYTES.get(pixel, 1)
        _, across, _ = _CHROMA.get(pixel, (0, 1, 1))
        return (first, *(first // across for _ in range(self.kind.buffers - 1)))

    def _too_small(self, what: str, needs: int) -> NotSupported:
        return NotSupported(
            f"{self.kind.code} {self.width}x{self.height}: the driver's {what} cannot hold {needs}", code="bad_stride"
        )
