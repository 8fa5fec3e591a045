"""Counts what is dropped or refused, and lets a security event through at most once a minute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

_EVERY_NS = 60 * 1_000_000_000
_ANSWERS = 64
_ANSWER_EVERY_NS = 1_000_000_000


class Refusals:
    """Pure: the caller brings the monotonic time in ns."""

    def __init__(self) -> None:
        self._total: Counter[str] = Counter()
        self._unreported: Counter[str] = Counter()
        self._reported_ns: int | None = None
        self._answers = _ANSWERS
        self._answered_ns = 0

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
        earned = (now_ns - self._answered_ns) // _ANSWER_EVERY_NS
        if earned > 0:
            self._answers = min(_ANSWERS, self._answers + earned)
            self._answered_ns = now_ns
        if self._answers == 0:
            return False
        self._answers -= 1
        return True
