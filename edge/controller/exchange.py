"""One command until its one final result: what each word of the box means for it. Pure.

A box looks up ids only after it has checked key, time and challenge (docs/contracts/mqtt.md), so a
rejection by those checks says nothing about an earlier copy of the same command: that one may have been
accepted. Asking again under the same id never runs it twice and always brings the truth.
"""

from __future__ import annotations

from enum import Enum, auto

from edge.model.command import Result, ResultState

_PENDING = (ResultState.ACCEPTED, ResultState.RUNNING)
_MOST_RENEWALS = 6
_BEFORE_JOURNAL = frozenset(
    (
        *("too_large", "malformed", "unknown_key", "key_expired", "forbidden", "bad_signature", "wrong_box"),
        *("unknown_version", "expired", "challenge_needed", "stale", "rev_mismatch", "unknown_operation", "busy"),
    )
)


class Verdict(Enum):
    """FINAL; WAIT for more; AGAIN: the same bytes, after a while; RENEW: same id, new counter, time, challenge."""

    FINAL = auto()
    WAIT = auto()
    AGAIN = auto()
    RENEW = auto()


class Exchange:
    """Feed it each result with its place in the box's order; repeats of a place are ignored.

    `doubt`: an earlier copy may be in the box's journal, so a rejection is asked about once more.
    """

    def __init__(self, *, doubt: bool = False) -> None:
        self.accepted = False
        self.doubt = doubt
        self._seen: set[tuple[str, int]] = set()
        self._renewals = 0
        self._resolved = False

    def take(self, result: Result, place: tuple[str, int], *, had_chal: bool) -> Verdict:
        """`had_chal`: the copy last sent carried a challenge."""
        if place in self._seen:
            return Verdict.WAIT
        self._seen.add(place)
        if result.st in _PENDING:
            self.accepted = self.doubt = True
            return Verdict.WAIT
        return self._rejected(result.code, had_chal) if result.st is ResultState.REJECTED else Verdict.FINAL

    def _rejected(self, code: str, had_chal: bool) -> Verdict:
        if code == "busy":
            return Verdict.AGAIN
        if code == "stale":  # only told of an id that is in no journal
            return self._renew(_MOST_RENEWALS)
        if self.doubt and code in _BEFORE_JOURNAL and not self._resolved:
            self._resolved = True
            return Verdict.RENEW
        return self._renew(1 if had_chal else 2) if code == "challenge_needed" else Verdict.FINAL

    def _renew(self, most: int) -> Verdict:
        self._renewals += 1
        return Verdict.RENEW if self._renewals <= most else Verdict.FINAL
