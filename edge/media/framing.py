"""What becomes of each raw picture on its way to the encoders: cropped, masked, or withheld."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edge.media.crop import crop_of
from edge.model.errors import Invalid
from edge.model.picture import PictureSpec
from edge.model.rect import Rect
from edge.model.video import VideoFormat

NO_PLAN = "the box does not know yet what is to be masked"


@dataclass(frozen=True, slots=True)
class Fit:
    """The wish for the picture as it comes out for one format of the source.

    `blacks` are told in the pixels of what is sent. `withheld`: why no masked picture can be made.
    """

    source: VideoFormat
    sent: VideoFormat
    crop: Rect | None = None
    crop_trouble: str = ""
    blacks: tuple[Rect, ...] = ()
    withheld: str = ""


def fit(spec: PictureSpec | None, video: VideoFormat) -> Fit:
    """A mask that does not fit withholds the picture: what it should hide must not leave the house.

    A crop that does not fit shows the whole picture and says so: it chooses what to show, and an
    expert who sees too much is better off than one who sees nothing. It must not be used to hide.
    """
    if spec is None:
        return Fit(video, video, withheld=NO_PLAN)
    crop, trouble = _crop(spec, video)
    sent = video if crop is None else replace(video, width=crop.width, height=crop.height)
    size = (video.width, video.height)
    rects = spec.blacks(size)
    if rects is None:
        reason = spec.withheld or _unfit(spec, size)
        return Fit(video, sent, crop, trouble, withheld=reason)
    whole = Rect(0, 0, video.width, video.height)
    seen = crop or whole
    blacks = tuple(part for rect in rects if (part := _inside(rect, seen)) is not None)
    return Fit(video, sent, crop, trouble, blacks)


def _crop(spec: PictureSpec, video: VideoFormat) -> tuple[Rect | None, str]:
    if spec.crop is None:
        return None, ""
    rect = spec.crop.on((video.width, video.height))
    if rect is None:
        made_for = "{}x{}".format(*spec.crop.of)
        return None, f"crop {spec.crop.rect} was made for {made_for}, the picture is {video.width}x{video.height}"
    try:
        return crop_of(video, rect), ""
    except Invalid as error:
        return None, str(error)


def _unfit(spec: PictureSpec, size: tuple[int, int]) -> str:
    mask = next(mask for mask in spec.masks if mask.on(size) is None)
    made_for = ", ".join(f"{width}x{height}" for width, height in mask.sizes)
    return f"the privacy mask was made for {made_for} and does not fit the picture of {size[0]}x{size[1]}"


def _inside(rect: Rect, seen: Rect) -> Rect | None:
    """The part of a rectangle that is seen, in the pixels of what is seen; None when nothing is."""
    x, y = max(rect.x, seen.x), max(rect.y, seen.y)
    right = min(rect.x + rect.width, seen.x + seen.width)
    bottom = min(rect.y + rect.height, seen.y + seen.height)
    if right <= x or bottom <= y:
        return None
    return Rect(x - seen.x, y - seen.y, right - x, bottom - y)
