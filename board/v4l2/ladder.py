"""What to try when a locked signal gives no pictures: ever stronger means, and never the last word."""

from __future__ import annotations

from enum import StrEnum


class Step(StrEnum):
    """From the mildest to the strongest."""

    REQUERY = "requery"
    RESTART = "restart_stream"
    REOPEN = "reopen"
    RESET = "reset_subdevice"
    REBIND = "rebind_usb"


_PATIENCE_S = {Step.REQUERY: 0.6, Step.RESTART: 1.0, Step.REOPEN: 1.5, Step.RESET: 3.0, Step.REBIND: 4.0}
_LONGEST = 8.0  # patience doubles with each round, up to this many times


class RecoveryLadder:
    """`next_step` when patience is over; `climbed_down` once pictures flow. After the top it starts over, slower."""

    def __init__(self, *, can_rebind: bool, can_reset: bool) -> None:
        self._steps = [
            step for step in Step if (step is not Step.REBIND or can_rebind) and (step is not Step.RESET or can_reset)
        ]
        self._at = 0
        self._round = 0
        self.tried: Step | None = None

    @property
    def rounds(self) -> int:
        """How often the top was reached in vain."""
        return self._round

    def patience_ns(self, *, first_picture: bool) -> int:
        """How long to wait for a picture before the next means; longer for the first after a start."""
        seconds = _PATIENCE_S[self.tried] if self.tried is not None else _PATIENCE_S[Step.REQUERY]
        if first_picture:
            seconds = max(seconds, 2.5)
        return round(seconds * min(2.0**self._round, _LONGEST) * 1e9)

    def next_step(self) -> Step:
        step = self._steps[self._at]
        self.tried = step
        self._at += 1
        if self._at == len(self._steps):
            self._at, self._round = 0, self._round + 1
        return step

    def climbed_down(self) -> None:
        self._at, self._round, self.tried = 0, 0, None
