"""What is known of capture drivers beyond what they say of themselves: data, read from `drivers.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from importlib import resources
from typing import Any

from edge.model.errors import Invalid
from edge.model.video import Colorimetry, Range

_FILE = "drivers.toml"


class Detect(StrEnum):
    """How a signal is judged: by DV timings, by the input's status, or not at all."""

    TIMINGS = "timings"
    STATUS = "status"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class CaptureProfile:
    """One driver. `colorimetry` and `range` overrule the driver where it is known to err, per pixel format too.

    `rebind`: the last resort is to take the USB device away and bring it back.
    """

    driver: str
    name: str = ""
    detect: Detect = Detect.TIMINGS
    rebind: bool = False
    edid: bool = False
    edid_preset: str = ""
    bridge: str = ""
    colorimetry: Colorimetry | None = None
    range: Range | None = None
    hint: str = ""


def read_profiles() -> Mapping[str, CaptureProfile]:
    """By driver, from the file beside the package."""
    text = resources.files("board.v4l2").joinpath(_FILE).read_text(encoding="utf-8")
    return parse_profiles(text, where=_FILE)


def parse_profiles(text: str, *, where: str) -> Mapping[str, CaptureProfile]:
    """Raises Invalid naming file, driver and key."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"{where}: {error}") from error
    return {driver: _profile(driver, entry, where) for driver, entry in document.items()}


def profile_for(profiles: Mapping[str, CaptureProfile], driver: str) -> CaptureProfile:
    """A driver that nobody knows is taken at its word: timings where it has them."""
    return profiles.get(driver) or CaptureProfile(driver)


_READERS: Mapping[str, Any] = {"detect": Detect, "colorimetry": Colorimetry, "range": Range}


def _profile(driver: str, entry: Any, where: str) -> CaptureProfile:
    if not isinstance(entry, dict):
        raise Invalid(f"{where}: {driver}: expected a table")
    known = {one.name for one in fields(CaptureProfile)} - {"driver"}
    for key in entry:
        if key not in known:
            raise Invalid(f"{where}: {driver}.{key}: unknown key; there is {', '.join(sorted(known))}")
    values: dict[str, Any] = {}
    for key, value in entry.items():
        default = getattr(_DEFAULTS, key)
        wanted = str if key in _READERS else type(default)
        if type(value) is not wanted:
            raise Invalid(f"{where}: {driver}.{key}: expected {wanted.__name__}, got {value!r}")
        try:
            values[key] = _READERS[key](value) if key in _READERS else value
        except ValueError as error:
            raise Invalid(f"{where}: {driver}.{key}: {error}") from error
    return CaptureProfile(driver=driver, **values)


_DEFAULTS = CaptureProfile("")
