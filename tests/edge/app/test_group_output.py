"""An SRT output over several paths, from the configuration to the status."""

from __future__ import annotations

import asyncio

import pytest

from edge.app.configured import Configured
from edge.app.outputs import Outputs
from edge.config.model import Config
from edge.media.distributor import Distributor
from edge.media.keyframe_gate import KeyframeGate
from edge.media.latency import LatencyBook
from edge.model.sink import SinkKind, SinkSpec
from edge.runtime.clock import SystemClock
from edge.runtime.supervisor import Supervisor
from tests.media_units import make_units
from tests.srt_peers import wait_until

_GROUP = "srt://192.0.2.1:9000,192.0.2.2:9000?mode=caller&group=backup"


def configured(url: str) -> Configured:
    return Configured.of(Config.model_validate({"srt": [{"name": "ward", "url": url}]}))


def test_configured_group_runs() -> None:
    sink = configured(_GROUP).sinks["ward"]
    assert (sink.spec.url, sink.spec.running, sink.lock) == (_GROUP, True, None)


@pytest.mark.parametrize("url", [_GROUP.replace("backup", "bonding"), "srt://192.0.2.1:9000,192.0.2.2:9000"])
def test_configured_group_that_is_wrong_is_locked_with_the_reason(url: str) -> None:
    sink = configured(url).sinks["ward"]
    assert not sink.spec.running
    assert sink.lock is not None
    assert sink.lock.sentence.startswith("srt.ward.url: SRT address: ")


def test_second_path_needs_a_port_too() -> None:
    with pytest.raises(ValueError, match="must name a port"):
        configured("srt://192.0.2.1:9000,192.0.2.2?group=backup")


def test_output_says_that_bonding_is_not_available() -> None:
    """Debian's libsrt is built without."""
    clock = SystemClock()
    outlet = Distributor(gate=KeyframeGate(clock=clock), latency=LatencyBook(clock=clock), clock=clock)
    outputs = Outputs(outlets={"main": outlet}, supervisor=Supervisor())
    try:
        asyncio.run(outputs.apply((SinkSpec("ward", SinkKind.SRT, url=_GROUP),)))
        outlet.publish(make_units(1)[0])
        wait_until(lambda: outputs.reports()[0].code == "bonding_not_available", "the reason")
        (report,) = outputs.reports()
        assert "one SRT output for each path" in report.last_error
        assert [path["state"] for path in report.detail["paths"]] == ["broken", "broken"]
    finally:
        outlet.close()
