"""The ioctl requests that are used, by the kernel's names without their prefix."""

from __future__ import annotations

import ctypes as c
from enum import IntEnum

from board.v4l2.abi import media as m
from board.v4l2.abi import structs as s
from board.v4l2.abi.numbers import media_both, video_both, video_get, video_plain, video_put


class Vidioc(IntEnum):
    """VIDIOC_*."""

    QUERYCAP = video_get(0, s.Capability)
    ENUM_FMT = video_both(2, s.v4l2_fmtdesc)
    G_FMT = video_both(4, s.Format)
    S_FMT = video_both(5, s.Format)
    REQBUFS = video_both(8, s.v4l2_requestbuffers)
    QUERYBUF = video_both(9, s.v4l2_buffer)
    QBUF = video_both(15, s.v4l2_buffer)
    EXPBUF = video_both(16, s.ExportBuffer)
    DQBUF = video_both(17, s.v4l2_buffer)
    STREAMON = video_put(18, c.c_int)
    STREAMOFF = video_put(19, c.c_int)
    G_PARM = video_both(21, s.v4l2_streamparm)
    S_PARM = video_both(22, s.v4l2_streamparm)
    S_STD = video_put(24, c.c_uint64)
    ENUMINPUT = video_both(26, s.Input)
    G_CTRL = video_both(27, s.v4l2_control)
    S_CTRL = video_both(28, s.v4l2_control)
    QUERYCTRL = video_both(36, s.v4l2_queryctrl)
    QUERYMENU = video_both(37, s.v4l2_querymenu)
    G_INPUT = video_get(38, c.c_int)
    S_INPUT = video_both(39, c.c_int)
    G_EDID = video_both(40, s.Edid)
    S_EDID = video_both(41, s.Edid)
    QUERYSTD = video_get(63, c.c_uint64)
    TRY_FMT = video_both(64, s.Format)
    LOG_STATUS = video_plain(70)
    ENUM_FRAMESIZES = video_both(74, s.FrameSizeEnum)
    ENCODER_CMD = video_both(77, s.EncoderCommand)
    ENUM_FRAMEINTERVALS = video_both(75, s.v4l2_frmivalenum)
    S_DV_TIMINGS = video_both(87, s.DvTimings)
    G_DV_TIMINGS = video_both(88, s.DvTimings)
    DQEVENT = video_get(89, s.Event)
    SUBSCRIBE_EVENT = video_put(90, s.EventSubscription)
    UNSUBSCRIBE_EVENT = video_put(91, s.EventSubscription)
    G_SELECTION = video_both(94, s.Selection)
    S_SELECTION = video_both(95, s.Selection)
    ENUM_DV_TIMINGS = video_both(98, s.EnumDvTimings)
    QUERY_DV_TIMINGS = video_get(99, s.DvTimings)
    DV_TIMINGS_CAP = video_both(100, s.DvTimingsCap)
    SUBDEV_ENUM_MBUS_CODE = video_both(2, m.SubdevMbusCode)
    SUBDEV_G_FMT = video_both(4, m.SubdevFormat)
    SUBDEV_S_FMT = video_both(5, m.SubdevFormat)


class MediaIoc(IntEnum):
    """MEDIA_IOC_*."""

    DEVICE_INFO = media_both(0, m.DeviceIdentity)
    SETUP_LINK = media_both(3, m.LinkDescription)
    G_TOPOLOGY = media_both(4, m.Topology)
