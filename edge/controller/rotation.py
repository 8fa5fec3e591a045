"""From one signing key to the next, box by box: how far it has come, in `rotation.json` of the home.

First every box learns the new key by `keys.set` under the old one; once the last has confirmed, the new one
signs and takes the old away everywhere. Interrupted at any point it goes on from the file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from edge.controller.folder import Folder

_FILE = "rotation.json"


class Phase(StrEnum):
    ENROL = "enrol"
    RETIRE = "retire"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Rotation:
    """`enrolled`: boxes that know `new`; `retired`: those that no longer know `old`."""

    old: str
    new: str
    enrolled: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()

    def phase(self, boxes: Iterable[str]) -> Phase:
        """For these boxes: nowhere is the old key taken away before all of them know the new one."""
        names = set(boxes)
        if not names <= {*self.enrolled, *self.retired}:
            return Phase.ENROL
        return Phase.DONE if names <= set(self.retired) else Phase.RETIRE

    def waiting(self, boxes: Iterable[str]) -> tuple[str, ...]:
        """Which of them the present phase still has to reach."""
        names = tuple(boxes)
        settled = (*self.enrolled, *self.retired) if self.phase(names) is Phase.ENROL else self.retired
        return tuple(name for name in names if name not in settled)

    def kid_for(self, box: str) -> str:
        """The key that this box believes."""
        return self.new if box in self.enrolled or box in self.retired else self.old

    def enrol(self, box: str) -> Rotation:
        return replace(self, enrolled=(*self.enrolled, box)) if box not in self.enrolled else self

    def retire(self, box: str) -> Rotation:
        return replace(self, retired=(*self.retired, box)) if box not in self.retired else self

    @classmethod
    def load(cls, home: Folder) -> Rotation | None:
        """The one under way; None when there is none. Blocking. Raises Fault `home_broken`, Unavailable."""
        body = home.read(_FILE)
        try:
            return cls(body["old"], body["new"], tuple(body["enrolled"]), tuple(body["retired"])) if body else None
        except (KeyError, TypeError) as error:
            raise home.damaged(_FILE, error) from error

    def save(self, home: Folder) -> None:
        """Durable. Blocking."""
        home.write(_FILE, {"v": 1, **asdict(self)})

    @staticmethod
    def clear(home: Folder) -> None:
        (home.path / _FILE).unlink(missing_ok=True)
