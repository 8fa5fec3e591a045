"""What is wanted of the picture and its bit rate: preset, masks, limits, joined from configuration and commands."""

from __future__ import annotations

from dataclasses import dataclass

from edge.app.configured import Configured, ConfiguredRung
from edge.app.overrides import Overrides
from edge.modality.library import Library
from edge.modality.preset import Preset
from edge.model.errors import NotFound
from edge.model.inputs import RungName
from edge.model.picture import NO_PRESET, Mask, PictureSpec
from edge.model.video import Priority

LEAST_BPS = 100_000


@dataclass(frozen=True, slots=True)
class Limits:
    """In bit/s. `floor_bps` is the clinical floor where a preset holds, which `clinical` says."""

    floor_bps: int
    start_bps: int
    ceiling_bps: int
    gop_s: float
    clinical: bool = False
    priority: Priority = Priority.DETAIL

    @classmethod
    def of(cls, rung: ConfiguredRung) -> Limits:
        """Where no preset holds."""
        return cls(LEAST_BPS, rung.bitrate_bps, rung.max_bitrate_bps, rung.gop_s)


@dataclass(frozen=True, slots=True)
class PictureWish:
    """`own_mask` is the one that configuration or command say, beside the preset's.

    `trouble` is a sentence when the wanted preset is not there; then nothing is known of its
    masks, and the picture is withheld.
    """

    preset: Preset | None
    own_mask: Mask | None
    limits: Limits
    spec: PictureSpec
    trouble: str = ""

    @classmethod
    def of(cls, configured: Configured, overrides: Overrides, library: Library, *, lost: str) -> PictureWish:
        """`lost` says why it is not known what commands had set; empty when it is known."""
        preset, trouble = _preset(overrides.preset.name if overrides.preset else configured.preset, library)
        own_mask = overrides.mask.mask if overrides.mask else configured.mask
        preset_mask = preset.mask(configured.device) if preset else None
        # a mask that was set since then replaces what was lost
        withheld = trouble or (lost if overrides.mask is None else "")
        return cls(
            preset=preset,
            own_mask=own_mask,
            limits=_limits(configured, preset),
            spec=PictureSpec(
                modes=preset.modes if preset else (),
                crop=preset.crop if preset else None,
                masks=tuple(mask for mask in (own_mask, preset_mask) if mask is not None),
                freeze_after_ms=_freeze_after_ms(configured, preset),
                withheld=withheld,
            ),
            trouble=trouble,
        )


def _preset(name: str, library: Library) -> tuple[Preset | None, str]:
    if name == NO_PRESET:
        return None, ""
    try:
        return library.find(name), ""
    except NotFound as error:
        return None, f"preset: {error}; set one that is there, or put its file back and restart the box"


def _limits(configured: Configured, preset: Preset | None) -> Limits:
    """The preset's figures stand in for the encoder's configured ones."""
    if preset is None:
        return Limits.of(configured.rungs[RungName.MAIN])
    rate, priority = preset.settings.bitrate, Priority(preset.settings.priority)
    return Limits(rate.floor_bps, rate.start_bps, rate.ceiling_bps, preset.settings.gop_s, True, priority)


def _freeze_after_ms(configured: Configured, preset: Preset | None) -> int:
    by_preset = preset.settings.freeze_after_ms if preset else None
    if by_preset is None or configured.freeze_after_ms == 0:  # off stays off
        return configured.freeze_after_ms
    return by_preset
