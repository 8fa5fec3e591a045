"""One viewer's data channel: answers its pings, keeps its figures, tells it what the box knows."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiortc import RTCDataChannel
from aiortc.exceptions import InvalidStateError

import edge
from edge.model.errors import Invalid
from edge.model.feedback import Role
from edge.ports import Clock
from edge.rtc import viewer_message
from edge.rtc.viewer_message import Ping, Unknown, ViewerFigures

LABEL = "scopecast"
_LOG = logging.getLogger(__name__)
_MAP_US = 1000  # two processes each map UTC anew once a second; the kernel slews by 500 ppm at most
_PER_S = 20
_BURST = 40
_FLOOD = 1000
_MAX_QUEUED_BYTES = 64 << 10
_FIGURES_NS = 5_000_000_000
_TELL_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Subject:
    """What a session is, as its viewer is told."""

    session: str
    rung: str
    role: Role = Role.GUIDE


class ViewerChannel:
    """Event loop only. Hostile messages are counted, answered or passed over; nothing here raises.

    A session has one channel, labelled `scopecast`, made by the viewer; any other is closed, and so is one that floods.
    """

    def __init__(self, *, subject: Subject, clock: Clock) -> None:
        self._subject = subject
        self._clock = clock
        self._channel: RTCDataChannel | None = None
        self._figures: ViewerFigures | None = None
        self._figures_ns = 0
        self._allowance = float(_BURST)
        self._allowed_ns = clock.mono_ns()
        self._told: tuple[bool, int] | None = None
        self.unknown = self.refused = self.flooded = 0

    @property
    def state(self) -> str:
        """`absent` when the viewer made none, else as in WebRTC: `open`, `closed`, ..."""
        return "absent" if self._channel is None else self._channel.readyState

    @property
    def figures(self) -> ViewerFigures | None:
        """The newest that the viewer reported, None when that is over 5 s ago."""
        fresh = self._clock.mono_ns() - self._figures_ns < _FIGURES_NS
        return self._figures if fresh else None

    def bind(self, channel: RTCDataChannel) -> None:
        """Take the channel that the viewer has opened."""
        if self._channel is not None or channel.label != LABEL:
            self.refused += 1
            channel.close()
            return
        self._channel = channel
        channel.on("message", self.hear)
        subject = self._subject
        self._say(
            viewer_message.hello(
                session=subject.session, rung=subject.rung, role=subject.role, version=edge.__version__
            )
        )

    def hear(self, text: str | bytes) -> None:
        received_ns = self._clock.utc_ns()
        if not self._admit():
            self._drop()
            return
        try:
            heard = viewer_message.read(text)
        except Invalid as mistake:
            self.refused += 1
            self._say(viewer_message.error(mistake.code, str(mistake)))
            return
        match heard:
            case Ping():
                self._answer(heard, received_ns)
            case ViewerFigures():
                self._figures, self._figures_ns = heard, self._clock.mono_ns()
            case Unknown():
                self.unknown += 1

    def tell_picture(self, *, live: bool) -> None:
        """What is sent now is live or not: told when it changes and once a second."""
        now_ns = self._clock.mono_ns()
        if self.state != "open":
            return
        if self._told is None or self._told[0] != live or now_ns - self._told[1] >= _TELL_NS:
            self._told = (live, now_ns)
            self._say(viewer_message.notice("picture", live=live))

    def report(self) -> Mapping[str, Any]:
        """For the status document's `viewers[]`."""
        figures = self.figures
        counts = {"unknown": self.unknown, "refused": self.refused, "flooded": self.flooded}
        return {**_wire(figures), "channel": {"state": self.state, **counts}}

    def _answer(self, ping: Ping, received_ns: int) -> None:
        clock = self._clock
        stamps = {"received_ns": received_ns, "sent_ns": clock.utc_ns()}
        self._say(viewer_message.pong(ping, **stamps, map_us=_MAP_US, utc_us=clock.uncertainty_us()))

    def _drop(self) -> None:
        """Its messages cost the other viewers time: some are forgiven."""
        self.flooded += 1
        if self.flooded == _FLOOD and self._channel is not None:
            _LOG.warning("a viewer floods its data channel, which is closed")
            self._channel.close()

    def _admit(self) -> bool:
        """20 messages a second, 40 at once."""
        now_ns = self._clock.mono_ns()
        earned = (now_ns - self._allowed_ns) / 1e9 * _PER_S
        self._allowance = min(float(_BURST), self._allowance + earned)
        self._allowed_ns = now_ns
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True

    def _say(self, text: str) -> None:
        """A viewer that does not read is told nothing more."""
        channel = self._channel
        if channel is None or channel.readyState != "open" or channel.bufferedAmount > _MAX_QUEUED_BYTES:
            return
        try:
            channel.send(text)
        except (InvalidStateError, ValueError, ConnectionError) as trouble:  # it closes, or takes small messages only
            _LOG.debug("data channel: %s", trouble)


def _wire(figures: ViewerFigures | None) -> Mapping[str, Any]:
    """`null` is not known."""
    if figures is None:
        return {"glass_to_glass_ms": None, "playout_ms": None, "seen": None}
    delays = None if figures.p50_ms is None else {"p50": figures.p50_ms, "p95": figures.p95_ms}
    return {
        "glass_to_glass_ms": delays,
        "playout_ms": figures.playout_ms,
        "seen": {
            "live": figures.live,
            "reason": figures.reason,
            "uncertainty_ms": figures.uncertainty_ms,
            "age_ms": figures.age_ms,
            "frozen": figures.frozen,
            "decoder": figures.decoder,
            "source": figures.source,
        },
    }
