from __future__ import annotations

import json
from typing import Any

import pytest

from edge.app.plan_wire import from_wire, to_wire
from edge.model.errors import Fault
from edge.model.feedback import Role
from edge.model.sink import MediaPlan, PeerSpec, SinkKind, SinkSpec

PEERS = (PeerSpec("expert-1", "its own words", Role.GUIDE), PeerSpec("ward", "its other words", rung="view"))
SINK = SinkSpec("srt", SinkKind.SRT, "srt://:9000", latency_ms=0, role=Role.GUIDE, peers=PEERS)


def wired(plan: MediaPlan) -> dict[str, Any]:
    """As it comes out of the socket."""
    body: dict[str, Any] = json.loads(json.dumps(to_wire(plan)))
    return body


def test_plan_comes_out_as_it_went_in() -> None:
    plan = MediaPlan(sinks=(SINK,))
    assert from_wire(wired(plan)) == plan


def test_output_that_older_software_kept_is_an_observer_without_peers() -> None:
    kept = dict(wired(MediaPlan(sinks=(SINK,)))["sinks"][0])
    for newer in ("role", "token", "peers"):
        del kept[newer]
    sink = SinkSpec.of(kept)
    assert (sink.role, sink.peers, sink.url) == (Role.OBSERVER, (), SINK.url)


@pytest.mark.parametrize("change", [{"peers": [{"name": "a"}]}, {"peers": 3}, {"role": "boss"}, {"colour": "red"}])
def test_output_that_is_not_understood_is_our_own_fault(change: dict[str, Any]) -> None:
    body = wired(MediaPlan(sinks=(SINK,)))
    body["sinks"][0] |= change
    with pytest.raises(Fault, match="media plan not understood"):
        from_wire(body)
