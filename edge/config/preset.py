"""The form of a preset file (`edge/modality/presets`, and those of one's own): strict, as the configuration is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from edge.config.layers import Tree, read_toml
from edge.config.problems import problems
from edge.config.section import Bitrate, RectOption, Section, SizeOption, require_inside
from edge.model.errors import Invalid
from edge.model.picture import MASK_AREAS, CaptureMode


class CropConfig(Section):
    """The part of the picture that is sent: `rect` as [x, y, width, height] of a picture of the size `of`."""

    of: SizeOption
    rect: RectOption

    @model_validator(mode="after")
    def _inside(self) -> CropConfig:
        require_inside("rect", (self.rect,), self.of)
        return self


class PresetMask(Section):
    """Rectangles to black out for the devices whose model matches `device` (`*` and `?` as in file names)."""

    device: Annotated[str, Field(min_length=1, max_length=64)] = "*"
    of: SizeOption
    rects: Annotated[tuple[RectOption, ...], Field(min_length=1, max_length=MASK_AREAS)]

    @model_validator(mode="after")
    def _inside(self) -> PresetMask:
        require_inside("rects", self.rects, self.of)
        return self


class PresetBitrate(Section):
    """In bit/s: below the floor the picture is of no clinical use, at `start_bps` it begins, above the ceiling
    nothing may be asked for."""

    floor_bps: Bitrate
    start_bps: Bitrate
    ceiling_bps: Bitrate

    @model_validator(mode="after")
    def _in_order(self) -> PresetBitrate:
        if not self.floor_bps <= self.start_bps <= self.ceiling_bps:
            raise ValueError("must rise from floor_bps over start_bps to ceiling_bps")
        return self


class PresetConfig(Section):
    """One preset."""

    title: Annotated[str, Field(min_length=1, max_length=60)]
    modes: Annotated[tuple[str, ...], Field(min_length=1, max_length=16)]
    priority: Literal["motion", "detail"]
    colour: Literal["fine", "plain"] = "fine"
    stills_first: bool = False
    gop_s: Annotated[float, Field(ge=0.5, le=10)] = 2.0
    freeze_after_ms: Annotated[int, Field(ge=0, le=10_000)] | None = None
    bitrate: PresetBitrate
    crop: CropConfig | None = None
    mask: tuple[PresetMask, ...] = ()

    @field_validator("modes")
    @classmethod
    def _parsed(cls, modes: tuple[str, ...]) -> tuple[str, ...]:
        for mode in modes:
            try:
                CaptureMode.parse(mode)
            except Invalid as error:
                raise ValueError(str(error)) from error
        return modes


def read_preset(path: Path) -> PresetConfig:
    """Raises Invalid (code `config`), one line per problem: `FILE: key: what is wrong (got VALUE)`."""
    return parse_preset(read_toml(path), str(path))


def parse_preset(values: Mapping[str, Any], where: str) -> PresetConfig:
    """Raises as `read_preset` does, with `where` for the file."""
    tree = Tree({})
    tree.lay(values, where)
    try:
        return PresetConfig.model_validate_json(json.dumps(tree.values, default=str), strict=True)
    except ValidationError as error:
        lines = problems(error, tree, PresetConfig, origin=where)
        raise Invalid("\n".join(lines), code="config") from error
