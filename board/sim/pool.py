"""The simulated driver's frame buffers."""

from __future__ import annotations

from collections import deque

from board.sim.picture import Pattern, Sheet
from edge.model.frame import Lease


class SheetPool:
    """A fixed number of sheets of one generation; one on loan is not drawn on until it is back."""

    def __init__(self, *, picture: Pattern, sheets: int, generation: int) -> None:
        self._free: deque[Sheet] = deque(picture.sheet() for _ in range(sheets))
        self._generation = generation

    def take(self) -> Sheet | None:
        """A free sheet, None when all are on loan."""
        try:
            return self._free.popleft()
        except IndexError:
            return None

    def give_back(self, sheet: Sheet) -> None:
        self._free.append(sheet)  # deque operations are atomic: leases end in any thread

    def lend(self, sheet: Sheet) -> Lease:
        return Lease(sheet.planes, generation=self._generation, give_back=lambda: self.give_back(sheet))
