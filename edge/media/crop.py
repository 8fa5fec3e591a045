"""A picture narrowed to a part of it, without a copy."""

from __future__ import annotations

from dataclasses import replace

from edge.media.cells import layout_of
from edge.media.layout import plane_rows
from edge.model.errors import Invalid
from edge.model.frame import Frame, Lease, Plane
from edge.model.rect import Rect
from edge.model.video import VideoFormat

_LEAST_PX = 16  # a macroblock: no encoder takes less


def crop_of(video: VideoFormat, rect: Rect) -> Rect:
    """The rectangle as it can be cut: on even lines where pixels share chroma, all of `rect` inside.

    Raises Invalid `crop_outside_picture` naming both.
    """
    cut = rect.grown_to_even() if not video.pixel.is_rgb else rect
    if not cut.within(video.width, video.height):
        sentence = f"crop {rect} does not lie inside the picture of {video.width}x{video.height}"
        raise Invalid(sentence, code="crop_outside_picture")
    if cut.width < _LEAST_PX or cut.height < _LEAST_PX:
        raise Invalid(f"crop {rect}: sides must be {_LEAST_PX} pixels or more", code="crop_too_small")
    return cut


def cropped(frame: Frame, cut: Rect) -> Frame:
    """The same picture, only that part (as `crop_of` gives it); the frame's lease is taken over.

    Rows keep the stride of the whole picture, so the last one ends where the part ends.
    """
    whole = frame.lease
    planes = []
    for plane, layout in zip(whole.planes, layout_of(frame.format), strict=True):
        cell = len(layout.black)
        first = cut.y // layout.down * plane.stride + cut.x // layout.across * cell
        end = first + (layout.rows(cut.height) - 1) * plane.stride + layout.row_bytes(cut.width)
        planes.append(Plane(plane.memory[first:end], plane.stride))
    lease = Lease(tuple(planes), generation=whole.generation, writable=whole.writable, give_back=whole.release)
    return replace(frame, format=replace(frame.format, width=cut.width, height=cut.height), lease=lease)


def compact(frame: Frame) -> Frame:
    """A picture whose rows follow each other without padding; a copy only if they do not. Takes the lease over."""
    video = frame.format
    shapes = [(layout.rows(video.height), layout.row_bytes(video.width)) for layout in layout_of(video)]
    whole = zip(frame.lease.planes, shapes, strict=True)
    if all(plane.stride == row_bytes for plane, (_, row_bytes) in whole):
        return frame
    planes = tuple(
        Plane(plane_rows(plane, rows, row_bytes).copy().reshape(-1).data, row_bytes)
        for plane, (rows, row_bytes) in zip(frame.lease.planes, shapes, strict=True)
    )
    frame.lease.release()
    return replace(frame, lease=Lease(planes, writable=True))
