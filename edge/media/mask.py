"""Privacy masks: rectangles blacked out in the raw picture, before any encoder sees it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from edge.media.cells import PlaneLayout, layout_of
from edge.media.layout import Bytes, plane_rows
from edge.model.frame import Frame, Lease, Plane
from edge.model.rect import Rect

_KEPT = 4  # the mixer's newest, one in a rung's mailbox, one in its encoder, one that is drawn


class Masker:
    """Blacks rectangles out, on a copy unless the lease is writable.

    Copies are made in buffers of its own, which are used again once their leases are back.
    """

    def __init__(self) -> None:
        self._free: deque[npt.NDArray[np.uint8]] = deque(maxlen=_KEPT)

    def over(self, frame: Frame, rects: Sequence[Rect], *, keep: bool = False) -> Frame:
        """The picture with those rectangles exactly black; the lease is taken over.

        `keep`: somebody else needs the picture as it is, so that a copy is made in any case.
        The lease of the result never has a `native`: that might be another memory, unmasked.
        """
        if not rects:
            return frame
        lease = frame.lease
        if keep or not lease.writable or any(plane.memory.readonly for plane in lease.planes):
            return black_out(self._copy(frame), rects)
        bare = Lease(lease.planes, generation=lease.generation, writable=True, give_back=lease.release)
        return black_out(replace(frame, lease=bare), rects)

    def _copy(self, frame: Frame) -> Frame:
        video, source = frame.format, frame.lease
        shapes = [(layout.rows(video.height), layout.row_bytes(video.width)) for layout in layout_of(video)]
        buffer = self._take(sum(rows * row_bytes for rows, row_bytes in shapes))
        planes, at = [], 0
        for plane, (rows, row_bytes) in zip(source.planes, shapes, strict=True):
            part = buffer[at : at + rows * row_bytes]
            part.reshape(rows, row_bytes)[:] = plane_rows(plane, rows, row_bytes)
            planes.append(Plane(part.data, row_bytes))
            at += rows * row_bytes
        source.release()
        lease = Lease(tuple(planes), writable=True, give_back=lambda: self._free.append(buffer))
        return replace(frame, lease=lease)

    def _take(self, size: int) -> npt.NDArray[np.uint8]:
        while self._free:
            try:
                buffer = self._free.popleft()  # leases end in any thread, but only this one takes
            except IndexError:
                break
            if buffer.size == size:
                return buffer
        return np.empty(size, np.uint8)


def black_out(frame: Frame, rects: Sequence[Rect]) -> Frame:
    """Draw on the frame's own memory. Where pixels share chroma a rectangle grows to even sides."""
    video = frame.format
    grown = [rect.grown_to_even() for rect in rects] if not video.pixel.is_rgb else rects
    for plane, layout in zip(frame.lease.planes, layout_of(video), strict=True):
        rows = plane_rows(plane, layout.rows(video.height), layout.row_bytes(video.width))
        for rect in grown:
            _fill(rows, layout, rect)
    return frame


def _fill(rows: Bytes, layout: PlaneLayout, rect: Rect) -> None:
    cell = len(layout.black)
    left, top = rect.x // layout.across * cell, rect.y // layout.down
    right, bottom = layout.row_bytes(rect.x + rect.width), layout.rows(rect.y + rect.height)
    target = rows[top:bottom, left:right]
    target[:] = np.frombuffer(layout.black * (target.shape[1] // cell), np.uint8)
