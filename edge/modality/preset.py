"""A preset: what a kind of imaging device needs, as values that the rest of the box obeys."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from edge.config.preset import PresetConfig, PresetMask
from edge.model.picture import Area, CaptureMode, Mask, Sheet
from edge.model.rect import Rect


@dataclass(frozen=True, slots=True)
class Preset:
    """`own`: it comes from the technician's directory, not with the software."""

    name: str
    settings: PresetConfig
    own: bool = False

    @property
    def modes(self) -> tuple[CaptureMode, ...]:
        """Best first."""
        fine = self.settings.colour == "fine"
        return tuple(CaptureMode.parse(text, fine_colour=fine) for text in self.settings.modes)

    @property
    def crop(self) -> Area | None:
        crop = self.settings.crop
        return None if crop is None else Area(crop.of, Rect(*crop.rect))

    def mask(self, device: str) -> Mask | None:
        """The mask for a device of that model; tables for one picture size are one sheet."""
        rects: dict[tuple[int, int], list[Rect]] = {}
        for table in _for_device(self.settings.mask, device):
            rects.setdefault(table.of, []).extend(Rect(*rect) for rect in table.rects)
        return Mask(tuple(Sheet(of, tuple(some)) for of, some in rects.items())) if rects else None


def _for_device(tables: Iterable[PresetMask], device: str) -> Iterable[PresetMask]:
    return (table for table in tables if fnmatchcase(device.casefold(), table.device.casefold()))
