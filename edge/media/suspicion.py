"""Which encoder was being opened when the process died: a driver that hangs or crashes must not do so at each start."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path


class Suspicion:
    """One file, for one rung. A file that cannot be written or read is no suspicion; nothing is raised."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def suspect(self) -> str:
        """The encoder that an earlier process did not come back from; empty when there is none."""
        try:
            return self._path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return ""

    @contextlib.contextmanager
    def of(self, name: str) -> Iterator[None]:
        """While this lasts, that encoder is to blame for the end of the process."""
        with contextlib.suppress(OSError):
            self._path.write_text(name, encoding="utf-8")
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
