"""A file of faults that the simulated board plays: lines `AT_SECONDS FAULT [FOR_SECONDS]`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from board.sim.fault import SimFault, check_seconds, parse_fault
from edge.model.errors import Invalid


@dataclass(frozen=True, slots=True)
class Cue:
    """One line: at that second a fault begins, for that long or (None) until the next one."""

    at_s: float
    fault: SimFault
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class FaultScript:
    """Cues in order of time. With `loop_s` the whole starts over at that second."""

    cues: tuple[Cue, ...]
    loop_s: float | None = None

    @classmethod
    def parse(cls, text: str, *, where: str) -> FaultScript:
        """`#` begins a comment; a last line `END_SECONDS loop` repeats. Raises Invalid naming `where` and the line."""
        cues: list[Cue] = []
        loop_s: float | None = None
        for number, line in enumerate(text.splitlines(), start=1):
            words = line.partition("#")[0].split()
            if not words:
                continue
            try:
                if loop_s is not None:
                    raise Invalid("nothing may follow the loop line")
                at_s = _time(words, after_s=cues[-1].at_s if cues else 0.0)
                if words[1:] == ["loop"]:
                    loop_s = _loop_end(at_s, cues)
                else:
                    cues.append(_cue(at_s, words[1:]))
            except Invalid as error:
                raise Invalid(f"{where}:{number}: {error}") from error
        return cls(tuple(cues), loop_s)

    def play(self) -> Iterator[Cue]:
        """The cues with their times counted from the start, without end when looped."""
        if self.loop_s is None:
            yield from self.cues
            return
        for turn in count():
            for cue in self.cues:
                yield Cue(turn * self.loop_s + cue.at_s, cue.fault, cue.seconds)


def _time(words: list[str], *, after_s: float) -> float:
    at_s = _number(words[0], "time")
    if at_s < after_s:
        raise Invalid(f"time {words[0]} is before the line above it ({after_s:g})")
    if len(words) not in (2, 3):
        raise Invalid(f"expected `AT_SECONDS FAULT [FOR_SECONDS]`, found {len(words)} word(s)")
    return at_s


def _cue(at_s: float, words: list[str]) -> Cue:
    seconds = check_seconds(_number(words[1], "length")) if len(words) == 2 else None
    return Cue(at_s, parse_fault(words[0]), seconds)


def _loop_end(at_s: float, cues: list[Cue]) -> float:
    if not cues or at_s <= cues[-1].at_s:
        raise Invalid("loop must come after at least one fault, at a later time")
    return at_s


def _number(word: str, what: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not (value >= 0 and math.isfinite(value)):
        raise Invalid(f"{what} {word!r} is not a number of seconds")
    return value
