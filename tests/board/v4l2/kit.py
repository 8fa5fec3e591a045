"""What tests of the V4L2 source share: a receiver with its driver, pictures taken by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from board.v4l2.kernel import Kernel
from board.v4l2.profile import CaptureProfile, read_profiles
from board.v4l2.receiver import ReceiverWish
from board.v4l2.source import V4l2Source, V4l2Wish
from edge.model.frame import Frame
from edge.model.signal import Signal
from edge.ports import Clock
from tests.board.v4l2.drivers.capture import CaptureNode
from tests.board.v4l2.drivers.program import EDID

PROFILES: Mapping[str, CaptureProfile] = read_profiles()


def source_of(
    driver: CaptureNode,
    *,
    clock: Clock,
    wish: V4l2Wish | None = None,
    kernel: Kernel | None = None,
    path: str = "",
    rebind: Callable[[str], bool] = lambda path: False,
) -> V4l2Source:
    where = path or driver.path  # type: ignore[attr-defined]
    return V4l2Source(
        clock=clock,
        kernel=kernel or driver.kernel,
        find=lambda: where,
        profiles=PROFILES,
        wish=wish or V4l2Wish(ReceiverWish(edid_for=lambda profile: EDID)),
        rebind=rebind,
    )


def taken(source: V4l2Source, seconds: float, *, clock: Clock) -> Iterator[Frame | Signal]:
    """What reads give in that time; frames are still on loan."""
    end_ns = clock.mono_ns() + round(seconds * 1e9)
    while clock.mono_ns() < end_ns:
        one = source.read(min(0.2, (end_ns - clock.mono_ns()) / 1e9))
        if one is not None:
            yield one
