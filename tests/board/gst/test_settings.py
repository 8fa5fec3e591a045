from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from board.gst.settings import live_bitrate, settings_of, traits_of
from edge.model.board import GstElement, GstProperty
from edge.model.errors import Invalid
from edge.model.video import EncodeTarget, Refresh, Trait, VideoFormat

_VIDEO = VideoFormat(1920, 1080, Fraction(60))
_TARGET = EncodeTarget(4_000_000, 8_000_000, gop_s=2.0, vbv_frames=3.0, slices=4)
_BARE = GstElement("nvv4l2h264enc")
_WHOLE = GstElement(
    "nvv4l2h264enc",
    fixed={"maxperf-enable": True, "extra": "rate={bitrate_kbps}:most={ceiling_kbps}:vbv={buffer_kbit}:gop={gop}"},
    refresh={"idrinterval": 100_000, "SliceIntraRefreshInterval": "{gop}"},
    bitrate=GstProperty("bitrate"),
    ceiling=GstProperty("peak-bitrate"),
    gop=(GstProperty("idrinterval"), GstProperty("iframeinterval")),
    buffer=GstProperty("vbv-size"),
    slices=GstProperty("num-slices"),
)


def test_a_target_becomes_properties_in_the_units_of_the_element() -> None:
    assert dict(settings_of(_WHOLE, _VIDEO, _TARGET)) == {
        "maxperf-enable": True,
        "extra": "rate=4000:most=8000:vbv=400:gop=120",
        "idrinterval": 120,
        "iframeinterval": 120,
        "bitrate": 4_000_000,
        "peak-bitrate": 8_000_000,
        "vbv-size": 400_000,
        "num-slices": 4,
    }


def test_a_buffer_in_milliseconds_and_a_rate_in_kilobits() -> None:
    element = replace(_BARE, bitrate=GstProperty("bitrate", 0.001), buffer_ms=GstProperty("vbv-buf-capacity"))
    assert dict(settings_of(element, _VIDEO, _TARGET)) == {"bitrate": 4000, "vbv-buf-capacity": 50}


def test_intra_refresh_is_set_last_and_only_when_wished() -> None:
    wished = replace(_TARGET, refresh=Refresh.INTRA)
    last = list(settings_of(_WHOLE, _VIDEO, wished))[-2:]
    assert last == [("idrinterval", 100_000), ("SliceIntraRefreshInterval", 120)]
    assert "SliceIntraRefreshInterval" not in dict(settings_of(_WHOLE, _VIDEO, _TARGET))
    assert list(settings_of(_BARE, _VIDEO, wished)) == []


def test_a_rate_that_may_change_is_opened_at_the_ceiling_unless_that_has_a_property() -> None:
    live = replace(_BARE, bitrate=GstProperty("bitrate", live=True))
    assert dict(settings_of(live, _VIDEO, _TARGET)) == {"bitrate": 8_000_000}
    both = replace(live, ceiling=GstProperty("peak-bitrate"))
    assert dict(settings_of(both, _VIDEO, _TARGET)) == {"bitrate": 4_000_000, "peak-bitrate": 8_000_000}


def test_a_gop_is_never_shorter_than_a_picture() -> None:
    element = replace(_BARE, gop=(GstProperty("gop"),))
    assert dict(settings_of(element, _VIDEO, replace(_TARGET, gop_s=0.001))) == {"gop": 1}


@pytest.mark.parametrize("text", ["a={nonsense}", "a={", "a={0}"])
def test_a_text_with_a_word_that_stands_for_nothing_is_invalid(text: str) -> None:
    with pytest.raises(Invalid, match="in braces may stand bitrate_kbps, ceiling_kbps"):
        list(settings_of(replace(_BARE, fixed={"extra": text}), _VIDEO, _TARGET))


def test_traits_are_what_the_map_can_say() -> None:
    assert traits_of(_BARE) == frozenset()
    assert traits_of(_WHOLE) == {Trait.INTRA_REFRESH, Trait.SLICES}
    assert traits_of(replace(_BARE, bitrate=GstProperty("bitrate", live=True))) == {Trait.LIVE_BITRATE}
    assert traits_of(replace(_BARE, fixed={"option-string": "slices={slices}"})) == {Trait.SLICES}


def test_only_a_live_property_takes_a_new_rate() -> None:
    assert live_bitrate(_WHOLE, 5_000_000) is None
    assert live_bitrate(_BARE, 5_000_000) is None
    element = replace(_BARE, bitrate=GstProperty("target-bitrate", 0.001, live=True))
    assert live_bitrate(element, 5_000_000) == ("target-bitrate", 5000)
