"""Structures that v4l2-python3 0.3.5 lacks, or has without the fields that we need."""

from __future__ import annotations

import ctypes as c

from v4l2 import (  # names as in videodev2.h; sizes held by tests/board/v4l2/test_abi.py
    v4l2_buffer,
    v4l2_control,
    v4l2_fmtdesc,
    v4l2_frmivalenum,
    v4l2_plane,
    v4l2_queryctrl,
    v4l2_querymenu,
    v4l2_requestbuffers,
    v4l2_streamparm,
)

__all__ = (
    "BtTimings",
    "Capability",
    "DvTimings",
    "DvTimingsCap",
    "Edid",
    "EncoderCommand",
    "EnumDvTimings",
    "Event",
    "EventSubscription",
    "ExportBuffer",
    "Format",
    "FrameSize",
    "FrameSizeEnum",
    "FrameSizes",
    "Input",
    "PixFormat",
    "PixFormatMplane",
    "PlanePixFormat",
    "Rectangle",
    "Selection",
    "v4l2_buffer",
    "v4l2_control",
    "v4l2_fmtdesc",
    "v4l2_frmivalenum",
    "v4l2_plane",
    "v4l2_queryctrl",
    "v4l2_querymenu",
    "v4l2_requestbuffers",
    "v4l2_streamparm",
)


class Capability(c.Structure):
    """struct v4l2_capability with `device_caps`."""

    _fields_ = (
        ("driver", c.c_char * 16),
        ("card", c.c_char * 32),
        ("bus_info", c.c_char * 32),
        ("version", c.c_uint32),
        ("capabilities", c.c_uint32),
        ("device_caps", c.c_uint32),
        ("reserved", c.c_uint32 * 3),
    )


class PixFormat(c.Structure):
    """struct v4l2_pix_format with its colour tail."""

    _fields_ = (
        ("width", c.c_uint32),
        ("height", c.c_uint32),
        ("pixelformat", c.c_uint32),
        ("field", c.c_uint32),
        ("bytesperline", c.c_uint32),
        ("sizeimage", c.c_uint32),
        ("colorspace", c.c_uint32),
        ("priv", c.c_uint32),
        ("flags", c.c_uint32),
        ("ycbcr_enc", c.c_uint32),
        ("quantization", c.c_uint32),
        ("xfer_func", c.c_uint32),
    )


class PlanePixFormat(c.Structure):
    _pack_ = 1
    _fields_ = (("sizeimage", c.c_uint32), ("bytesperline", c.c_uint32), ("reserved", c.c_uint16 * 6))


class PixFormatMplane(c.Structure):
    _pack_ = 1
    _fields_ = (
        ("width", c.c_uint32),
        ("height", c.c_uint32),
        ("pixelformat", c.c_uint32),
        ("field", c.c_uint32),
        ("colorspace", c.c_uint32),
        ("plane_fmt", PlanePixFormat * 8),
        ("num_planes", c.c_uint8),
        ("flags", c.c_uint8),
        ("ycbcr_enc", c.c_uint8),
        ("quantization", c.c_uint8),
        ("xfer_func", c.c_uint8),
        ("reserved", c.c_uint8 * 7),
    )


class _FormatUnion(c.Union):
    # struct v4l2_window holds pointers, which is what makes the kernel's union 8-byte aligned
    _fields_ = (("pix", PixFormat), ("pix_mp", PixFormatMplane), ("raw", c.c_uint8 * 200), ("_align", c.c_void_p))


class Format(c.Structure):
    _anonymous_ = ("fmt",)
    _fields_ = (("type", c.c_uint32), ("fmt", _FormatUnion))


class FrameSize(c.Structure):
    """struct v4l2_frmsize_discrete."""

    _fields_ = (("width", c.c_uint32), ("height", c.c_uint32))


class FrameSizes(c.Structure):
    """struct v4l2_frmsize_stepwise, whose `max_width` v4l2-python3 calls `min_height`."""

    _fields_ = (
        ("min_width", c.c_uint32),
        ("max_width", c.c_uint32),
        ("step_width", c.c_uint32),
        ("min_height", c.c_uint32),
        ("max_height", c.c_uint32),
        ("step_height", c.c_uint32),
    )


class _FrameSizeUnion(c.Union):
    _fields_ = (("discrete", FrameSize), ("stepwise", FrameSizes))


class FrameSizeEnum(c.Structure):
    """struct v4l2_frmsizeenum."""

    _anonymous_ = ("u",)
    _fields_ = (
        ("index", c.c_uint32),
        ("pixel_format", c.c_uint32),
        ("type", c.c_uint32),
        ("u", _FrameSizeUnion),
        ("reserved", c.c_uint32 * 2),
    )


class Input(c.Structure):
    """struct v4l2_input with `capabilities`."""

    _fields_ = (
        ("index", c.c_uint32),
        ("name", c.c_char * 32),
        ("type", c.c_uint32),
        ("audioset", c.c_uint32),
        ("tuner", c.c_uint32),
        ("std", c.c_uint64),
        ("status", c.c_uint32),
        ("capabilities", c.c_uint32),
        ("reserved", c.c_uint32 * 3),
    )


class ExportBuffer(c.Structure):
    _fields_ = (
        ("type", c.c_uint32),
        ("index", c.c_uint32),
        ("plane", c.c_uint32),
        ("flags", c.c_uint32),
        ("fd", c.c_int32),
        ("reserved", c.c_uint32 * 11),
    )


class Rectangle(c.Structure):
    _fields_ = (("left", c.c_int32), ("top", c.c_int32), ("width", c.c_uint32), ("height", c.c_uint32))


class Selection(c.Structure):
    _fields_ = (
        ("type", c.c_uint32),
        ("target", c.c_uint32),
        ("flags", c.c_uint32),
        ("r", Rectangle),
        ("reserved", c.c_uint32 * 9),
    )


class Edid(c.Structure):
    """struct v4l2_edid; `edid` points to blocks * 128 bytes."""

    _fields_ = (
        ("pad", c.c_uint32),
        ("start_block", c.c_uint32),
        ("blocks", c.c_uint32),
        ("reserved", c.c_uint32 * 5),
        ("edid", c.POINTER(c.c_uint8)),
    )


class BtTimings(c.Structure):
    """struct v4l2_bt_timings with `standards` and what follows it."""

    _pack_ = 1
    _fields_ = (
        ("width", c.c_uint32),
        ("height", c.c_uint32),
        ("interlaced", c.c_uint32),
        ("polarities", c.c_uint32),
        ("pixelclock", c.c_uint64),
        ("hfrontporch", c.c_uint32),
        ("hsync", c.c_uint32),
        ("hbackporch", c.c_uint32),
        ("vfrontporch", c.c_uint32),
        ("vsync", c.c_uint32),
        ("vbackporch", c.c_uint32),
        ("il_vfrontporch", c.c_uint32),
        ("il_vsync", c.c_uint32),
        ("il_vbackporch", c.c_uint32),
        ("standards", c.c_uint32),
        ("flags", c.c_uint32),
        ("picture_aspect", c.c_uint32 * 2),
        ("cea861_vic", c.c_uint8),
        ("hdmi_vic", c.c_uint8),
        ("reserved", c.c_uint8 * 46),
    )


class _TimingsUnion(c.Union):
    _pack_ = 1
    _fields_ = (("bt", BtTimings), ("reserved", c.c_uint32 * 32))


class DvTimings(c.Structure):
    _pack_ = 1
    _anonymous_ = ("u",)
    _fields_ = (("type", c.c_uint32), ("u", _TimingsUnion))


class EnumDvTimings(c.Structure):
    _fields_ = (
        ("index", c.c_uint32),
        ("pad", c.c_uint32),
        ("reserved", c.c_uint32 * 2),
        ("timings", DvTimings),
    )


class BtTimingsCap(c.Structure):
    _pack_ = 1
    _fields_ = (
        ("min_width", c.c_uint32),
        ("max_width", c.c_uint32),
        ("min_height", c.c_uint32),
        ("max_height", c.c_uint32),
        ("min_pixelclock", c.c_uint64),
        ("max_pixelclock", c.c_uint64),
        ("standards", c.c_uint32),
        ("capabilities", c.c_uint32),
        ("reserved", c.c_uint32 * 16),
    )


class _CapUnion(c.Union):
    _fields_ = (("bt", BtTimingsCap), ("raw_data", c.c_uint32 * 32))


class DvTimingsCap(c.Structure):
    _anonymous_ = ("u",)
    _fields_ = (("type", c.c_uint32), ("pad", c.c_uint32), ("reserved", c.c_uint32 * 2), ("u", _CapUnion))


class _EventUnion(c.Union):
    # `src_changes` of struct v4l2_event_src_change, `ctrl_changes` of struct v4l2_event_ctrl
    _fields_ = (("src_changes", c.c_uint32), ("ctrl_changes", c.c_uint32), ("data", c.c_uint8 * 64), ("_a", c.c_int64))


class _Timespec(c.Structure):
    _fields_ = (("tv_sec", c.c_long), ("tv_nsec", c.c_long))


class Event(c.Structure):
    _anonymous_ = ("u",)
    _fields_ = (
        ("type", c.c_uint32),
        ("u", _EventUnion),
        ("pending", c.c_uint32),
        ("sequence", c.c_uint32),
        ("timestamp", _Timespec),
        ("id", c.c_uint32),
        ("reserved", c.c_uint32 * 8),
    )


class EventSubscription(c.Structure):
    _fields_ = (("type", c.c_uint32), ("id", c.c_uint32), ("flags", c.c_uint32), ("reserved", c.c_uint32 * 5))


class EncoderCommand(c.Structure):
    """struct v4l2_encoder_cmd, whose union v4l2-python3 has without its length."""

    _fields_ = (("cmd", c.c_uint32), ("flags", c.c_uint32), ("data", c.c_uint32 * 8))
