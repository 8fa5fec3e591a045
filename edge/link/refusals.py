"""Counts what is dropped or refused, and lets a security event through at most once a minute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

_EVERY_NS = 60 * 1_000_000_000
_ANSWERS, _ANSWER_EVERY_NS = 64, 1_000_000_000
_REPEATS, _REPEAT_EVERY_NS = 512, 100_000_000


class Refusals:
    """Pure: the caller brings the monotonic time in ns."""

    def __init__(self) -> None:
        self._total: Counter[str] = Counter()
        self._unreported: Counter[str] = Counter()
        self._reported_ns: int | None = None
        self._answers = _Allowance(_ANSWERS, _ANSWER_EVERY_NS)
        self._repeats = _Allowance(_REPEATS, _REPEAT_EVERY_NS)

    @property
    def total(self) -> Mapping[str, int]:
        return dict(self._total)

    def note(self, code: str, *, now_ns: int) -> Mapping[str, int] | None:
        """Counts since the last event when one is due now, else None."""
        self._total[code] += 1
        self._unreported[code] += 1
        if self._reported_ns is not None and now_ns - self._reported_ns < _EVERY_NS:
            return None
        counts, self._unreported, self._reported_ns = dict(self._unreported), Counter(), now_ns
        return counts

    def may_answer(self, *, now_ns: int) -> bool:
        """Whether an unsigned command may still have an answer: 64 at once, then one a second.

        Whoever reaches the broker can send such commands; the outbox is not theirs to fill.
        """
        return self._answers.take(now_ns)

    def may_repeat(self, *, now_ns: int) -> bool:
        """Whether a signed command that is refused, or was here before, may have an answer.

        512 at once, then ten a second: whoever reaches the broker can send old ones again and again.
        """
        return self._repeats.take(now_ns)


class _Allowance:
    """`room` at once, one more each `every_ns`."""

    def __init__(self, room: int, every_ns: int) -> None:
        self._room = room
        self._every_ns = every_ns
        self._left = room
        self._counted_ns = 0

    def take(self, now_ns: int) -> bool:
        earned = (now_ns - self._counted_ns) // self._every_ns
        if earned > 0:
            self._left = min(self._room, self._left + earned)
            self._counted_ns = now_ns
        if self._left == 0:
            return False
        self._left -= 1
        return True
