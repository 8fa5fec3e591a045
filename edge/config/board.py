"""The form of a board profile (`board/profiles`, and those of one's own): strict, as the configuration is."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from edge.config.layers import Tree, read_toml, toml_of
from edge.config.model import AUTO_BOARD
from edge.config.problems import problems
from edge.config.section import Name, Section
from edge.model.board import (
    BoardMatch,
    BoardProfile,
    CaptureFact,
    EncoderFact,
    EncoderKind,
    GpioFact,
    GstElement,
    GstProperty,
    HealthFact,
    Throttle,
)
from edge.model.errors import Invalid
from edge.model.video import Codec, Pixel

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_NODE_KEYS, _LIBRARY_KEYS = ("driver", "card"), ("library",)

Text = Annotated[str, Field(min_length=1, max_length=120)]
Note = Annotated[str, Field(max_length=300)]
Elements = Annotated[str, Field(max_length=500)]


class MatchSection(Section):
    """By what the board is known; all that is given must fit, of `compatible` any one."""

    compatible: Annotated[tuple[Text, ...], Field(max_length=32)] = ()
    sys_vendor: Annotated[str, Field(max_length=120)] = ""
    product_name: Annotated[str, Field(max_length=120)] = ""
    board_name: Annotated[str, Field(max_length=120)] = ""
    pci_vendor: Annotated[str, Field(pattern=r"^(0x[0-9a-f]{4})?$")] = ""
    pci_driver: Annotated[str, Field(max_length=60)] = ""
    bridge_lanes: Literal[1, 2, 4] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> MatchSection:
        if not any(value for key, value in self if key != "bridge_lanes"):
            raise ValueError("names nothing by which the board is known; leave [match] out for one chosen by name only")
        return self


class CaptureSection(Section):
    """A receiver by its driver, and the CSI-2 link before it."""

    driver: Text
    bridge: Annotated[str, Field(max_length=40)] = ""
    lanes: Literal[1, 2, 4] | None = None
    lane_mbps: Annotated[int, Field(ge=300, le=4500)] = 972
    edid_preset: Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9-]{0,39})?$")] = ""
    contiguous: bool | None = None
    note: Note = ""

    @model_validator(mode="after")
    def _lanes_for_a_rate(self) -> CaptureSection:
        if self.lanes is None and "lane_mbps" in self.model_fields_set:
            raise ValueError("lane_mbps says nothing without lanes")
        return self


class GstPropertySection(Section):
    """A property of the element, what its value is multiplied by, and whether it may be set while playing."""

    name: Text
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    live: bool = False


class GstSection(Section):
    """How the element is told what a rung wants."""

    element: Text
    before: Elements = ""
    after: Elements = ""
    pixel: Pixel = Pixel.NV12
    accepts: Annotated[tuple[Pixel, ...], Field(max_length=16)] = ()
    key_signal: Annotated[str, Field(max_length=60)] = ""
    fixed: Annotated[dict[str, Any], Field(default_factory=dict)]
    refresh: Annotated[dict[str, Any], Field(default_factory=dict)]
    bitrate: GstPropertySection | None = None
    ceiling: GstPropertySection | None = None
    gop: tuple[GstPropertySection, ...] = ()
    buffer: GstPropertySection | None = None
    buffer_ms: GstPropertySection | None = None
    slices: GstPropertySection | None = None

    @field_validator("fixed", "refresh")
    @classmethod
    def _plain(cls, properties: dict[str, Any]) -> dict[str, Any]:
        for name, value in properties.items():
            if not isinstance(value, str | int | float):
                raise ValueError(f"{name}: must be text, a number, true or false")
        return properties

    @model_validator(mode="after")
    def _one_buffer(self) -> GstSection:
        if self.buffer is not None and self.buffer_ms is not None:
            raise ValueError("has both buffer and buffer_ms; an element takes the one or the other")
        return self

    def fact(self) -> GstElement:
        single = {key: _property(value) for key, value in self if isinstance(value, GstPropertySection)}
        return GstElement(**{**dict(self), **single, "gop": tuple(_property(one) for one in self.gop)})


class EncoderSection(Section):
    """One encoder that the board may have."""

    name: Name
    kind: EncoderKind
    codec: Codec = Codec.H264
    hardware: bool = False
    library: Annotated[str, Field(max_length=60)] = ""
    driver: Annotated[str, Field(max_length=60)] = ""
    card: Annotated[str, Field(max_length=60)] = ""
    gst: GstSection | None = None
    max_width: Annotated[int, Field(ge=64, le=16_384)] = 8192
    max_height: Annotated[int, Field(ge=64, le=16_384)] = 8192
    pixels_per_s: Annotated[int, Field(ge=1)] | None = None
    expected: bool = True
    latency_ms: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)] | None = None
    note: Note = ""

    @model_validator(mode="after")
    def _fits_its_kind(self) -> EncoderSection:
        if self.kind is EncoderKind.GST and self.gst is None:
            raise ValueError("kind 'gst' needs a table [encoder.gst]")
        if self.kind is EncoderKind.AV and not self.library:
            raise ValueError("kind 'av' needs library, the encoder's name in FFmpeg")
        strange = [key for key in _strange_to(self.kind) if getattr(self, key)]
        if strange:
            raise ValueError(f"{', '.join(strange)} says nothing for kind '{self.kind}'")
        return self

    def fact(self) -> EncoderFact:
        return EncoderFact(**{**dict(self), "gst": self.gst.fact() if self.gst else None})


class HealthSection(Section):
    """Where the board says how it is."""

    throttle: Throttle = Throttle.NONE
    thermal_zones: tuple[Text, ...] = ()
    power_rails: tuple[Text, ...] = ()
    watchdog_max_s: Annotated[int, Field(ge=1, le=86_400)] | None = None


class GpioSection(Section):
    """The GPIO chip of the pin header and its free lines."""

    chip: Annotated[str, Field(max_length=60)] = ""
    lines: tuple[Text, ...] = ()


class BoardSection(Section):
    """One board; its id is the name of its file."""

    title: Annotated[str, Field(min_length=1, max_length=80)]
    match: MatchSection | None = None
    capture: tuple[CaptureSection, ...] = ()
    encoder: Annotated[tuple[EncoderSection, ...], Field(max_length=32)]
    health: HealthSection = HealthSection()
    gpio: GpioSection = GpioSection()
    ptp_phc: bool | None = None

    @field_validator("encoder")
    @classmethod
    def _fall_back(cls, encoders: tuple[EncoderSection, ...]) -> tuple[EncoderSection, ...]:
        _once("encoders", "name", [one.name for one in encoders])
        if not any(one.kind is EncoderKind.AV and not one.hardware and one.codec is Codec.H264 for one in encoders):
            raise ValueError("has no H.264 encoder in software to fall back to, such as libx264 of kind 'av'")
        return encoders

    @field_validator("capture")
    @classmethod
    def _one_each(cls, receivers: tuple[CaptureSection, ...]) -> tuple[CaptureSection, ...]:
        _once("receivers", "driver", [one.driver for one in receivers])
        return receivers


def read_board(path: Path) -> BoardProfile:
    """One's own. Raises Invalid (code `config`), one line per problem: `FILE: key: what is wrong (got VALUE)`."""
    return parse_board(read_toml(path), id=path.stem, where=str(path), own=True)


def board_of(content: bytes, *, id: str, where: str) -> BoardProfile:
    """A shipped one. Raises as `read_board` does, with `where` for the file."""
    return parse_board(toml_of(content, where), id=id, where=where)


def parse_board(values: Mapping[str, Any], *, id: str, where: str, own: bool = False) -> BoardProfile:
    """Raises as `read_board` does, with `where` for the file."""
    if _ID.fullmatch(id) is None or id == AUTO_BOARD:
        sentence = f"{where}: a board's file name must match {_ID.pattern}.toml and not be {AUTO_BOARD}.toml"
        raise Invalid(sentence, code="config")
    tree = Tree({})
    tree.lay(values, where)
    try:
        section = BoardSection.model_validate_json(json.dumps(tree.values, default=str), strict=True)
    except ValidationError as error:
        lines = problems(error, tree, BoardSection, origin=where)
        raise Invalid("\n".join(lines), code="config") from error
    return _profile(section, id=id, own=own)


def _profile(section: BoardSection, *, id: str, own: bool) -> BoardProfile:
    return BoardProfile(
        id=id,
        title=section.title,
        match=BoardMatch(**dict(section.match)) if section.match else None,
        capture=tuple(CaptureFact(**dict(one)) for one in section.capture),
        encoders=tuple(one.fact() for one in section.encoder),
        health=HealthFact(**dict(section.health)),
        gpio=GpioFact(**dict(section.gpio)),
        ptp_phc=section.ptp_phc,
        own=own,
    )


def _property(section: GstPropertySection) -> GstProperty:
    return GstProperty(**dict(section))


def _strange_to(kind: EncoderKind) -> tuple[str, ...]:
    own: Mapping[EncoderKind, tuple[str, ...]] = {
        EncoderKind.V4L2M2M: _NODE_KEYS,
        EncoderKind.GST: ("gst",),
        EncoderKind.AV: _LIBRARY_KEYS,
    }
    return tuple(key for key in (*_LIBRARY_KEYS, *_NODE_KEYS, "gst") if key not in own.get(kind, ()))


def _once(what: str, key: str, values: list[str]) -> None:
    twice = [value for value, count in Counter(values).items() if count > 1]
    if twice:
        raise ValueError(f"two {what} have the {key} {twice[0]!r}")
