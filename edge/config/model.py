"""Every setting of the box, with its default. Unknown keys and wrong types are errors.

The only home of pydantic. Each option's description is what docs/edge.toml and
docs/configuration.md say of it. Relative paths are relative to the working directory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from edge.model.inputs import Input, RungName
from edge.model.picture import MASK_AREAS, NO_PRESET
from edge.model.video import Codec, Refresh

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Bitrate = Annotated[int, Field(ge=100_000, le=100_000_000)]
Port = Annotated[int, Field(ge=1, le=65535)]
FourCc = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{3,4}$")]
Speed = Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class Section(BaseModel):
    """A TOML table: frozen, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceKind(StrEnum):
    SIM = "sim"
    URL = "url"
    V4L2 = "v4l2"
    PICAMERA = "picamera"


class SimConfig(Section):
    """The simulated board: what its 'cable' carries."""

    width: Annotated[int, Field(ge=320, le=3840, multiple_of=16, description="Width of the picture in pixels.")] = 1920
    height: Annotated[int, Field(ge=240, le=2160, multiple_of=2, description="Height of the picture in pixels.")] = 1080
    fps: Annotated[int, Field(ge=1, le=60, description="Pictures per second.")] = 60
    script: Annotated[
        Path | None, Field(description="File of faults to play from the start, lines of `AT FAULT [FOR]` in seconds.")
    ] = None


class UrlConfig(Section):
    """A source that anything opens which PyAV opens."""

    url: Annotated[str, Field(description="A file, or an RTSP, UDP or HTTP address.")] = ""
    loop: Annotated[bool, Field(description="Start a file again from its beginning when it ends.")] = False


class V4l2Config(Section):
    """A capture device: HDMI, SDI, S-Video or USB. `edge devices` lists what is attached."""

    device: Annotated[
        str,
        Field(
            description="A path, or a bus, card or driver as `edge devices` shows it; empty: the first that captures."
        ),
    ] = ""
    input: Annotated[
        int | None, Field(ge=0, le=255, description="Number of the connector, where the device has several.")
    ] = None
    formats: Annotated[
        tuple[FourCc, ...],
        Field(description="Pixel formats to try, the preferred one first; empty: all that are known, raw before JPEG."),
    ] = ()
    edid: Annotated[
        str,
        Field(
            min_length=1,
            description="What the source is told: `auto` as the receiver needs it, `keep` what is there, the name of a "
            "preset (`edge edid presets`), or the path of a file.",
        ),
    ] = "auto"
    edid_lock: Annotated[
        str, Field(description="Offer the source this one mode only, as in `1080p50`; empty: all that the preset has.")
    ] = ""
    colorimetry: Annotated[
        Literal["auto", "bt601", "bt709", "bt2020", "sycc"],
        Field(description="What the colours mean, where the driver errs; `auto` believes driver and profile."),
    ] = "auto"
    range: Annotated[
        Literal["auto", "limited", "full"],
        Field(description="Range of the code values, where the driver errs; `auto` believes driver and profile."),
    ] = "auto"


class PicameraConfig(Section):
    """A Raspberry Pi camera module. Unset options are the camera's own affair."""

    index: Annotated[int, Field(ge=0, le=9, description="Number of the camera, as `rpicam-hello --list-cameras`.")] = 0
    width: Annotated[int, Field(ge=64, le=4608, multiple_of=2, description="Width of the picture in pixels.")] = 1920
    height: Annotated[int, Field(ge=64, le=3456, multiple_of=2, description="Height of the picture in pixels.")] = 1080
    fps: Annotated[int, Field(ge=1, le=120, description="Pictures per second.")] = 30
    focus: Annotated[
        Literal["", "manual", "auto", "continuous"],
        Field(description="`auto` focuses once, at the start; empty leaves it to the camera."),
    ] = ""
    lens_dioptres: Annotated[
        float | None, Field(ge=0, le=100, description="Where the lens is: 0 is infinity, 10 is 10 cm.")
    ] = None
    exposure_us: Annotated[int | None, Field(ge=1, description="Exposure time in microseconds.")] = None
    gain: Annotated[float | None, Field(ge=1, description="Analogue gain.")] = None
    white_balance: Annotated[
        Literal["", "auto", "incandescent", "tungsten", "fluorescent", "indoor", "daylight", "cloudy"],
        Field(description="What light the scene has; empty leaves it to the camera."),
    ] = ""


class SourceConfig(Section):
    """Where pictures come from."""

    kind: Annotated[
        SourceKind,
        Field(
            description="`sim` is the simulated board, `url` a file or network stream, `v4l2` a capture device, "
            "`picamera` a Raspberry Pi camera."
        ),
    ] = SourceKind.SIM
    sim: SimConfig = SimConfig()
    url: UrlConfig = UrlConfig()
    v4l2: V4l2Config = V4l2Config()
    picamera: PicameraConfig = PicameraConfig()

    @model_validator(mode="after")
    def _url_needed(self) -> SourceConfig:
        if self.kind is SourceKind.URL and not self.url.url:
            raise ValueError("kind 'url' needs an address in url.url")
        return self


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
            description="Preset of the software encoder: slower looks better and costs CPU. `ultrafast` looks clearly "
            "worse at the same bit rate; it is for boards that keep up with nothing slower."
        ),
    ] = "superfast"
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


class LivenessConfig(Section):
    """When a picture stops being live."""

    slate_after_ms: Annotated[
        int, Field(ge=100, le=300, description="Milliseconds without a new picture until the slate is shown.")
    ] = 250
    freeze_after_ms: Annotated[
        int,
        Field(ge=0, le=10_000, description="Milliseconds of identical pictures until they count as frozen; 0 is off."),
    ] = 400


class SrtSinkConfig(Section):
    """An SRT output that exists from the start; more come by command."""

    name: Annotated[Name, Field(description="Name of the output in commands and status.")] = "srt"
    url: Annotated[str, Field(description="`srt://HOST:PORT?mode=listener` or `?mode=caller`.")] = (
        "srt://127.0.0.1:9710?mode=listener"
    )
    latency_ms: Annotated[
        int, Field(ge=20, le=8000, description="SRT latency in ms: about 4 round trips, 120 at least on a clean path.")
    ] = 120
    stream_id: Annotated[str, Field(max_length=512, description="SRT stream id that a caller announces.")] = ""
    rung: Annotated[
        RungName,
        Field(
            description="What it sends: `main`, `archive` or `view` of the first input, or `second`, which needs "
            "`second.enabled`."
        ),
    ] = RungName.MAIN
    passphrase_file: Annotated[
        Path | None, Field(description="File whose first line is the passphrase (10 to 79 characters); turns on AES.")
    ] = None

    @field_validator("url")
    @classmethod
    def _srt(cls, url: str) -> str:
        if not url.startswith("srt://"):
            raise ValueError("must start with srt://")
        split = urlsplit(url)
        if split.port is None:
            raise ValueError("must name a port, as in srt://HOST:PORT")
        if "passphrase" in parse_qs(split.query, keep_blank_values=True):
            raise ValueError("must not carry the passphrase; put it into a file and name that in passphrase_file")
        return url


class WebConfig(Section):
    """The touchscreen page and the local HTTP API."""

    host: Annotated[str, Field(min_length=1, description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[Port, Field(description="TCP port to listen on.")] = 8080


class WebrtcConfig(Section):
    """Viewers over WHEP."""

    max_viewers: Annotated[int, Field(ge=1, le=32, description="Viewers at one time; the next one is refused.")] = 8
    ice_servers: Annotated[
        tuple[str, ...], Field(description="STUN and TURN addresses, as in `stun:HOST:3478`; none on a plain network.")
    ] = ()


class MqttConfig(Section):
    """The central controller's broker. Without a host the box runs a broker of its own on loopback."""

    host: Annotated[
        str, Field(description="The broker's address, on this machine; empty: the box starts one of its own.")
    ] = ""
    port: Annotated[Port, Field(description="The broker's TCP port.")] = 1883
    reconnect_spread_s: Annotated[
        float, Field(ge=0, le=3600, description="The first retry after a loss comes at random within so many seconds.")
    ] = 5.0


Side = Annotated[int, Field(ge=1, le=16_384)]
Offset = Annotated[int, Field(ge=0, le=16_384)]
SizeOption = tuple[Side, Side]
RectOption = tuple[Offset, Offset, Side, Side]


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


def require_inside(what: str, rects: Sequence[RectOption], of: SizeOption) -> None:
    """Raises ValueError naming the first rectangle that the picture of that size does not hold."""
    for x, y, width, height in rects:
        if x + width > of[0] or y + height > of[1]:
            raise ValueError(
                f"{what}: [{x}, {y}, {width}, {height}] does not lie inside the picture of {of[0]}x{of[1]}"
            )


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
    web: WebConfig = WebConfig()
    webrtc: WebrtcConfig = WebrtcConfig()
    mqtt: MqttConfig = MqttConfig()
    board: BoardConfig = BoardConfig()
    paths: PathsConfig = PathsConfig()

    @field_validator("srt")
    @classmethod
    def _own_names(cls, srt: tuple[SrtSinkConfig, ...]) -> tuple[SrtSinkConfig, ...]:
        twice = [name for name, count in Counter(sink.name for sink in srt).items() if count > 1]
        if twice:
            raise ValueError(f"two outputs have the name {twice[0]!r}")
        if any(sink.name == "webrtc" for sink in srt):
            raise ValueError("'webrtc' is the name of the built-in WebRTC output")
        return srt

    @field_validator("second")
    @classmethod
    def _another_device(cls, second: SecondConfig, known: ValidationInfo) -> SecondConfig:
        first: SourceConfig | None = known.data.get("source")  # absent where it is wrong itself
        if second.enabled and first is not None and _same_device(first, second.source):
            raise ValueError("its source is the first input's device; one device gives one picture")
        return second

    @field_validator("srt")
    @classmethod
    def _rungs_are_there(cls, srt: tuple[SrtSinkConfig, ...], known: ValidationInfo) -> tuple[SrtSinkConfig, ...]:
        for sink in srt:
            section = known.data.get(sink.rung)  # absent where it is wrong itself, and for main
            if section is not None and not section.enabled:
                raise ValueError(f"output {sink.name!r} has the rung '{sink.rung}', but {sink.rung}.enabled is false")
        return srt

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


def _same_device(one: SourceConfig, other: SourceConfig) -> bool:
    if one.kind is not other.kind:
        return False
    if one.kind is SourceKind.V4L2:
        return one.v4l2.device == other.v4l2.device
    return one.kind is SourceKind.PICAMERA and one.picamera.index == other.picamera.index
