"""Takes in a box's one order of results and events: no repeats, no unnoticed gaps. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from edge.controller.home import Position

_PATIENCE_S = 10.0
_MAX_AHEAD = 10_000


@dataclass(frozen=True, slots=True)
class Step:
    """`fresh`: not seen before. `resend_from`: ask the box for what is missing, now."""

    fresh: bool
    resend_from: int | None = None


@dataclass(slots=True)
class Follower:
    """One box. `position` is what may be acknowledged: everything up to it was seen.

    Without a position the first number seen is the start. A gap is asked for once; what has not
    come after 10 s is gone for good (the box drops its least important events when full).
    """

    position: Position | None = None
    _ahead: set[int] = field(default_factory=set)
    _asked_s: float | None = None

    def step(self, epoch: str, eseq: int, *, now_s: float) -> Step:
        if self.position is None or self.position.epoch != epoch:
            start = eseq - 1 if self.position is None else 0
            self.position, self._ahead, self._asked_s = Position(epoch, start), set(), None
        if eseq <= self.position.eseq or eseq in self._ahead:
            return Step(fresh=False)
        if len(self._ahead) < _MAX_AHEAD:
            self._ahead.add(eseq)
        self._advance(self.position.eseq)
        if not self._ahead:
            self._asked_s = None
            return Step(fresh=True)
        return Step(fresh=True, resend_from=self._missing(now_s))

    def _missing(self, now_s: float) -> int | None:
        assert self.position is not None  # noqa: S101  a gap follows a position
        if self._asked_s is None:
            self._asked_s = now_s
            return self.position.eseq + 1
        if now_s - self._asked_s > _PATIENCE_S:
            self._asked_s = None
            self._advance(min(self._ahead) - 1)
        return None

    def _advance(self, eseq: int) -> None:
        assert self.position is not None  # noqa: S101
        while eseq + 1 in self._ahead:
            eseq += 1
            self._ahead.discard(eseq)
        self.position = Position(self.position.epoch, eseq)
