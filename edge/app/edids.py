"""The EDID that the configuration wants a receiver to have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from board.edid.build import build
from board.edid.description import Description
from board.edid.hex_text import import_edid
from board.edid.limits import limit
from board.edid.limits import lock as lock_to
from board.edid.modes import mode
from board.edid.presets import preset
from board.edid.receiver import CsiLink
from board.v4l2.profile import CaptureProfile
from edge.model.board import CaptureFact
from edge.model.errors import Invalid, Rejected

AUTO, KEEP = "auto", "keep"


def edid_chooser(
    name: str, *, lock: str = "", where: str = "source.v4l2", facts: Sequence[CaptureFact] = ()
) -> Callable[[CaptureProfile], bytes]:
    """What `name` means for a driver: empty where nothing is to be written.

    `name` is `auto`, `keep`, a preset or a file's path; `lock` a mode's name or empty. `facts`: what the board's
    profile knows of its receivers, which for `auto` goes before what is known of their drivers everywhere.
    Raises Invalid at once, naming the option, when preset, file or mode are not to be had.
    """
    if name == KEEP:
        return lambda profile: b""
    if name == AUTO:
        return _automatic(lock, where, facts)
    content = _from_file(Path(name), where) if "/" in name else _named(name, lock, where)
    return lambda profile: content


def _automatic(lock: str, where: str, facts: Sequence[CaptureFact]) -> Callable[[CaptureProfile], bytes]:
    of_board = {fact.driver: _locked(described, lock, where) for fact in facts if (described := _suiting(fact, where))}
    if not of_board:
        _named("2-lane", lock, where)  # a mode that nobody knows shall be told now, not when a cable is plugged

    def chosen(profile: CaptureProfile) -> bytes:
        known = of_board.get(profile.driver)
        if known is not None:
            return known
        return _named(profile.edid_preset, lock, where) if profile.edid_preset else b""

    return chosen


def _suiting(fact: CaptureFact, where: str) -> Description | None:
    """The preset for the board's lanes, without the modes that they do not carry."""
    if fact.lanes is None:
        return _preset(fact.edid_preset, where) if fact.edid_preset else None
    described = _preset(fact.edid_preset or ("2-lane" if fact.lanes <= 2 else "4-lane"), where)
    receiver = replace(described.receiver, csi=CsiLink(fact.lanes, fact.lane_mbps))
    return limit(described, receiver).description


def _named(name: str, lock: str, where: str) -> bytes:
    return _locked(_preset(name, where), lock, where)


def _preset(name: str, where: str) -> Description:
    try:
        return preset(name)
    except Rejected as error:
        raise Invalid(f"{where}.edid: {error}", code=error.code) from error


def _locked(description: Description, lock: str, where: str) -> bytes:
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
