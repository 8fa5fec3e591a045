"""The JSON files of a controller's home, each replaced whole; mode 0600. Blocking."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edge.model.errors import Fault, Unavailable
from edge.vault.secret_file import folder_lock, read_secret, replace_whole

_CODE = "controller_home"


class Folder:
    """Raises Unavailable `controller_home` when the disk refuses, Fault `home_broken` for a damaged file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, name: str, *, secret: bool = False) -> dict[str, Any]:
        """Empty when there is no such file. `secret`: raises Fault `key_exposed` too, when others may read it."""
        path = self.path / name
        try:
            value = json.loads(read_secret(path) if secret else path.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise Unavailable(f"cannot read {path}: {error.strerror}", code=_CODE) from error
        except ValueError as error:
            raise self.damaged(name, error) from error
        if not isinstance(value, dict):
            raise self.damaged(name, "not an object")
        return value

    def write(self, name: str, value: Mapping[str, Any]) -> None:
        path = self.path / name
        try:
            replace_whole(path, json.dumps(value, indent=1).encode() + b"\n")
        except OSError as error:
            raise Unavailable(f"cannot write {path}: {error.strerror}", code=_CODE) from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One edgectl at a time, for what is read and then written."""
        with folder_lock(self.path, code=_CODE):
            yield

    def damaged(self, name: str, what: object) -> Fault:
        """To be raised when a file does not hold what it should."""
        return Fault(f"{self.path / name} is damaged: {what}", code="home_broken")
