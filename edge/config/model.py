"""Every setting of the box, with its default. Unknown keys and wrong types are errors.

This package is the only home of pydantic. Each option's description is what docs/edge.toml and
docs/configuration.md say of it. Relative paths are relative to the working directory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from edge.config.encode import ArchiveConfig, EncoderConfig, ViewConfig
from edge.config.output import OutputConfig, SrtSinkConfig, WhipSinkConfig
from edge.config.section import Name, Port, RectOption, Section, SizeOption, require_inside, require_origin
from edge.config.source import SourceConfig, SourceKind
from edge.config.webrtc import WebrtcConfig
from edge.model.inputs import Input, RungName
from edge.model.picture import MASK_AREAS, NO_PRESET
from edge.model.video import Codec

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class LivenessConfig(Section):
    """When a picture stops being live."""

    slate_after_ms: Annotated[
        int, Field(ge=100, le=300, description="Milliseconds without a new picture until the slate is shown.")
    ] = 250
    freeze_after_ms: Annotated[
        int,
        Field(ge=0, le=10_000, description="Milliseconds of identical pictures until they count as frozen; 0 is off."),
    ] = 400


class WebConfig(Section):
    """The touchscreen page and the local HTTP API."""

    host: Annotated[str, Field(min_length=1, description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[Port, Field(description="TCP port to listen on.")] = 8080
    embed_origins: Annotated[
        tuple[str, ...],
        Field(
            description="Sites whose pages may embed the live picture, as in `https://pacs.hospital.example`; none by "
            "default. docs/embedding.md says how."
        ),
    ] = ()

    public_url: Annotated[
        str,
        Field(
            pattern=r"^(https?://[A-Za-z0-9.:\[\]-]+)?$",
            description="Under what viewers reach the box, as in `https://box.example`; empty: as it listens.",
        ),
    ] = ""

    @field_validator("embed_origins")
    @classmethod
    def _origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            require_origin(origin)
        return origins


class MqttConfig(Section):
    """The central controller's broker. Without a host the box goes where a pairing brought it, and before that it runs
    a broker of its own on loopback. A host that is set here wins over every pairing. See docs/pairing.md."""

    host: Annotated[
        str,
        Field(
            description="The broker's address; without the three files below one on this machine. Empty: where a "
            "pairing brought the box, or a broker that the box starts itself."
        ),
    ] = ""
    port: Annotated[Port, Field(description="The broker's TCP port; a pairing brings its own.")] = 1883
    ca_file: Annotated[
        Path | None, Field(description="Authority (PEM) of the broker's certificate; with it the box speaks TLS 1.3.")
    ] = None
    certificate_file: Annotated[
        Path | None, Field(description="The box's certificate (PEM), its common name being the box's id.")
    ] = None
    key_file: Annotated[Path | None, Field(description="The private key of that certificate (PEM).")] = None
    reconnect_spread_s: Annotated[
        float, Field(ge=0, le=3600, description="The first retry after a loss comes at random within so many seconds.")
    ] = 5.0

    @model_validator(mode="after")
    def _files_together(self) -> MqttConfig:
        files = {name: getattr(self, name) for name in ("ca_file", "certificate_file", "key_file")}
        missing = [name for name, path in files.items() if path is None]
        if 0 < len(missing) < len(files):
            raise ValueError(f"{missing[0]}: is missing; ca_file, certificate_file and key_file go together")
        if not missing and not self.host:
            raise ValueError("host: is missing; certificates are for the broker that it names")
        return self


class ModalityConfig(Section):
    """The imaging device beside the box."""

    preset: Annotated[
        str,
        Field(
            pattern=r"^[a-z0-9][a-z0-9-]{0,39}$",
            description="Name of the preset that holds until a command sets another; `none` is without.",
        ),
    ] = NO_PRESET
    presets_dir: Annotated[
        Path | None, Field(description="Directory of presets of your own, `NAME.toml` each; they are read at start.")
    ] = None
    device: Annotated[
        str,
        Field(max_length=64, description="The imaging device's model, by which a preset finds the masks made for it."),
    ] = ""


class MaskConfig(Section):
    """What is blacked out of the picture before it is encoded, whatever the preset."""

    rects: Annotated[
        tuple[RectOption, ...],
        Field(
            max_length=MASK_AREAS,
            description="Rectangles as `[x, y, width, height]` in the source's pixels.",
        ),
    ] = ()
    of: Annotated[
        SizeOption, Field(description="Width and height of the picture for which the rectangles were measured.")
    ] = (1920, 1080)

    @model_validator(mode="after")
    def _inside(self) -> MaskConfig:
        require_inside("rects", self.rects, self.of)
        return self


class InputConfig(Section):
    """One input: where its pictures come from and how they are encoded."""

    source: SourceConfig = SourceConfig()
    encoder: EncoderConfig = EncoderConfig()


class SecondConfig(InputConfig):
    """A second input, the rung `second`. It has a media process of its own, not a second loop in the first's: a driver
    that hangs or a crash must never touch the other's picture, and one busy Python thread costs every other thread of
    its process 20 ms. `[modality]` and `[mask]` are the first input's."""

    enabled: Annotated[bool, Field(description="Whether the box has a second input.")] = False
    mask: MaskConfig = MaskConfig()


AUTO_BOARD = "auto"


class BoardConfig(Section):
    """The hardware that the box runs on. `edge board` says what it is taken for, and why."""

    profile: Annotated[
        Name,
        Field(description="The board's profile, as `edge board list` names them; `auto` looks what board it is."),
    ] = AUTO_BOARD
    profiles_dir: Annotated[
        Path | None, Field(description="Directory of profiles of your own, `NAME.toml` each; they are read at start.")
    ] = None
    try_encoders: Annotated[
        bool,
        Field(description="Try all the board's encoders after the start, also those that no picture needs yet."),
    ] = True


class PathsConfig(Section):
    """Directories; both are created when missing."""

    state_dir: Annotated[Path, Field(description="What survives a restart: keys, journal, outbox.")] = Path("var/state")
    run_dir: Annotated[
        Path, Field(description="Local sockets; keep it short, the kernel's limit for a socket's path is 108 bytes.")
    ] = Path("var/run")


class Config(Section):
    """The whole configuration."""

    log_level: Annotated[LogLevel, Field(description="The least severe messages that are logged.")] = "INFO"
    source: SourceConfig = SourceConfig()
    encoder: EncoderConfig = EncoderConfig()
    archive: ArchiveConfig = ArchiveConfig()
    view: ViewConfig = ViewConfig()
    liveness: LivenessConfig = LivenessConfig()
    modality: ModalityConfig = ModalityConfig()
    mask: MaskConfig = MaskConfig()
    second: SecondConfig = SecondConfig()
    srt: tuple[SrtSinkConfig, ...] = (SrtSinkConfig(),)
    whip: tuple[WhipSinkConfig, ...] = ()
    web: WebConfig = WebConfig()
    webrtc: WebrtcConfig = WebrtcConfig()
    mqtt: MqttConfig = MqttConfig()
    board: BoardConfig = BoardConfig()
    paths: PathsConfig = PathsConfig()

    @field_validator("srt", "whip")
    @classmethod
    def _own_names(cls, sinks: tuple[OutputConfig, ...], known: ValidationInfo) -> tuple[OutputConfig, ...]:
        others = [sink.name for sink in known.data.get("srt", ())]  # whip comes after it; absent where it is wrong
        twice = [name for name, count in Counter((*others, *(sink.name for sink in sinks))).items() if count > 1]
        if twice:
            raise ValueError(f"two outputs have the name {twice[0]!r}")
        if any(sink.name == "webrtc" for sink in sinks):
            raise ValueError("'webrtc' is the name of the built-in WebRTC output")
        return sinks

    @field_validator("second")
    @classmethod
    def _another_device(cls, second: SecondConfig, known: ValidationInfo) -> SecondConfig:
        first: SourceConfig | None = known.data.get("source")  # absent where it is wrong itself
        if second.enabled and first is not None and same_device(first, second.source):
            raise ValueError("its source is the first input's device; one device gives one picture")
        return second

    @field_validator("srt", "whip")
    @classmethod
    def _rungs_are_there(cls, sinks: tuple[OutputConfig, ...], known: ValidationInfo) -> tuple[OutputConfig, ...]:
        for sink in sinks:
            section = known.data.get(sink.rung)  # absent where it is wrong itself, and for main
            if section is not None and not section.enabled:
                raise ValueError(f"output {sink.name!r} has the rung '{sink.rung}', but {sink.rung}.enabled is false")
            for peer in getattr(sink, "peers", ()):
                if peer.rung and (its := known.data.get(peer.rung)) is not None and not its.enabled:
                    raise ValueError(f"peer {peer.name!r} has the rung '{peer.rung}', but {peer.rung}.enabled is false")
        return sinks

    @property
    def inputs(self) -> Mapping[Input, InputConfig]:
        """Those that the box has, the first one first."""
        first = {Input.MAIN: InputConfig(source=self.source, encoder=self.encoder)}
        return first | ({Input.SECOND: self.second} if self.second.enabled else {})

    @property
    def rungs(self) -> Mapping[RungName, EncoderConfig]:
        """Those that the box has, the first one first."""
        further = {
            RungName.ARCHIVE: (self.archive.enabled, self.archive),
            RungName.VIEW: (self.view.enabled, self.view),
            RungName.SECOND: (self.second.enabled, self.second.encoder),
        }
        return {RungName.MAIN: self.encoder} | {name: own for name, (enabled, own) in further.items() if enabled}

    def codec_of(self, rung: RungName) -> Codec:
        """What that rung is meant to be; only recordings may be anything but H.264."""
        return self.archive.codec if rung is RungName.ARCHIVE else Codec.H264


def same_device(one: SourceConfig, other: SourceConfig) -> bool:
    """Whether two inputs would open one device, which gives one picture."""
    if one.kind is not other.kind:
        return False
    if one.kind is SourceKind.V4L2:
        return one.v4l2.device == other.v4l2.device
    return one.kind is SourceKind.PICAMERA and one.picamera.index == other.picamera.index
