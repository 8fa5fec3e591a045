"""Flags and codes (linux/videodev2.h, linux/v4l2-controls.h, linux/media.h, linux/media-bus-format.h)."""

from __future__ import annotations

from enum import IntEnum, IntFlag


class Cap(IntFlag):
    """V4L2_CAP_*."""

    VIDEO_CAPTURE = 0x00000001
    VIDEO_OUTPUT = 0x00000002
    VIDEO_CAPTURE_MPLANE = 0x00001000
    VIDEO_OUTPUT_MPLANE = 0x00002000
    VIDEO_M2M_MPLANE = 0x00004000
    VIDEO_M2M = 0x00008000
    META_CAPTURE = 0x00800000
    STREAMING = 0x04000000
    IO_MC = 0x20000000
    DEVICE_CAPS = 0x80000000


class BufType(IntEnum):
    """V4L2_BUF_TYPE_*."""

    VIDEO_CAPTURE = 1
    VIDEO_OUTPUT = 2
    VIDEO_CAPTURE_MPLANE = 9


class Memory(IntEnum):
    MMAP = 1
    DMABUF = 4


class BufFlag(IntFlag):
    """V4L2_BUF_FLAG_*."""

    ERROR = 0x0040
    LAST = 0x00100000
    TIMESTAMP_MASK = 0x0000E000
    TIMESTAMP_MONOTONIC = 0x00002000
    TSTAMP_SRC_MASK = 0x00070000
    TSTAMP_SRC_SOE = 0x00010000


class Field(IntEnum):
    """V4L2_FIELD_*."""

    ANY = 0
    NONE = 1
    TOP = 2
    BOTTOM = 3
    INTERLACED = 4
    SEQ_TB = 5
    SEQ_BT = 6
    ALTERNATE = 7
    INTERLACED_TB = 8
    INTERLACED_BT = 9


class InputStatus(IntFlag):
    """V4L2_IN_ST_*."""

    NO_POWER = 0x00000001
    NO_SIGNAL = 0x00000002
    NO_H_LOCK = 0x00000100
    NO_V_LOCK = 0x00000400
    NO_STD_LOCK = 0x00000800
    NO_SYNC = 0x00010000


class InputCap(IntFlag):
    """V4L2_IN_CAP_*."""

    DV_TIMINGS = 0x00000002
    STD = 0x00000004


class EventType(IntEnum):
    """V4L2_EVENT_*."""

    EOS = 2
    CTRL = 3
    SOURCE_CHANGE = 5


class Cid(IntEnum):
    """V4L2_CID_*."""

    DV_RX_POWER_PRESENT = 0x00A00964


class Colorspace(IntEnum):
    """V4L2_COLORSPACE_*."""

    DEFAULT = 0
    SMPTE170M = 1
    SMPTE240M = 2
    REC709 = 3
    M_470 = 5
    BG_470 = 6
    JPEG = 7
    SRGB = 8
    OPRGB = 9
    BT2020 = 10
    RAW = 11
    DCI_P3 = 12


class YcbcrEnc(IntEnum):
    """V4L2_YCBCR_ENC_*."""

    DEFAULT = 0
    BT601 = 1
    BT709 = 2
    XV601 = 3
    XV709 = 4
    SYCC = 5
    BT2020 = 6
    BT2020_CONST = 7
    SMPTE240M = 8


class Quantization(IntEnum):
    """V4L2_QUANTIZATION_*."""

    DEFAULT = 0
    FULL = 1
    LIMITED = 2


class PadFlag(IntFlag):
    """MEDIA_PAD_FL_*."""

    SINK = 1
    SOURCE = 2


class LinkFlag(IntFlag):
    """MEDIA_LNK_FL_*; an interface link ties a device node to its entity."""

    ENABLED = 1
    IMMUTABLE = 2
    INTERFACE_LINK = 1 << 28


class MbusCode(IntEnum):
    """MEDIA_BUS_FMT_*."""

    RGB888_1X24 = 0x100A
    BGR888_1X24 = 0x1013
    UYVY8_1X16 = 0x200F


SUBDEV_ACTIVE = 1  # V4L2_SUBDEV_FORMAT_ACTIVE
DV_BT_656_1120 = 0  # V4L2_DV_BT_656_1120
DV_INTERLACED = 1
DV_FL_REDUCED_FPS = 1 << 2
DV_FL_CAN_REDUCE_FPS = 1 << 1
CAP_INTERLACED = 1 << 0  # V4L2_DV_BT_CAP_INTERLACED
SUBSCRIBE_SEND_INITIAL = 1
EDID_BLOCK_BYTES = 128
PIX_FMT_PRIV_MAGIC = 0xFEEDCAFE  # the driver may read the colour tail of a single-planar format
