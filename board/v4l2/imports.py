"""Buffers of a capture driver that an encoder reads in place: each keeps its descriptors and its slot."""

from __future__ import annotations

import os

from board.v4l2.buffers import BufferRing, DriverBuffer
from board.v4l2.codec_queue import Dmabuf
from edge.model.errors import EncoderFailed


class Imports:
    """As many slots as the encoder's queue has. A buffer keeps its slot, since the driver maps it once then."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._ring: BufferRing | None = None
        self._known: dict[int, tuple[int, tuple[Dmabuf, ...]]] = {}

    def slot(self, buffer: DriverBuffer) -> tuple[int, tuple[Dmabuf, ...]]:
        """(slot, its memory planes). Raises DeviceGone when its capture has ended, EncoderFailed."""
        if buffer.ring is not self._ring:  # the capture began anew: its old memory must not live on because of us
            self.close()
            self._ring = buffer.ring
        if buffer.index not in self._known:
            if len(self._known) >= self._slots:
                raise EncoderFailed(f"the capture has more buffers than the encoder has slots, {self._slots}")
            self._known[buffer.index] = (len(self._known), _exported(buffer))
        return self._known[buffer.index]

    def close(self) -> None:
        for _, planes in self._known.values():
            for plane in planes:
                os.close(plane.fd)
        self._known, self._ring = {}, None


def _exported(buffer: DriverBuffer) -> tuple[Dmabuf, ...]:
    fds: tuple[int, ...] = ()
    try:
        fds = buffer.export()
        return tuple(Dmabuf(fd, os.lseek(fd, 0, os.SEEK_END)) for fd in fds)
    except OSError as error:
        for fd in fds:
            os.close(fd)
        raise EncoderFailed(f"a captured picture cannot be exported: {os.strerror(error.errno or 0)}") from error
