"""The buffers that an encoder fills for one picture, until they make a whole unit."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from board.v4l2.coding import Coding, Picture
from edge.model.errors import EncoderFailed

_NEARLY_FULL_BYTES = 64


@dataclass(slots=True)
class Dropped:
    """What the encoder put out and nobody can use: `junk` buffers, units `late`, pictures `skipped`."""

    junk: int = 0
    late: int = 0
    skipped: int = 0


class UnitParts:
    """Buffers of the time `stamp_us` belong to the picture, and those without a time that follow one of them.

    No driver marks the end of a unit. A buffer that is full has a sequel, and parameter sets alone have their picture
    behind them: `unsure` then, until another buffer comes or `settle` is called. `first`: no picture has come out yet.
    """

    def __init__(self, coding: Coding, stamp_us: int, *, dropped: Dropped, first: bool) -> None:
        self._coding = coding
        self._stamp_us = stamp_us
        self._dropped = dropped
        self._first = first
        self._parts: list[bytes] = []
        self.picture: Picture | None = None
        self.done = False
        self.unsure = False
        self.lost = False  # a unit came too late, on which those after it may build

    def add(self, data: bytes, stamp_us: int, *, room: int) -> None:
        """A buffer of `room` bytes. Raises EncoderFailed `encoder_garbage`."""
        if stamp_us != self._stamp_us and not (self._parts and stamp_us == 0):
            self._set_aside(data, late=stamp_us != 0)
        elif data:
            self._parts.append(data)
            self.unsure = len(data) >= room - _NEARLY_FULL_BYTES
            if not self.unsure:
                self._close()

    def settle(self) -> None:
        """Nothing more came: what is there is whole, or the picture was left out. Raises EncoderFailed."""
        self.unsure = False
        if self._parts:
            self._close()
        if not self.done and not self._first:  # at its lowest rates an encoder leaves a picture out
            self._dropped.skipped += 1
            self.done, self.unsure = True, False

    def _close(self) -> None:
        whole, self._parts = b"".join(self._parts), []
        self.picture = self._coding.picture(whole)
        self.done = self.picture is not None
        self.unsure = not self.done and not self._first

    def _set_aside(self, data: bytes, *, late: bool) -> None:
        """Of another time: junk that comes first on some hardware, or what came too late. Parameter sets are kept."""
        if late:
            self._dropped.late += 1
            self.lost = True
            return
        self._dropped.junk += 1
        with contextlib.suppress(EncoderFailed):
            self._coding.picture(data)
