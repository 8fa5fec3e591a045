"""The status document's members `preset`, `mask` and `crop`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edge.app.wishes import Wishes
from edge.media.framing import Fit
from edge.model.picture import PictureSpec
from edge.model.rect import Rect

_NOTHING: Mapping[str, Any] = {}


def preset_section(wishes: Wishes) -> Mapping[str, Any]:
    """`name` is the wanted one; the figures are those that hold."""
    wish = wishes.picture
    settings = wish.preset.settings if wish.preset else None
    return {
        "name": wishes.preset_name,
        "title": settings.title if settings else "",
        "priority": settings.priority if settings else "",
        "stills_first": settings.stills_first if settings else False,
        "modes": [str(mode) for mode in wish.spec.modes],
        "bitrate_floor_bps": wish.limits.floor_bps,
        "bitrate_start_bps": wish.limits.start_bps,
        "bitrate_ceiling_bps": wish.limits.ceiling_bps,
        "freeze_after_ms": wish.spec.freeze_after_ms,
        "available": list(wishes.library.presets),
    }


def mask_section(spec: PictureSpec, framing: Mapping[str, Any]) -> Mapping[str, Any]:
    """`areas` is how many rectangles are wanted, `applied` what the media process says of the newest picture."""
    of = framing.get("of")
    rects = spec.blacks((of[0], of[1])) if of else None
    wanted = sum(max((len(sheet.rects) for sheet in mask.sheets), default=0) for mask in spec.masks)
    return {
        "areas": wanted if rects is None else len(rects),
        "rects": [_numbers(rect) for rect in rects or ()],
        "of": of,
        "withheld": spec.withheld or framing.get("withheld", ""),
        "applied": framing.get("blacks"),
    }


def crop_section(framing: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"rect": framing.get("crop"), "trouble": framing.get("crop_trouble", "")}


def framing_of(fit: Fit) -> Mapping[str, Any]:
    """What the media process tells of the newest picture."""
    return {
        "of": [fit.source.width, fit.source.height],
        "crop": None if fit.crop is None else _numbers(fit.crop),
        "crop_trouble": fit.crop_trouble,
        "blacks": len(fit.blacks),
        "withheld": fit.withheld,
    }


def _numbers(rect: Rect) -> list[int]:
    return [rect.x, rect.y, rect.width, rect.height]
