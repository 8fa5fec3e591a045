"""From one signing key to the next, box by box: how far it has come, in `rotation.json` of the home.

First every box learns the new key by `keys.set` under the old one; once the last has confirmed, the new one
signs and takes the old away everywhere. Interrupted at any point it goes on from the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from edge.model.errors import Fault, Unavailable
from edge.vault.secret_file import replace_whole

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
    def load(cls, home: Path) -> Rotation | None:
        """The one under way; None when there is none. Blocking. Raises Fault `home_broken`, Unavailable."""
        path = home / _FILE
        try:
            body = json.loads(path.read_bytes())
            return cls(body["old"], body["new"], tuple(body["enrolled"]), tuple(body["retired"]))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable(f"cannot read {path}: {error.strerror}", code="controller_home") from error
        except (ValueError, KeyError, TypeError) as error:
            raise Fault(f"{path} is damaged: {error}", code="home_broken") from error

    def save(self, home: Path) -> None:
        """Durable. Blocking."""
        _write(home / _FILE, {"v": 1, **asdict(self)})

    @staticmethod
    def clear(home: Path) -> None:
        (home / _FILE).unlink(missing_ok=True)


def _write(path: Path, body: Mapping[str, Any]) -> None:
    try:
        replace_whole(path, json.dumps(body, indent=1).encode() + b"\n")
    except OSError as error:
        raise Unavailable(f"cannot write {path}: {error.strerror}", code="controller_home") from error
