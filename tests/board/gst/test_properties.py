from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from board.gst.library import load_gstreamer
from board.gst.properties import set_property
from edge.model.board import PropertyValue
from edge.model.errors import NotSupported


@pytest.fixture
def element(capfd: pytest.CaptureFixture[str]) -> Iterator[Any]:
    """An x264enc; nothing that is set may make GObject write to stderr."""
    yield load_gstreamer().gst.ElementFactory.make("x264enc")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("bitrate", 1234.4, 1234),
        ("bitrate", 0.4, 1),
        ("ip-factor", 1.5, 1.5),
        ("cabac", False, False),
        ("option-string", "scenecut=0:slices=2", "scenecut=0:slices=2"),
        ("speed-preset", "ultrafast", 1),
        ("speed-preset", 3, 3),
        ("tune", "zerolatency", 4),
        ("tune", "fastdecode+zerolatency", 6),
        ("tune", 4, 4),
        ("tune", 0, 0),
    ],
)
def test_a_property_is_set_by_its_kind(element: Any, name: str, value: PropertyValue, found: object) -> None:
    set_property(load_gstreamer(), element, name, value)
    assert element.get_property(name) == found


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("bit-rate", 1, "x264enc has no property bit-rate"),
        ("bitrate", 0, "x264enc's property bitrate cannot be 0; allowed: 1 to 2048000"),
        ("bitrate", 9_000_000, "property bitrate cannot be 9000000"),
        ("bitrate", "much", "property bitrate is a number, not 'much'"),
        ("cabac", "perhaps", "property cabac is true or false, not 'perhaps'"),
        ("speed-preset", "warp", "property speed-preset cannot be 'warp'; allowed: None, ultrafast"),
        ("speed-preset", "fas", "property speed-preset cannot be 'fas'"),
        ("tune", 64, "property tune cannot be '64'"),
        ("tune", "zerolatency+loud", "property tune cannot be 'loud'; allowed: stillimage, fastdecode, zerolatency"),
    ],
)
def test_what_a_property_does_not_take_is_not_supported_by_name(
    element: Any, name: str, value: PropertyValue, complaint: str
) -> None:
    before = {spec: element.get_property(spec) for spec in ("bitrate", "cabac", "speed-preset", "tune")}
    with pytest.raises(NotSupported, match=complaint):
        set_property(load_gstreamer(), element, name, value)
    assert {spec: element.get_property(spec) for spec in before} == before
