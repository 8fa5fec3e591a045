"""The media plan as JSON between control and media."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from edge.model.errors import Fault
from edge.model.sink import MediaPlan, RungSpec, SinkKind, SinkSpec


def to_wire(plan: MediaPlan) -> Mapping[str, Any]:
    return {"sinks": [asdict(sink) for sink in plan.sinks], "rungs": [asdict(rung) for rung in plan.rungs]}


def from_wire(body: Mapping[str, Any]) -> MediaPlan:
    """Raises Fault: the plan comes from our own control process."""
    try:
        return MediaPlan(
            sinks=tuple(sink_from_wire(sink) for sink in body["sinks"]),
            rungs=tuple(RungSpec(**rung) for rung in body["rungs"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Fault(f"media plan not understood: {error}") from error


def sink_from_wire(body: Mapping[str, Any]) -> SinkSpec:
    return SinkSpec(**{**body, "kind": SinkKind(body["kind"])})
