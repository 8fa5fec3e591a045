"""The pictures that are inside an encoder, and how many it keeps there."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

_LOOKS = 4
_SAME_NS = 1_000_000  # drivers keep times in microseconds, some in ticks of 90 kHz


@dataclass(frozen=True, slots=True)
class InFlight:
    """A picture given to the encoder: its time there in ns, its PTS at 90 kHz, when it was given."""

    running_ns: int
    pts: int
    given_ns: int


class Flight:
    """Frames in the order in which they were given. Units come in the same order; some may never come."""

    def __init__(self) -> None:
        self._inside: deque[InFlight] = deque()
        self._kept: deque[int] = deque(maxlen=_LOOKS)

    def __len__(self) -> int:
        return len(self._inside)

    @property
    def oldest_ns(self) -> int:
        """When the oldest of them was given."""
        return self._inside[0].given_ns

    @property
    def known(self) -> bool:
        """Whether `delay` has been learnt; it is taken as 0 until then."""
        return len(self._kept) == _LOOKS

    @property
    def delay(self) -> int:
        """How many pictures the encoder does not give back before it gets the next one.

        What was still inside just before a new one was given, the least of the last few looks: a slow picture or
        two do not count, an encoder that becomes faster does.
        """
        return min(self._kept) if self.known else 0

    def give(self, picture: InFlight) -> None:
        self._kept.append(len(self._inside))
        self._inside.append(picture)

    def take(self, running_ns: int) -> int | None:
        """The PTS of the picture with that time; it and those before it are not inside any more. None: no such one."""
        for index, picture in enumerate(self._inside):
            if abs(picture.running_ns - running_ns) < _SAME_NS:
                for _ in range(index + 1):
                    self._inside.popleft()
                return picture.pts
        return None
