"""How pictures are encoded: a section for each kind of rung."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from edge.config.section import Bitrate, Section
from edge.model.video import Codec, Refresh

Speed = Literal["auto", "ultrafast", "superfast", "veryfast", "faster", "fast", "medium"]


class EncoderConfig(Section):
    """The encode that every viewer and output of a rung shares."""

    use: Annotated[
        str,
        Field(
            max_length=40,
            description="Name of the encoder to prefer, as `edge board` shows them; empty: the board's order. Another "
            "one takes over when it fails.",
        ),
    ] = ""

    bitrate_bps: Annotated[Bitrate, Field(description="Target bit rate at start, in bit/s.")] = 8_000_000
    max_bitrate_bps: Annotated[
        Bitrate, Field(description="Ceiling in bit/s for what the command `encoder.set` may ask.")
    ] = 20_000_000
    gop_s: Annotated[float, Field(ge=0.5, le=10, description="Seconds between regular keyframes.")] = 2.0
    speed: Annotated[
        Speed,
        Field(
            description="Preset of the software encoder: slower looks better and costs CPU. `auto` is `superfast` up "
            "to 1080p30 and `ultrafast` above, which wants about twice the bits for the same picture."
        ),
    ] = "auto"
    refresh: Annotated[
        Refresh,
        Field(
            description="How a picture heals after a loss: `keyframes` at regular times, or `intra`, a column of new "
            "blocks that wanders, where the encoder can; pictures are then of even size."
        ),
    ] = Refresh.KEYFRAMES
    vbv_frames: Annotated[
        float,
        Field(
            ge=1,
            le=120,
            description="How many frame intervals of the ceiling's line time one picture may take: less is less "
            "delay on a narrow line, more is better keyframes.",
        ),
    ] = 3.0
    slices: Annotated[
        int, Field(ge=1, le=16, description="Parts that a picture is cut into, where the encoder can.")
    ] = 1
    adapt: Annotated[
        bool,
        Field(
            description="Let the bit rate follow what the path of the governing receiver carries: a guide's before an "
            "observer's. It is never above what was asked for."
        ),
    ] = True
    ladder: Annotated[
        bool,
        Field(
            description="Give up frame rate or size, and say so, rather than blur when the bit rate is below what the "
            "picture needs."
        ),
    ] = True

    @model_validator(mode="after")
    def _ceiling(self) -> EncoderConfig:
        if self.bitrate_bps > self.max_bitrate_bps:
            raise ValueError("bitrate_bps is above max_bitrate_bps")
        return self


class ArchiveConfig(EncoderConfig):
    """The rung `archive`: the first input for recordings, at a quality that never falls with the uplink. It is encoded
    while an output has it; a board that cannot afford a second encode says so and gives it the pictures of `main`."""

    enabled: Annotated[bool, Field(description="Whether outputs may have the rung `archive`.")] = True
    codec: Annotated[
        Codec, Field(description="`h265` takes less room, for receivers that can decode it; browsers cannot.")
    ] = Codec.H264
    bitrate_bps: Annotated[Bitrate, Field(description="Target bit rate at start, in bit/s.")] = 16_000_000
    max_bitrate_bps: Annotated[
        Bitrate, Field(description="Ceiling in bit/s for what the command `encoder.set` may ask.")
    ] = 50_000_000
    vbv_frames: Annotated[
        float, Field(ge=1, le=120, description="As in `[encoder]`; a recording may take its time.")
    ] = 15.0
    adapt: Annotated[bool, Field(description="As in `[encoder]`.")] = False
    ladder: Annotated[bool, Field(description="As in `[encoder]`.")] = False


class ViewConfig(EncoderConfig):
    """The rung `view`: the first input with half the sides and half the frames, for weak viewers. It is encoded while
    somebody watches it; a board that cannot afford a second encode says so and gives it the pictures of `main`."""

    enabled: Annotated[bool, Field(description="Whether viewers and outputs may have the rung `view`.")] = True
    bitrate_bps: Annotated[Bitrate, Field(description="Target bit rate at start, in bit/s.")] = 1_500_000
    max_bitrate_bps: Annotated[
        Bitrate, Field(description="Ceiling in bit/s for what the command `encoder.set` may ask.")
    ] = 4_000_000
    ladder: Annotated[bool, Field(description="As in `[encoder]`.")] = False
