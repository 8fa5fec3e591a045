"""Which broker the link goes to: the route's, or one that a desired document names, on trial first."""

from __future__ import annotations

from dataclasses import replace

from edge.link.desired import LinkWish
from edge.link.engine import Broker
from edge.link.route import Route
from edge.ports import Clock

TRIAL_S = 180.0
_OWN_BROKER_SPREAD_S = 0.5  # one box on one broker: nobody to make room for


class Network:
    """A changed broker is tried first: `adopt` makes it hold, `revert` goes back. The link is told through the route.

    What a document says of the broker is for the address of the route as it was then: once that leads elsewhere, it is
    the route's.
    """

    def __init__(self, *, route: Route, spread_s: float, clock: Clock) -> None:
        self._route = route
        self._configured_spread_s = self._spread_s = spread_s
        self._clock = clock
        self._held = self._trial = LinkWish()
        self._held_for = self._trial_for = self.home
        self._trying = False
        self._until_ns = 0

    @property
    def home(self) -> str:
        """Where the route leads, without any document; a renewed certificate changes nothing of it."""
        return self._route.broker.where

    @property
    def broker(self) -> Broker:
        return self._of(self._trial) if self.on_trial else self._holds

    @property
    def spread_s(self) -> float:
        alone = self._route.own and self.broker == self._route.broker
        return min(self._spread_s, _OWN_BROKER_SPREAD_S) if alone else self._spread_s

    @property
    def on_trial(self) -> bool:
        return self._trying and self._trial_for == self.home

    @property
    def left_s(self) -> float:
        """Of the trial."""
        return max(0.0, (self._until_ns - self._clock.mono_ns()) / 1e9)

    def changes(self, wish: LinkWish) -> bool:
        """Whether that names another broker than the one that holds."""
        return self._of(wish) != self._holds

    def adopt(self, wish: LinkWish) -> None:
        """From now on this holds."""
        before = self.broker
        self._held, self._held_for, self._trying = wish, self.home, False
        spread_s = wish.reconnect_spread_s
        self._spread_s = self._configured_spread_s if spread_s is None else spread_s
        if self.broker != before:
            self._route.leave()

    def try_out(self, wish: LinkWish) -> None:
        """For `TRIAL_S` the link may look for that one."""
        self._trial, self._trial_for, self._trying = wish, self.home, True
        self._until_ns = self._clock.mono_ns() + round(TRIAL_S * 1e9)
        self._route.leave()

    def revert(self) -> None:
        """Back to what holds; nothing where there is no trial."""
        if self._trying:
            self._trying = False
            self._route.leave()

    @property
    def _holds(self) -> Broker:
        return self._of(self._held) if self._held_for == self.home else self._route.broker

    def _of(self, wish: LinkWish) -> Broker:
        """The route's way of proving itself goes with it wherever it is."""
        if wish.broker is None:
            return self._route.broker
        host, port = wish.broker
        return replace(self._route.broker, host=host, port=port)
