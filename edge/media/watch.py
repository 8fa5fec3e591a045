"""What a locked source may be doing instead of showing a picture: hints, never alarms by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from edge.media.layout import brightness
from edge.model.frame import Frame
from edge.model.video import Range

_BLACK_AFTER_NS = 2_000_000_000
_EVERY_ROW, _EVERY_COLUMN = 31, 37
# Black is 16 or 0; up to 8 more are noise of an analogue stage
_BLACK_UP_TO = {Range.LIMITED: 24, Range.FULL: 8}


class HintCode(StrEnum):
    BLACK_PICTURE = "black_picture"
    FROZEN_PICTURE = "frozen_picture"


@dataclass(frozen=True, slots=True)
class Hint:
    """`detail` is a sentence for people."""

    code: HintCode
    detail: str


BLACK = Hint(HintCode.BLACK_PICTURE, "possible HDCP, or the source is in stand-by")
FROZEN = Hint(
    HintCode.FROZEN_PICTURE,
    "the source repeats one picture; a capture dongle shows such a card when it has no input",
)


class BlackWatch:
    """Notices that all sparse samples have been near black for `after_ns`. A dark scene may do so too."""

    def __init__(self, *, after_ns: int = _BLACK_AFTER_NS) -> None:
        self._after_ns = after_ns
        self._black_since_ns: int | None = None

    def observe(self, frame: Frame) -> bool:
        """Whether the picture has been black for long enough; the first one that is not black ends it."""
        samples = brightness(frame, every_row=_EVERY_ROW, every_column=_EVERY_COLUMN)
        if samples.max() > _BLACK_UP_TO[frame.format.range]:
            self._black_since_ns = None
            return False
        captured_ns = frame.stamps.captured_ns
        if self._black_since_ns is None:
            self._black_since_ns = captured_ns
        return captured_ns - self._black_since_ns >= self._after_ns


def hint_of(*, black: bool, frozen: bool) -> Hint | None:
    """Black says more of the cause than frozen: a picture cut off by HDCP is both."""
    if black:
        return BLACK
    return FROZEN if frozen else None
