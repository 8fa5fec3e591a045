"""EDIDs in files of people: read in either form, written in the one that is asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from board.edid.hex_text import import_edid, to_hex
from edge.model.errors import Invalid

STANDARD = "-"
HEX, RAW = "hex", "raw"


def edid_of_file(path: Path, *, mend: bool = False) -> bytes:
    """A good EDID from a file in either form. Raises Invalid with the path in each line."""
    return named(path, lambda: import_edid(content_of(path), mend=mend))


def put_edid(raw: bytes, *, path: Path | None, form: str) -> None:
    """To the file, or to standard output. Raises Invalid rather than sending binary to a terminal."""
    content = raw if form == RAW else to_hex(raw).encode()
    if path is not None:
        path.write_bytes(content)
        return
    if form == RAW and sys.stdout.isatty():
        raise Invalid("a terminal cannot show binary: give -o FILE or --format hex")
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def named(path: Path, read: Callable[[], bytes]) -> bytes:
    """Runs `read`, and puts the path before each line of what it refuses."""
    try:
        return read()
    except Invalid as error:
        raise Invalid("\n".join(f"{path}: {line}" for line in str(error).splitlines()), code=error.code) from error


def content_of(path: Path) -> bytes:
    if str(path) == STANDARD:
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        raise Invalid(f"cannot be read: {error.strerror}") from error
