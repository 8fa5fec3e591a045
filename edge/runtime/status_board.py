"""What the world can see, in sections; the wire document is their union. Event loop only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any


class StatusBoard:
    """Sections are put whole by their one owner. Values must be JSON."""

    def __init__(self) -> None:
        self._sections: dict[str, Any] = {}
        self._changed = asyncio.Event()
        self.rev = 0

    def put(self, section: str, value: Any) -> None:
        if self._sections.get(section) == value:
            return
        self._sections[section] = value
        self.rev += 1
        self._wake()

    def get(self, section: str, default: Any = None) -> Any:
        return self._sections.get(section, default)

    def document(self) -> Mapping[str, Any]:
        """The whole document, a copy at the top level."""
        return dict(self._sections)

    async def changes(self) -> AsyncIterator[Mapping[str, Any]]:
        """The sections that changed since the last step; the first step yields everything."""
        seen: dict[str, Any] = {}
        while True:
            fresh = {k: v for k, v in self._sections.items() if k not in seen or seen[k] != v}
            seen.update(fresh)
            if fresh:
                yield fresh
            changed = self._changed
            if all(seen.get(k) == v for k, v in self._sections.items()):
                await changed.wait()

    def _wake(self) -> None:
        """Whoever waits has the old event; who comes next waits for the next change."""
        self._changed.set()
        self._changed = asyncio.Event()
