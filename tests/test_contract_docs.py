"""The contracts in docs/contracts name what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge.link import acceptance
from edge.model import sei, strip
from edge.model.command import Op, ResultState
from edge.model.signal import SignalState
from edge.model.sink import SinkKind
from edge.model.status import Severity, SinkState

CONTRACTS = Path(__file__).resolve().parents[1] / "docs" / "contracts"
TIMING, HTTP, MQTT = ((CONTRACTS / f"{name}.md").read_text() for name in ("timing", "http", "mqtt"))
WEB = Path(__file__).resolve().parents[1] / "edge" / "web"
REFUSALS = re.findall(r"^\| (\w+) \|", acceptance.__doc__ or "", re.MULTILINE)[1:]
ROUTE = re.compile(r"router\.(?:get|post|patch|delete|api_route)\(\s*\"([^\"]+)\"")
ROUTES = sorted({path for source in WEB.glob("*.py") for path in ROUTE.findall(source.read_text())})


def test_timing_names_the_uuid_and_the_size_of_the_sei() -> None:
    text = sei.TIME_SEI_UUID.hex()
    dashed = "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
    assert f"`{dashed}`" in TIMING
    packed = sei.pack(sei.TimeSei(1, 2, live=True, clock_synchronised=False))
    assert f"{len(packed) - 16} bytes follow" in TIMING


def test_timing_names_the_strip_as_it_is_drawn() -> None:
    pattern = " ".join(f"{strip.strip_word(0)[0]:08b}")
    assert f"fixed pattern {pattern}" in TIMING
    assert f"one row of {strip.CELLS} squares" in TIMING
    assert f"luma {strip.LUMA_ONE} is a 1, one of luma {strip.LUMA_ZERO} a 0" in TIMING
    assert [strip.cell_px(width) for width in (511, 512, 1023, 1024)] == [0, 8, 8, 16]


@pytest.mark.parametrize("route", [r for r in ROUTES if not r.startswith(("/page/", "/whep/{rung}/"))])
def test_http_names_every_route(route: str) -> None:
    assert f"`{route}`" in HTTP


@pytest.mark.parametrize("word", [*SignalState, *SinkState, *SinkKind, *Severity])
def test_http_names_every_state(word: str) -> None:
    assert f"`{word}`" in HTTP


@pytest.mark.parametrize("word", [*Op, *ResultState, *REFUSALS])
def test_mqtt_names_every_operation_state_and_refusal(word: str) -> None:
    assert f"`{word}`" in MQTT


def test_the_lists_that_these_tests_go_through_are_not_empty() -> None:
    assert len(ROUTES) > 10
    assert len(REFUSALS) > 10
