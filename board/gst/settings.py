"""What an encode target is in the properties of one element."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from edge.model.board import GstElement, GstProperty, PropertyValue
from edge.model.errors import Invalid
from edge.model.video import EncodeTarget, Refresh, Trait, VideoFormat

Setting = tuple[str, PropertyValue]


def traits_of(element: GstElement) -> frozenset[Trait]:
    """What the element's properties make of a target."""
    found = {
        Trait.LIVE_BITRATE: element.bitrate is not None and element.bitrate.live,
        Trait.INTRA_REFRESH: bool(element.refresh),
        Trait.SLICES: element.slices is not None or any("{slices}" in str(text) for text in element.fixed.values()),
    }
    return frozenset(trait for trait, has in found.items() if has)


def settings_of(element: GstElement, video: VideoFormat, target: EncodeTarget) -> Iterator[Setting]:
    """In the order in which they are to be set; what is fixed comes first and intra-refresh last.

    A rate that may change is opened at the ceiling, unless there is a property for that: the level is that of the
    highest rate then. Raises Invalid for a word in braces that stands for nothing.
    """
    gop = max(1, round(target.gop_s * video.fps))
    buffer_s = float(target.vbv_frames / video.fps)
    words = {
        "bitrate_kbps": target.bitrate_bps // 1000,
        "ceiling_kbps": target.max_bitrate_bps // 1000,
        "buffer_kbit": round(target.max_bitrate_bps * buffer_s / 1000),
        "gop": gop,
        "slices": target.slices,
    }
    for name, value in element.fixed.items():
        yield name, _filled(name, value, words)
    for part in element.gop:
        yield _scaled(part, gop)
    live = Trait.LIVE_BITRATE in traits_of(element) and element.ceiling is None
    for one, value in (
        (element.bitrate, target.max_bitrate_bps if live else target.bitrate_bps),
        (element.ceiling, target.max_bitrate_bps),
        (element.buffer, target.max_bitrate_bps * buffer_s),
        (element.buffer_ms, buffer_s * 1000),
        (element.slices, target.slices),
    ):
        if one is not None:
            yield _scaled(one, value)
    if target.refresh is Refresh.INTRA:
        for name, value in element.refresh.items():
            yield name, _filled(name, value, words)


def live_bitrate(element: GstElement, bitrate_bps: int) -> Setting | None:
    """What to set for that rate while playing; None when it cannot be."""
    one = element.bitrate
    return None if one is None or not one.live else _scaled(one, bitrate_bps)


def _filled(name: str, value: PropertyValue, words: Mapping[str, int]) -> PropertyValue:
    """A text that is nothing but one of the words becomes the number itself, for a property that takes one."""
    if not isinstance(value, str):
        return value
    if (word := value.strip("{}")) in words and value == f"{{{word}}}":
        return words[word]
    try:
        return value.format_map(words)
    except (LookupError, ValueError) as error:
        raise Invalid(f"property {name}, {value!r}: in braces may stand {', '.join(words)}") from error


def _scaled(one: GstProperty, value: float) -> Setting:
    return one.name, value * one.scale
