"""What may be set of a camera module: focus, exposure, white balance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from edge.model.errors import Invalid, NotSupported

Limits = Mapping[str, tuple[Any, Any, Any]]


class Focus(StrEnum):
    """`auto` focuses once, at the start; `continuous` always."""

    MANUAL = "manual"
    AUTO = "auto"
    CONTINUOUS = "continuous"


class WhiteBalance(StrEnum):
    """What light the scene has; `auto` finds out. libcamera's AwbMode."""

    AUTO = "auto"
    INCANDESCENT = "incandescent"
    TUNGSTEN = "tungsten"
    FLUORESCENT = "fluorescent"
    INDOOR = "indoor"
    DAYLIGHT = "daylight"
    CLOUDY = "cloudy"


# AfMode and AwbMode of libcamera's control_ids_core.yaml, in the order of their numbers
_FOCUS = {Focus.MANUAL: 0, Focus.AUTO: 1, Focus.CONTINUOUS: 2}
_BALANCE = {mode: number for number, mode in enumerate(WhiteBalance)}
_TRIGGER_START = 0  # AfTriggerStart


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """None leaves it to the camera. `lens_dioptres`: 0 is infinity, 10 is 10 cm; it implies manual focus.

    `gain` is analogue; `colour_gains` are red and blue and switch automatic white balance off.
    """

    focus: Focus | None = None
    lens_dioptres: float | None = None
    exposure_us: int | None = None
    gain: float | None = None
    white_balance: WhiteBalance | None = None
    colour_gains: tuple[float, float] | None = None

    def controls(self, limits: Limits) -> dict[str, Any]:
        """In libcamera's names, held against the (least, most, default) of `camera_controls`.

        Raises Invalid on what contradicts itself or lies outside, NotSupported on what this camera has not.
        """
        if self.lens_dioptres is not None and self.focus not in (None, Focus.MANUAL):
            raise Invalid(f"camera: lens_dioptres needs manual focus, not {self.focus}")
        if self.colour_gains is not None and self.white_balance is not None:
            raise Invalid("camera: colour_gains and white_balance exclude each other")
        found = {**self._focus(), **self._exposure(), **self._colour()}
        for name, value in found.items():
            _check(name, value, limits)
        return found

    def _focus(self) -> dict[str, Any]:
        focus = Focus.MANUAL if self.lens_dioptres is not None else self.focus
        found: dict[str, Any] = {} if focus is None else {"AfMode": _FOCUS[focus]}
        if self.lens_dioptres is not None:
            found["LensPosition"] = float(self.lens_dioptres)
        if focus is Focus.AUTO:
            found["AfTrigger"] = _TRIGGER_START
        return found

    def _exposure(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self.exposure_us is not None:
            found["ExposureTime"] = self.exposure_us
        if self.gain is not None:
            found["AnalogueGain"] = float(self.gain)
        return found

    def _colour(self) -> dict[str, Any]:
        if self.colour_gains is not None:
            return {"AwbEnable": False, "ColourGains": self.colour_gains}
        if self.white_balance is not None:
            return {"AwbEnable": True, "AwbMode": _BALANCE[self.white_balance]}
        return {}


def _check(name: str, value: Any, limits: Limits) -> None:
    if name not in limits:
        raise NotSupported(f"this camera has no {name}")
    least, most, _ = limits[name]
    values = value if isinstance(value, tuple) else (value,)
    for one in values:
        if not math.isfinite(one) or not _within(one, least, most):
            raise Invalid(f"camera: {name} {one:g} is outside {_shown(least)} to {_shown(most)}")


def _within(value: float, least: Any, most: Any) -> bool:
    """A limit may be missing, or be a list with one limit for each element."""
    least, most = _scalar(least, min), _scalar(most, max)
    return (least is None or value >= least) and (most is None or value <= most)


def _scalar(limit: Any, choose: Any) -> Any:
    return choose(limit) if isinstance(limit, (list, tuple)) and limit else limit


def _shown(limit: Any) -> str:
    return "any" if limit is None else f"{limit:g}" if isinstance(limit, (int, float)) else str(limit)
