"""One set-up of an encoder: what goes in and comes out, and how long that may take."""

from __future__ import annotations

from board.gst.flight import Flight, InFlight
from board.gst.line import Coded, Line
from edge.model.annexb import from_last_sets, shows_idr
from edge.model.errors import EncoderFailed
from edge.model.frame import Encoded, pts_of
from edge.model.video import Codec
from edge.ports import ENCODE_DEADLINE_S, Clock

FIRST = 4  # the first picture may take so many times as long as another
_DEADLINE_NS = round(ENCODE_DEADLINE_S * 1e9)
_PATIENCE_NS = 400_000_000
_PATIENCE_WHILE_LEARNING_NS = 200_000_000
_SLICE_NS = 10_000_000
_MOST_INSIDE = 4


class Session:
    """Waits for each picture's unit, unless the encoder is seen to keep some back until it gets the next picture.

    A unit that does not come in time comes with a later picture. Only when nothing at all comes for ENCODE_DEADLINE_S
    the encoder has stalled; a picture that it skips costs most of that time.
    Never more than four pictures are inside. `line` has been started.
    """

    def __init__(self, *, name: str, codec: Codec, line: Line, interval_ns: int, clock: Clock) -> None:
        self._name = name
        self._codec = codec
        self._line = line
        self._interval_ns = interval_ns
        self._clock = clock
        self._flight = Flight()
        self._begin_ns: int | None = None  # when the first picture was captured
        self._came_ns = 0  # when the last unit came

    def encode(self, data: bytes, caps: str, captured_ns: int, *, force_key: bool) -> list[Encoded]:
        """Raises EncoderFailed."""
        units = self._come(0, 0)
        if len(self._flight) >= _MOST_INSIDE:
            units += self._come(_MOST_INSIDE - 1, self._deadline_ns)
        self._give(data, caps, captured_ns, force_key=force_key)
        patience_ns = _PATIENCE_NS if self._flight.known or not self._came_ns else _PATIENCE_WHILE_LEARNING_NS
        return units + self._come(self._flight.delay, patience_ns)

    @property
    def _deadline_ns(self) -> int:
        return _DEADLINE_NS if self._came_ns else FIRST * _DEADLINE_NS

    def _give(self, data: bytes, caps: str, captured_ns: int, *, force_key: bool) -> None:
        first_ns = captured_ns if self._begin_ns is None else self._begin_ns
        running_ns = captured_ns - first_ns
        if force_key and self._begin_ns is not None:  # the first is one; some drivers would make a second one of it
            self._line.force_key(running_ns)
        self._begin_ns = first_ns
        self._line.push(data, caps, running_ns, duration_ns=self._interval_ns)
        self._flight.give(InFlight(running_ns, pts_of(captured_ns), self._clock.mono_ns()))

    def _come(self, enough: int, wait_ns: int) -> list[Encoded]:
        """What comes until no more than `enough` pictures are inside, or until the time is over."""
        units: list[Encoded] = []
        until_ns = self._clock.mono_ns() + wait_ns
        while len(self._flight) > enough:
            now_ns = self._clock.mono_ns()
            coded = self._line.pull(max(0, min(until_ns - now_ns, _SLICE_NS)))
            if coded is not None:
                units.append(self._unit(coded))
            elif now_ns - max(self._flight.oldest_ns, self._came_ns) >= self._deadline_ns:
                silence = f"{self._name}: no picture within {self._deadline_ns / 1e9:g} s"
                raise EncoderFailed(silence, code="encoder_stalled")
            elif now_ns >= until_ns:
                break
        return units

    def _unit(self, coded: Coded) -> Encoded:
        self._came_ns = self._clock.mono_ns()
        pts = self._flight.take(coded.running_ns)
        if pts is None:
            raise EncoderFailed(f"{self._name}: a unit has the time of no picture, {coded.running_ns} ns")
        # x265enc puts the stream's header, with uninitialised memory at its end, ahead of the first unit
        data = from_last_sets(self._codec, coded.data)
        return Encoded(pts, shows_idr(self._codec, data), data)
