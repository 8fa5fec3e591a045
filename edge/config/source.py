"""Where pictures come from."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from edge.config.section import Section

FourCc = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{3,4}$")]


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
    grain: Annotated[
        int,
        Field(
            ge=0,
            le=100,
            description="Noise in the lower part of the picture, in steps of luma: with some, the encoder needs the "
            "bits that a real picture needs.",
        ),
    ] = 0
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
