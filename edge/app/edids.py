"""The EDID that the configuration wants a receiver to have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from board.edid.build import build
from board.edid.hex_text import import_edid
from board.edid.limits import lock as lock_to
from board.edid.modes import mode
from board.edid.presets import preset
from board.v4l2.profile import CaptureProfile
from edge.model.errors import Invalid, Rejected

AUTO, KEEP = "auto", "keep"


def edid_chooser(name: str, *, lock: str = "", where: str = "source.v4l2") -> Callable[[CaptureProfile], bytes]:
    """What `name` means for a driver: empty where nothing is to be written.

    `name` is `auto`, `keep`, a preset or a file's path; `lock` a mode's name or empty.
    Raises Invalid at once, naming the option, when preset, file or mode are not to be had.
    """
    if name == KEEP:
        return lambda profile: b""
    if name == AUTO:
        _named("2-lane", lock, where)  # a mode that nobody knows shall be told now, not when a cable is plugged
        return lambda profile: _named(profile.edid_preset, lock, where) if profile.edid_preset else b""
    content = _from_file(Path(name), where) if "/" in name else _named(name, lock, where)
    return lambda profile: content


def _named(name: str, lock: str, where: str) -> bytes:
    try:
        description = preset(name)
    except Rejected as error:
        raise Invalid(f"{where}.edid: {error}", code=error.code) from error
    if lock:
        try:
            description = lock_to(description, mode(lock))
        except Rejected as error:
            raise Invalid(f"{where}.edid_lock: {error}", code=error.code) from error
    return build(description)


def _from_file(path: Path, where: str) -> bytes:
    try:
        return import_edid(path.read_bytes())
    except OSError as error:
        raise Invalid(f"{where}.edid: {path} cannot be read: {error.strerror}") from error
    except Rejected as error:
        raise Invalid(f"{where}.edid: {path}: {error}", code=error.code) from error
