"""The media plan as JSON between control and media."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from edge.model.errors import Fault, Invalid
from edge.model.picture import Area, CaptureMode, Mask, PictureSpec, Sheet
from edge.model.rect import Rect
from edge.model.sink import MediaPlan, RungSpec, SinkSpec
from edge.model.video import Priority


def to_wire(plan: MediaPlan) -> Mapping[str, Any]:
    return asdict(plan)


def from_wire(body: Mapping[str, Any]) -> MediaPlan:
    """Raises Fault: the plan comes from our own control process."""
    try:
        return MediaPlan(
            sinks=tuple(SinkSpec.of(sink) for sink in body["sinks"]),
            rungs=tuple(_rung(rung) for rung in body["rungs"]),
            picture=_picture(body["picture"]),
            log_level=str(body["log_level"]),
            source=str(body["source"]),
        )
    except (KeyError, TypeError, ValueError, Invalid) as error:
        raise Fault(f"media plan not understood: {error}") from error


def mask_from_wire(body: Mapping[str, Any]) -> Mask:
    """Raises KeyError, TypeError, ValueError or Invalid."""
    return Mask(tuple(_sheet(sheet) for sheet in body["sheets"]))


def _rung(body: Mapping[str, Any]) -> RungSpec:
    return RungSpec(**{**body, "priority": Priority(body["priority"])})


def _picture(body: Mapping[str, Any]) -> PictureSpec:
    crop = body["crop"]
    return PictureSpec(
        modes=tuple(CaptureMode(**mode) for mode in body["modes"]),
        crop=None if crop is None else Area(_size(crop["of"]), Rect(**crop["rect"])),
        masks=tuple(mask_from_wire(mask) for mask in body["masks"]),
        freeze_after_ms=body["freeze_after_ms"],
        withheld=body["withheld"],
    )


def _sheet(body: Mapping[str, Any]) -> Sheet:
    return Sheet(_size(body["of"]), tuple(Rect(**rect) for rect in body["rects"]))


def _size(pair: Any) -> tuple[int, int]:
    width, height = pair
    return int(width), int(height)
