"""A capture source on a guest's device, and what is waited for on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from board.v4l2.finder import Finder
from board.v4l2.kernel import LinuxKernel
from board.v4l2.profile import CaptureProfile, read_profiles
from board.v4l2.receiver import ReceiverWish
from board.v4l2.source import V4l2Source, V4l2Wish
from edge.model.errors import Unavailable
from edge.model.frame import Frame
from edge.model.picture import CaptureMode
from edge.model.signal import Signal, SignalState
from edge.runtime.clock import SystemClock

PATIENCE_S = 40.0


def capture(
    *,
    wanted: str = "vivid",
    input_index: int | None = None,
    kinds: tuple[str, ...] = (),
    modes: tuple[CaptureMode, ...] = (),
    edid_for: Callable[[CaptureProfile], bytes] = lambda profile: b"",
) -> V4l2Source:
    kernel, profiles = LinuxKernel(), read_profiles()
    receiver = ReceiverWish(input_index=input_index, kinds=kinds, edid_for=edid_for)
    return V4l2Source(
        clock=SystemClock(),
        kernel=kernel,
        find=Finder(kernel=kernel, profiles=profiles, wanted=wanted).find,
        profiles=profiles,
        wish=V4l2Wish(receiver=receiver, modes=modes),
    )


@contextmanager
def opened(source: V4l2Source) -> Iterator[V4l2Source]:
    source.open()
    try:
        yield source
    finally:
        source.close()


def frame_of(source: V4l2Source, *, reopen: bool = False, patience_s: float = PATIENCE_S) -> Frame:
    """The next frame. With `reopen` a device that went is opened again, as the capture loop does."""
    last: object = None
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        try:
            taken = source.read(0.2)
        except Unavailable as error:
            last = error
            if not reopen:
                raise
            _open_again(source)
            continue
        if isinstance(taken, Frame):
            return taken
        last = taken or last
    raise AssertionError(f"no frame within {patience_s:.0f} s; last heard {last}; {source.detail()}")


def size_of(source: V4l2Source, **options: Any) -> tuple[int, int]:
    """That of the next frame, which is given back."""
    frame = frame_of(source, **options)
    frame.lease.release()
    return frame.format.width, frame.format.height


def signal_of(source: V4l2Source, state: SignalState) -> Signal:
    """The next report of that state; frames before it are given back."""
    heard: dict[str, int] = {}
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        taken = source.read(0.2)
        if isinstance(taken, Signal) and taken.state is state:
            return taken
        if isinstance(taken, Frame):
            taken.lease.release()
        name = str(taken.state) if isinstance(taken, Signal) else type(taken).__name__
        heard[name] = heard.get(name, 0) + 1
    raise AssertionError(f"not {state} within {PATIENCE_S:.0f} s; heard {heard}; {source.detail()}")


def _open_again(source: V4l2Source) -> None:
    source.close()
    time.sleep(0.2)
    try:
        source.open()
    except Unavailable:
        return  # not there yet: the next read says so again
