"""The media plan as JSON between control and media."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from edge.model.errors import Fault, Invalid
from edge.model.feedback import Role
from edge.model.picture import Area, CaptureMode, Mask, PictureSpec, Sheet
from edge.model.rect import Rect
from edge.model.sink import MediaPlan, PeerSpec, RungSpec, SinkKind, SinkSpec
from edge.model.video import Priority


def to_wire(plan: MediaPlan) -> Mapping[str, Any]:
    return asdict(plan)


def from_wire(body: Mapping[str, Any]) -> MediaPlan:
    """Raises Fault: the plan comes from our own control process."""
    try:
        return MediaPlan(
            sinks=tuple(sink_from_wire(sink) for sink in body["sinks"]),
            rungs=tuple(_rung(rung) for rung in body["rungs"]),
            picture=_picture(body["picture"]),
        )
    except (KeyError, TypeError, ValueError, Invalid) as error:
        raise Fault(f"media plan not understood: {error}") from error


def sink_from_wire(body: Mapping[str, Any]) -> SinkSpec:
    """Raises KeyError, TypeError or ValueError."""
    role = Role(body.get("role", Role.OBSERVER))  # older software kept outputs without role and peers
    peers = tuple(PeerSpec(**{**peer, "role": Role(peer["role"])}) for peer in body.get("peers", ()))
    return SinkSpec(**{**body, "kind": SinkKind(body["kind"]), "role": role, "peers": peers})


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
