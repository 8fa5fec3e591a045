"""Which broker the link goes to: the one that holds, or one on trial. Pure, but for the clock."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from edge.link.desired import LinkWish
from edge.link.engine import Broker
from edge.ports import Clock

TRIAL_S = 180.0


class Network:
    """A changed broker is tried first: `confirm` makes it hold, `revert` goes back.

    `moved` is set whenever the link should leave the broker that it has.
    """

    def __init__(self, *, configured: Broker, spread_s: float, clock: Clock) -> None:
        self._configured = configured
        self._configured_spread_s = spread_s
        self._clock = clock
        self._held = configured
        self._trial: Broker | None = None
        self._until_ns = 0
        self.spread_s = spread_s
        self.moved = asyncio.Event()

    @property
    def broker(self) -> Broker:
        return self._trial or self._held

    @property
    def on_trial(self) -> bool:
        return self._trial is not None

    @property
    def left_s(self) -> float:
        """Of the trial."""
        return max(0.0, (self._until_ns - self._clock.mono_ns()) / 1e9)

    def changes(self, wish: LinkWish) -> bool:
        """Whether that names another broker than the one that holds."""
        return self._of(wish) != self._held

    def adopt(self, wish: LinkWish) -> None:
        """From now on this holds."""
        before = self.broker
        self._held, self._trial = self._of(wish), None
        spread_s = wish.reconnect_spread_s
        self.spread_s = self._configured_spread_s if spread_s is None else spread_s
        if self.broker != before:
            self.moved.set()

    def try_out(self, wish: LinkWish) -> None:
        """For `TRIAL_S` the link may look for that one."""
        self._trial = self._of(wish)
        self._until_ns = self._clock.mono_ns() + round(TRIAL_S * 1e9)
        self.moved.set()

    def revert(self) -> None:
        """Back to what holds; nothing where there is no trial."""
        if self._trial is not None:
            self._trial = None
            self.moved.set()

    def _of(self, wish: LinkWish) -> Broker:
        """The configured one's way of proving itself goes with it wherever it is."""
        if wish.broker is None:
            return self._configured
        host, port = wish.broker
        return replace(self._configured, host=host, port=port)
