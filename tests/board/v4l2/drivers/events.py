"""The events of one open file, as v4l2-event.c keeps them: one pending for each subscription, changes OR-ed."""

from __future__ import annotations

import errno
import os

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import EventType
from board.v4l2.kernel import EXCEPT

_CH_VALUE = 1  # V4L2_EVENT_CTRL_CH_VALUE
_CH_RESOLUTION = 1  # V4L2_EVENT_SRC_CH_RESOLUTION


class EventQueue:
    def __init__(self) -> None:
        self._subscribed: set[tuple[int, int]] = set()
        self._pending: dict[tuple[int, int], s.Event] = {}
        self._sequence = 0

    @property
    def poll_bits(self) -> int:
        return EXCEPT if self._pending else 0

    def subscribe(self, type: int, id: int) -> None:
        self._subscribed.add((type, id))

    def unsubscribe(self, type: int, id: int) -> None:
        self._subscribed.discard((type, id))
        self._pending.pop((type, id), None)

    def put(self, type: EventType, id: int = 0) -> None:
        """Nothing where nobody has asked for it."""
        key = (int(type), id)
        if key not in self._subscribed:
            return
        event = s.Event(type=type, id=id, sequence=self._sequence)
        event.src_changes = _CH_RESOLUTION if type is EventType.SOURCE_CHANGE else _CH_VALUE
        self._sequence += 1
        self._pending.pop(key, None)
        self._pending[key] = event

    def take(self, into: s.Event) -> None:
        """Raises OSError, ENOENT, when there is none."""
        if not self._pending:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        event = self._pending.pop(next(iter(self._pending)))
        into.type, into.id, into.sequence = event.type, event.id, event.sequence
        into.src_changes = event.src_changes
        into.pending = len(self._pending)
