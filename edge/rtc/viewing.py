"""Which rung one viewer gets: its own, or less while its path carries less than that."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping

from edge.model.frame import AccessUnit
from edge.model.inputs import RungName, input_of
from edge.ports import Clock
from edge.rtc.viewer_sink import FeedbackChannel, ViewerSink

_ASK_AGAIN_NS = 500_000_000
_PROMOTION_PATIENCE_NS = 2_500_000_000  # a keyframe of the own rung costs everybody: a usual one may do
_STARTS_WITHIN_NS = 3_000_000_000
_COMPARED = 8
_KEYFRAME_EVERY_NS = 2_000_000_000


class Viewing:
    """`home` is the rung that was asked for, `lesser` the one for a demoted viewer, None where there is none.

    A rung is left for the other at the other's next keyframe, so that the picture goes on until then. Without another
    rung, and when it does not come or shows the very same pictures, a demoted viewer gets the keyframes of its own.
    Takes the units of all rungs, in the event loop.
    """

    def __init__(
        self,
        *,
        home: str,
        lesser: str | None,
        sink: ViewerSink,
        feedback: Mapping[str, FeedbackChannel],
        clock: Clock,
    ) -> None:
        self.home = home
        self.rung = home
        self.demoted = False
        self.keyframes_only = False
        self._lesser = lesser
        self._sink = sink
        self._feedback = feedback
        self._clock = clock
        self._next: str | None = None
        self._since_ns = 0
        self._asked_ns: int | None = None
        self._key_ns = 0
        self._held_ns: int | None = None
        self._sent_pts: int | None = None
        self._recent: deque[AccessUnit] = deque(maxlen=_COMPARED)

    @property
    def rungs(self) -> frozenset[str]:
        """Those whose units it needs now."""
        return frozenset({self.rung} if self._next is None else {self.rung, self._next})

    def demote(self, demoted: bool) -> None:
        """What was decided of this viewer; the same twice changes nothing."""
        if demoted == self.demoted:
            return
        self.demoted, self._since_ns, self._asked_ns = demoted, self._clock.mono_ns(), None
        target = self._lesser if demoted else self.home
        self._next = None if target == self.rung else target
        if demoted:
            self.keyframes_only = target is None
        elif self.keyframes_only or self._held_ns is not None:
            self._go_on()

    def take(self, unit: AccessUnit) -> None:
        rung = unit.format.rung
        shared = self.demoted and self._is_shared(unit)
        if rung == self.rung:
            self._write(unit, shared=shared)
        elif rung == self._next and not shared:
            self._approach(unit, rung)
        if shared:
            self.keyframes_only = True

    def resync(self, rung: str) -> None:
        """Units of that rung may have been lost before they came here."""
        if rung == self.rung:
            self._sink.track.resync("reconnect")

    def look(self) -> None:
        """To be called now and then: a rung that does not come is waited for with keyframes only."""
        now_ns = self._clock.mono_ns()
        if self._held_ns is not None and now_ns - self._held_ns > _STARTS_WITHIN_NS:
            self._go_on()
        if self.demoted and self._next is not None and now_ns - self._since_ns > _STARTS_WITHIN_NS:
            self.keyframes_only = True
        if self.keyframes_only and now_ns - self._key_ns > _KEYFRAME_EVERY_NS:
            self._key_ns = now_ns
            self._sink.want_keyframe("demoted")

    def _write(self, unit: AccessUnit, *, shared: bool) -> None:
        if unit.key:
            self._key_ns = self._clock.mono_ns()
            if self.rung == self._lesser and not shared:
                self.keyframes_only = False
        if self._held_ns is None and (unit.key or not self.keyframes_only):
            self._sent_pts = unit.pts
            self._sink.write(unit)

    def _approach(self, unit: AccessUnit, rung: str) -> None:
        """Its keyframe must be newer than what was sent, or receivers drop it; else the old rung stops until one is."""
        if unit.key and (self._sent_pts is None or unit.pts > self._sent_pts):
            self.rung, self._next, self._held_ns, self.keyframes_only = rung, None, None, False
            self._sink.ask_of(self._feedback[rung])
            self._write(unit, shared=False)
            return
        if unit.key and self._held_ns is None:
            self._held_ns = self._clock.mono_ns()
        self._ask(rung)

    def _ask(self, rung: str) -> None:
        now_ns = self._clock.mono_ns()
        patient = not self.demoted and self._held_ns is None and now_ns - self._since_ns < _PROMOTION_PATIENCE_NS
        if patient or (self._asked_ns is not None and now_ns - self._asked_ns < _ASK_AGAIN_NS):
            return
        self._asked_ns = now_ns
        self._feedback[rung].request_keyframe(self._sink.name, "demoted" if self.demoted else "promoted")

    def _is_shared(self, unit: AccessUnit) -> bool:
        """Whether another rung shows the very same pictures, having no encode of its own now: it brings no relief."""
        twins = (known for known in self._recent if known.pts == unit.pts and known.format.rung != unit.format.rung)
        shared = any(known.data == unit.data for known in twins)
        self._recent.append(unit)
        return shared

    def _go_on(self) -> None:
        """Units were left out: the picture goes on at a keyframe."""
        self.keyframes_only, self._held_ns = False, None
        self._sink.track.resync("promoted")


def lesser_of(rung: str, there: Collection[str]) -> str | None:
    """The rung for a receiver that cannot have that one: `view`, where it shows the same input."""
    same_input = input_of(rung) is RungName.VIEW.input
    return RungName.VIEW if same_input and rung != RungName.VIEW and RungName.VIEW in there else None
