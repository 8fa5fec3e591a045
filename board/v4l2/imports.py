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
        """(slot, its memory planes). Raises EncoderFailed, OSError, DeviceGone."""
        if buffer.ring is not self._ring:  # the capture began anew: its old memory must not live on because of us
            self.close()
            self._ring = buffer.ring
        if buffer.index not in self._known:
            if len(self._known) >= self._slots:
                raise EncoderFailed(f"the capture has more buffers than the encoder has slots, {self._slots}")
            fds = buffer.export()
            self._known[buffer.index] = (len(self._known), tuple(Dmabuf(fd, 0) for fd in fds))  # `close` knows them now
            sizes = [os.lseek(fd, 0, os.SEEK_END) for fd in fds]
            planes = tuple(Dmabuf(fd, size) for fd, size in zip(fds, sizes, strict=True))
            self._known[buffer.index] = (len(self._known) - 1, planes)
        return self._known[buffer.index]

    def close(self) -> None:
        for _, planes in self._known.values():
            for plane in planes:
                os.close(plane.fd)
        self._known, self._ring = {}, None
