"""What is known of a board before it is looked at: which encoders it may have and how each is driven.

A board profile is data (`board/profiles/NAME.toml`); what is really there is for a probe to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from edge.model.video import Codec, Pixel

PropertyValue = str | int | float | bool


class EncoderKind(StrEnum):
    """Which back end drives an encoder."""

    V4L2M2M = "v4l2m2m"
    GST = "gst"
    AV = "av"
    SIM = "sim"


@dataclass(frozen=True, slots=True)
class GstProperty:
    """A property of a GStreamer element. It is given the value times `scale`; `live`: it may be set while playing."""

    name: str
    scale: float = 1.0
    live: bool = False


@dataclass(frozen=True, slots=True)
class GstElement:
    """A GStreamer encoder element and how an EncodeTarget is said to it.

    `before` and `after`: elements around it, as in gst-launch. It is given raw pictures in `pixel`; those in one of
    `accepts` it is given as they lie, and they may change among each other at any picture: `before` converts them.
    `key_signal`: the action signal that asks for a keyframe, where GstForceKeyUnit does not (NVIDIA's nvv4l2 encoders).
    The properties take: bitrate and ceiling in bit/s, gop in frames, buffer (VBV) in bits, or in ms with
    `buffer_ms`. `fixed` and, for intra-refresh, `refresh` are set as they stand; `slices` takes their number.
    In their texts words in braces stand for numbers of the target: bitrate_kbps, ceiling_kbps, buffer_kbit, gop,
    slices; "{gop}" alone is that number.
    """

    element: str
    before: str = ""
    after: str = ""
    pixel: Pixel = Pixel.NV12
    accepts: tuple[Pixel, ...] = ()
    key_signal: str = ""
    fixed: Mapping[str, PropertyValue] = field(default_factory=dict)
    refresh: Mapping[str, PropertyValue] = field(default_factory=dict)
    bitrate: GstProperty | None = None
    ceiling: GstProperty | None = None
    gop: tuple[GstProperty, ...] = ()
    buffer: GstProperty | None = None
    buffer_ms: GstProperty | None = None
    slices: GstProperty | None = None


@dataclass(frozen=True, slots=True)
class EncoderFact:
    """One encoder that a board may have. `name` is what status and configuration call it.

    `library`: the encoder's name in FFmpeg, for kind `av`. `driver` and `card`: what QUERYCAP says of the node, for
    kind `v4l2m2m`. `pixels_per_s`: what the silicon is said to manage for all its encodes together; None where only
    the probe can tell, as in software. `latency_ms`: what others measured, None when nobody is known to have.
    `expected`: the board should have it, so that its absence is worth an issue.
    """

    name: str
    kind: EncoderKind
    codec: Codec = Codec.H264
    hardware: bool = False
    library: str = ""
    driver: str = ""
    card: str = ""
    gst: GstElement | None = None
    max_width: int = 8192
    max_height: int = 8192
    pixels_per_s: int | None = None
    latency_ms: float | None = None
    expected: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class CaptureFact:
    """A capture receiver that a board has, by its driver's name in QUERYCAP.

    `bridge`: the chip before it, as the device tree calls it; `lanes` and `lane_mbps`: the CSI-2 link between them,
    in Mbit/s for each lane, None where there is no such link. `edid_preset`: empty for the one that the lanes suggest.
    `contiguous`: its exported buffers can be imported by an encoder that needs contiguous memory; None: not known.
    """

    driver: str
    bridge: str = ""
    lanes: int | None = None
    lane_mbps: int = 972
    edid_preset: str = ""
    contiguous: bool | None = None
    note: str = ""


class Throttle(StrEnum):
    """Who says that the board runs slower than it should."""

    NONE = ""
    RPI_FIRMWARE = "rpi-firmware"
    INA3221 = "ina3221"


@dataclass(frozen=True, slots=True)
class HealthFact:
    """Where a board says how it is.

    `thermal_zones`: types of thermal zones, the one that throttles first; `power_rails`: labels of hwmon inputs.
    `watchdog_max_s`: the longest time-out that the hardware watchdog takes; None: not known.
    """

    throttle: Throttle = Throttle.NONE
    thermal_zones: tuple[str, ...] = ()
    power_rails: tuple[str, ...] = ()
    watchdog_max_s: int | None = None


@dataclass(frozen=True, slots=True)
class GpioFact:
    """The GPIO chip of the pin header, by its label, and the names of the lines that are free there."""

    chip: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BoardMatch:
    """By what a board is known; texts may hold `*` and `?`. All that is given must fit, of `compatible` any one.

    Without `compatible`, only a machine without device tree fits. `pci_vendor` and `pci_driver` are of a display
    device and the kernel driver that has it; `bridge_lanes` of a bridge chip in the live device tree.
    """

    compatible: tuple[str, ...] = ()
    sys_vendor: str = ""
    product_name: str = ""
    board_name: str = ""
    pci_vendor: str = ""
    pci_driver: str = ""
    bridge_lanes: int | None = None


@dataclass(frozen=True, slots=True)
class BoardProfile:
    """What is known of one kind of board. `encoders` in order of preference, the software ones last.

    `match` is None for one that is never found, only named. `ptp_phc`: whether its network port stamps packets in
    hardware; None: not known. `own`: it comes from the technician's directory.
    """

    id: str
    title: str
    encoders: tuple[EncoderFact, ...]
    match: BoardMatch | None = None
    capture: tuple[CaptureFact, ...] = ()
    health: HealthFact = HealthFact()
    gpio: GpioFact = GpioFact()
    ptp_phc: bool | None = None
    own: bool = False
