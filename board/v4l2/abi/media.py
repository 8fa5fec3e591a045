"""Media controller and sub-device structures (linux/media.h, linux/v4l2-subdev.h, linux/v4l2-mediabus.h)."""

from __future__ import annotations

import ctypes as c


class DeviceIdentity(c.Structure):
    """struct media_device_info."""

    _fields_ = (
        ("driver", c.c_char * 16),
        ("model", c.c_char * 32),
        ("serial", c.c_char * 40),
        ("bus_info", c.c_char * 32),
        ("media_version", c.c_uint32),
        ("hw_revision", c.c_uint32),
        ("driver_version", c.c_uint32),
        ("reserved", c.c_uint32 * 31),
    )


class Topology(c.Structure):
    """struct media_v2_topology; the pointers are to arrays of the given lengths."""

    _pack_ = 1
    _fields_ = (
        ("topology_version", c.c_uint64),
        ("num_entities", c.c_uint32),
        ("reserved1", c.c_uint32),
        ("ptr_entities", c.c_uint64),
        ("num_interfaces", c.c_uint32),
        ("reserved2", c.c_uint32),
        ("ptr_interfaces", c.c_uint64),
        ("num_pads", c.c_uint32),
        ("reserved3", c.c_uint32),
        ("ptr_pads", c.c_uint64),
        ("num_links", c.c_uint32),
        ("reserved4", c.c_uint32),
        ("ptr_links", c.c_uint64),
    )


class V2Entity(c.Structure):
    _pack_ = 1
    _fields_ = (
        ("id", c.c_uint32),
        ("name", c.c_char * 64),
        ("function", c.c_uint32),
        ("flags", c.c_uint32),
        ("reserved", c.c_uint32 * 5),
    )


class V2Interface(c.Structure):
    """struct media_v2_interface; `major` and `minor` are those of the device node."""

    _pack_ = 1
    _fields_ = (
        ("id", c.c_uint32),
        ("intf_type", c.c_uint32),
        ("flags", c.c_uint32),
        ("reserved", c.c_uint32 * 9),
        ("major", c.c_uint32),
        ("minor", c.c_uint32),
        ("raw", c.c_uint32 * 14),
    )


class V2Pad(c.Structure):
    _pack_ = 1
    _fields_ = (
        ("id", c.c_uint32),
        ("entity_id", c.c_uint32),
        ("flags", c.c_uint32),
        ("index", c.c_uint32),
        ("reserved", c.c_uint32 * 4),
    )


class V2Link(c.Structure):
    _pack_ = 1
    _fields_ = (
        ("id", c.c_uint32),
        ("source_id", c.c_uint32),
        ("sink_id", c.c_uint32),
        ("flags", c.c_uint32),
        ("reserved", c.c_uint32 * 6),
    )


class PadDescription(c.Structure):
    """struct media_pad_desc."""

    _fields_ = (("entity", c.c_uint32), ("index", c.c_uint16), ("flags", c.c_uint32), ("reserved", c.c_uint32 * 2))


class LinkDescription(c.Structure):
    """struct media_link_desc."""

    _fields_ = (
        ("source", PadDescription),
        ("sink", PadDescription),
        ("flags", c.c_uint32),
        ("reserved", c.c_uint32 * 2),
    )


class MbusFormat(c.Structure):
    """struct v4l2_mbus_framefmt."""

    _fields_ = (
        ("width", c.c_uint32),
        ("height", c.c_uint32),
        ("code", c.c_uint32),
        ("field", c.c_uint32),
        ("colorspace", c.c_uint32),
        ("ycbcr_enc", c.c_uint16),
        ("quantization", c.c_uint16),
        ("xfer_func", c.c_uint16),
        ("flags", c.c_uint16),
        ("reserved", c.c_uint16 * 10),
    )


class SubdevFormat(c.Structure):
    _fields_ = (
        ("which", c.c_uint32),
        ("pad", c.c_uint32),
        ("format", MbusFormat),
        ("stream", c.c_uint32),
        ("reserved", c.c_uint32 * 7),
    )


class SubdevMbusCode(c.Structure):
    """struct v4l2_subdev_mbus_code_enum."""

    _fields_ = (
        ("pad", c.c_uint32),
        ("index", c.c_uint32),
        ("code", c.c_uint32),
        ("which", c.c_uint32),
        ("flags", c.c_uint32),
        ("stream", c.c_uint32),
        ("reserved", c.c_uint32 * 6),
    )
