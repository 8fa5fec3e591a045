"""What tests of the V4L2 source share: a receiver with its driver, pictures taken by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from board.v4l2.kernel import Kernel
from board.v4l2.profile import CaptureProfile, read_profiles
from board.v4l2.receiver import ReceiverWish
from board.v4l2.source import V4l2Source, V4l2Wish
from edge.model.frame import Frame
from edge.model.signal import Signal, SignalState
from edge.ports import Clock
from tests.board.kit import HandClock
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


def frames(source: V4l2Source, clock: HandClock, seconds: float) -> list[Frame]:
    """Released at once."""
    found = []
    for one in taken(source, seconds, clock=clock):
        if isinstance(one, Frame):
            one.lease.release()
            found.append(one)
    return found


def until(source: V4l2Source, clock: HandClock, wanted: Callable[[object], bool], *, seconds: float = 30) -> object:
    for one in taken(source, seconds, clock=clock):
        if isinstance(one, Frame):
            one.lease.release()
        if wanted(one):
            return one
    raise AssertionError(f"not in {seconds} s; signal is {source.signal()}")


def first_frame(source: V4l2Source, clock: HandClock, *, seconds: float = 10) -> Frame:
    found = until(source, clock, lambda one: isinstance(one, Frame), seconds=seconds)
    assert isinstance(found, Frame)
    return found


def state(source: V4l2Source, clock: HandClock, wanted: SignalState, *, seconds: float = 30) -> Signal:
    found = until(source, clock, lambda one: isinstance(one, Signal) and one.state is wanted, seconds=seconds)
    assert isinstance(found, Signal)
    return found


def climbing(source: V4l2Source, steps: int) -> list[str]:
    """The next means that it tries."""
    tried = []
    for _ in range(steps):
        before = (source.detail()["recovery"], source.detail()["recovery_rounds"])
        for _ in range(4000):
            source.read(0.02)
            if (source.detail()["recovery"], source.detail()["recovery_rounds"]) != before:
                break
        tried.append(source.detail()["recovery"])
    return tried
