"""Files that hold a secret: made once, whole or not at all, readable by their owner only."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from edge.model.errors import Fault, Unavailable

_OTHERS = 0o077


def load_or_create(path: Path, make: Callable[[], bytes]) -> bytes:
    """The file's bytes; `make` gives them when there is no file yet. Mode 0600, directory 0700.

    Raises Fault `key_exposed` when others may read the file, Unavailable when the disk refuses.
    """
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _place(path, make())
        return read_secret(path)
    except OSError as error:
        raise Unavailable(f"cannot use {path}: {error.strerror or error}", code="key_file") from error


def read_secret(path: Path) -> bytes:
    """Raises Fault `key_exposed` when others than the owner may read it; OSError as it comes."""
    if path.stat().st_mode & _OTHERS:
        raise Fault(f"{path} can be read by others: chmod 600 {path}", code="key_exposed")
    return path.read_bytes()


def replace_whole(path: Path, content: bytes) -> None:
    """New content, durable, seen whole or not at all; mode 0600. OSError as it comes."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = _draft(path, content)
    try:
        os.replace(draft, path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


@contextlib.contextmanager
def folder_lock(folder: Path, *, code: str) -> Iterator[None]:
    """One process at a time for what is kept there; the folder is made (mode 0700). Raises Unavailable of that code."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(f"cannot use {folder}: {error.strerror}", code=code) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _place(path: Path, content: bytes) -> None:
    """Like `replace_whole`, but the first of two writers wins."""
    draft = _draft(path, content)
    try:
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    _sync_directory(path.parent)


def _draft(path: Path, content: bytes) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:  # a full disk must not fill up further with drafts
        draft.unlink(missing_ok=True)
        raise
    return draft


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
