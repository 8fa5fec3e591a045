"""What to do about a hole in one box's order of events: wait, ask for it again, give it up. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from edge.controller.events import Gap
from edge.model.command import Result, ResultState

SETTLE_S = 0.5  # two topics overtake each other by so much without anything being lost
QUIET_S = 3.0
_RETRY_S = (2.0, 5.0, 15.0, 60.0)
_REFUSED_S = 60.0


class Step(Enum):
    WAIT = auto()
    ASK = auto()
    GIVE_UP = auto()


@dataclass(slots=True)
class Follower:
    """One box. Call `step` now and then, `answered` or `failed` after each time it said ASK.

    A box that has answered `evt.resend` sends what it still has before anything newer, and says where that
    begins: of what has not come 3 s after the last that did come, all before that is gone, and the rest is
    asked for again. Nothing is given up without an answer, however long the box
    is away; a box that refuses to answer has a minute.
    """

    reason: str = ""
    covered: int = 0
    _gap: Gap | None = None
    _since_s: float = 0.0
    _moved_s: float = 0.0
    _next_s: float = 0.0
    _asking: bool = False
    _tries: int = 0
    _answered: bool = False
    _last: int = 0
    _refused: str = ""

    def step(self, gap: Gap | None, *, now_s: float, online: bool) -> Step:
        """`gap` is the first hole now. After GIVE_UP, `covered` is how far and `reason` why."""
        if gap is None:
            self._gap = None
            return Step.WAIT
        if self._gap is None or gap.epoch != self._gap.epoch:
            self._begin(now_s)
        if gap != self._gap:
            self._gap, self._moved_s = gap, now_s
        if self._is_over(now_s):
            self._gap = None
            return Step.GIVE_UP
        if online and not self._asking and not self._answered and now_s >= self._next_s:
            self._asking = True
            return Step.ASK
        return Step.WAIT

    def answered(self, result: Result, *, now_s: float) -> None:
        """The final result of our `evt.resend`."""
        last = result.payload.get("last")
        if result.st is ResultState.DONE and isinstance(last, int):
            self._asking, self._answered, self._moved_s = False, True, now_s
            first = result.payload.get("first")
            self.covered, self._last = min(last, first - 1) if isinstance(first, int) else last, last
            self.reason = "the box no longer has them"
        else:
            self.failed(now_s=now_s)
            self._refused = result.code

    def failed(self, *, now_s: float) -> None:
        """It could not be asked, or did not answer."""
        self._asking = False
        self._next_s = now_s + _RETRY_S[min(self._tries, len(_RETRY_S) - 1)]
        self._tries += 1

    def lost_touch(self, *, now_s: float) -> None:
        """Our connection is a new one: what was on its way is gone, ask anew."""
        self._begin(now_s)
        self._gap = None

    def _begin(self, now_s: float) -> None:
        self._since_s, self._next_s, self._moved_s = now_s, now_s + SETTLE_S, now_s
        self._asking = self._answered = False
        self._tries, self._refused, self.covered = 0, "", 0

    def _is_over(self, now_s: float) -> bool:
        assert self._gap is not None  # noqa: S101  only called with one
        if self._refused and now_s - self._since_s >= _REFUSED_S:
            self.covered, self.reason = self._gap.last, f"the box refuses to send them again: {self._refused}"
            return True
        if self._answered and self._gap.first > self._last:  # a hole of its own: it was not asked for
            self._begin(now_s)
            return False
        if not self._answered or now_s - self._moved_s < QUIET_S:
            return False
        if self._gap.first <= self.covered:
            return True
        self._answered = False  # the box has them: they were lost on the way
        self.failed(now_s=now_s)
        return False
