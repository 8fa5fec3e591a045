"""The overrides on disk: one sealed file, replaced whole."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

from edge.app.overrides import Overrides
from edge.model.errors import EdgeError, Invalid, Unavailable
from edge.vault.seal import Sealer
from edge.vault.secret_file import replace_whole

_PURPOSE = "wishes"


class OverridesFile:
    """Blocking. A file that could not be read, but may be once something is mended, is never replaced."""

    def __init__(self, *, path: Path, sealer: Sealer) -> None:
        self._path = path
        self._sealer = sealer
        self._held: EdgeError | None = None

    def load(self) -> tuple[Overrides, str]:
        """What is kept, and a sentence when there is trouble with it. Raises nothing.

        Content that nothing can open any more is renamed to `.broken`, `.broken-1` and so on.
        With any other trouble the file stays where it is, and `keep` refuses.
        """
        try:
            return Overrides.from_bytes(self._sealer.open(_PURPOSE, self._path.read_bytes())), ""
        except FileNotFoundError:
            return Overrides(), ""
        except OSError as error:
            return Overrides(), self._hold(_storage_failed(f"cannot read {self._path}", error))
        except Invalid as error:
            return Overrides(), self._set_aside(error)
        except EdgeError as error:
            return Overrides(), self._hold(error)

    def keep(self, overrides: Overrides) -> None:
        """Durably. Raises Unavailable `storage_failed`, what the sealer raises, and what `load` met."""
        if self._held is not None:
            raise self._held.with_traceback(None)
        sealed = self._sealer.seal(_PURPOSE, overrides.to_bytes())
        try:
            replace_whole(self._path, sealed)
        except OSError as error:
            raise _storage_failed(f"cannot write {self._path}", error) from error

    def _hold(self, error: EdgeError) -> str:
        self._held = error
        return f"what commands had set is not in force and cannot be changed: {self._path.name}: {error}"

    def _set_aside(self, reason: Invalid) -> str:
        try:
            aside = self._free_name()
            self._path.rename(aside)
        except OSError as error:
            return self._hold(_storage_failed(f"cannot set aside {self._path}", error))
        return f"what commands had set is lost: {self._path.name}: {reason}; set aside as {aside.name}"

    def _free_name(self) -> Path:
        names = (f".broken-{number}" if number else ".broken" for number in itertools.count())
        return next(path for path in map(self._path.with_suffix, names) if not os.path.lexists(path))


def _storage_failed(what: str, error: OSError) -> Unavailable:
    return Unavailable(f"{what}: {error.strerror or error}", code="storage_failed")
