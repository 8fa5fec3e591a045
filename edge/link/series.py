"""A number that rises with each use, also across restarts, and is written to disk once in many times."""

from __future__ import annotations

from edge.link import store as numbers
from edge.link.store import Store


class Series:
    """After a restart it goes on above all that it ever gave, with a leap of at most `reserve`."""

    def __init__(self, store: Store, name: str, *, reserve: int) -> None:
        self._store = store
        self._name = name
        self._reserve = reserve
        self._reserved = 0
        self.last = 0

    async def next(self) -> int:
        if self.last >= self._reserved:
            self._reserved = await self._store.run(lambda db: numbers.next_number(db, self._name, step=self._reserve))
            self.last = max(self.last, self._reserved - self._reserve)
        self.last += 1
        return self.last
