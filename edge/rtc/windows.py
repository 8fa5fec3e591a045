"""What has been of late, in little memory: a sum over some time, the least of some time."""

from __future__ import annotations

from collections import deque

_PARTS = 25


class WindowSum:
    """The sum of what was added in the last `span_ns`, to a 25th of it. An earlier time counts as the last one."""

    def __init__(self, span_ns: int) -> None:
        self._part_ns = span_ns // _PARTS
        self._parts: deque[list[int]] = deque()
        self._sum = 0
        self._first_ns: int | None = None

    def add(self, at_ns: int, amount: int) -> None:
        part = at_ns // self._part_ns
        if self._parts and self._parts[-1][0] >= part:
            self._parts[-1][1] += amount
        else:
            self._parts.append([part, amount])
        self._sum += amount
        if self._first_ns is None:
            self._first_ns = at_ns

    def total(self, now_ns: int) -> int:
        oldest = now_ns // self._part_ns - _PARTS
        while self._parts and self._parts[0][0] <= oldest:
            self._sum -= self._parts.popleft()[1]
        return self._sum

    def per_second(self, now_ns: int) -> float:
        """The total by the time that it covers: since the first one ever where that is less than the span."""
        if self._first_ns is None:
            return 0.0
        whole_ns = (_PARTS - 1) * self._part_ns + now_ns % self._part_ns
        covered_ns = min(whole_ns, max(now_ns - self._first_ns, 5 * self._part_ns))
        return self.total(now_ns) * 1e9 / covered_ns


class WindowMinimum:
    """The least of what was added in the last `span_ns`, to a 25th of it."""

    def __init__(self, span_ns: int) -> None:
        self._part_ns = span_ns // _PARTS
        self._rising: deque[tuple[int, int]] = deque()

    def add(self, at_ns: int, value: int) -> None:
        part = at_ns // self._part_ns
        while self._rising and self._rising[-1][1] >= value:
            self._rising.pop()
        if not self._rising or self._rising[-1][0] < part:
            self._rising.append((part, value))

    def least(self, now_ns: int) -> int | None:
        """None when nothing was added in that time."""
        oldest = now_ns // self._part_ns - _PARTS
        while self._rising and self._rising[0][0] <= oldest:
            self._rising.popleft()
        return self._rising[0][1] if self._rising else None
