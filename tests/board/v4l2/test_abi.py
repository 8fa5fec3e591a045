"""Every size, offset, request number and code that we use is the one that a C compiler sees."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from enum import IntEnum
from pathlib import Path

import pytest

from board.v4l2.abi import codes, media, structs
from board.v4l2.abi.numbers import fourcc, fourcc_text
from board.v4l2.abi.requests import MediaIoc, Vidioc

HEADERS = ("videodev2", "v4l2-subdev", "v4l2-controls", "media", "media-bus-format")
STRUCTS: Mapping[str, type[ctypes.Structure]] = {
    "v4l2_capability": structs.Capability,
    "v4l2_pix_format": structs.PixFormat,
    "v4l2_plane_pix_format": structs.PlanePixFormat,
    "v4l2_pix_format_mplane": structs.PixFormatMplane,
    "v4l2_format": structs.Format,
    "v4l2_frmsize_discrete": structs.FrameSize,
    "v4l2_frmsize_stepwise": structs.FrameSizes,
    "v4l2_frmsizeenum": structs.FrameSizeEnum,
    "v4l2_input": structs.Input,
    "v4l2_exportbuffer": structs.ExportBuffer,
    "v4l2_rect": structs.Rectangle,
    "v4l2_selection": structs.Selection,
    "v4l2_edid": structs.Edid,
    "v4l2_bt_timings": structs.BtTimings,
    "v4l2_dv_timings": structs.DvTimings,
    "v4l2_enum_dv_timings": structs.EnumDvTimings,
    "v4l2_bt_timings_cap": structs.BtTimingsCap,
    "v4l2_dv_timings_cap": structs.DvTimingsCap,
    "v4l2_encoder_cmd": structs.EncoderCommand,
    "v4l2_event": structs.Event,
    "v4l2_event_subscription": structs.EventSubscription,
    "media_device_info": media.DeviceIdentity,
    "media_v2_topology": media.Topology,
    "media_v2_entity": media.V2Entity,
    "media_v2_interface": media.V2Interface,
    "media_v2_pad": media.V2Pad,
    "media_v2_link": media.V2Link,
    "media_pad_desc": media.PadDescription,
    "media_link_desc": media.LinkDescription,
    "v4l2_mbus_framefmt": media.MbusFormat,
    "v4l2_subdev_format": media.SubdevFormat,
    "v4l2_subdev_mbus_code_enum": media.SubdevMbusCode,
    **{
        name: getattr(structs, name)
        for name in structs.__all__
        if name.startswith("v4l2_")  # those of v4l2-python3
    },
}
OUR_NAMES = {  # fields that only we call so: unions' members, or what later headers renamed
    ("v4l2_event", "src_changes"): "u.src_change.changes",
    ("v4l2_event", "ctrl_changes"): "u.ctrl.changes",
    ("v4l2_event", "data"): "u.data",
    ("v4l2_encoder_cmd", "data"): "raw.data",
    ("v4l2_buffer", "input"): "reserved2",  # what it was until Linux 3.10
    ("media_v2_interface", "major"): "devnode.major",
    ("media_v2_interface", "minor"): "devnode.minor",
}
UNNAMED = {
    ("v4l2_event", "_a"),
    ("v4l2_format", "_align"),
    ("v4l2_bt_timings", "picture_aspect"),
    ("media_v2_interface", "raw"),
}
LATER = {("v4l2_subdev_format", "stream"), ("v4l2_subdev_mbus_code_enum", "stream"), ("v4l2_capability", "reserved")}
ENUMS: Mapping[str, type[IntEnum]] = {
    "V4L2_CAP_": codes.Cap,
    "V4L2_BUF_TYPE_": codes.BufType,
    "V4L2_MEMORY_": codes.Memory,
    "V4L2_BUF_FLAG_": codes.BufFlag,
    "V4L2_FIELD_": codes.Field,
    "V4L2_IN_ST_": codes.InputStatus,
    "V4L2_IN_CAP_": codes.InputCap,
    "V4L2_EVENT_": codes.EventType,
    "V4L2_CID_": codes.Cid,
    "V4L2_COLORSPACE_": codes.Colorspace,
    "V4L2_YCBCR_ENC_": codes.YcbcrEnc,
    "V4L2_QUANTIZATION_": codes.Quantization,
    "V4L2_MPEG_VIDEO_BITRATE_MODE_": codes.BitrateMode,
    "V4L2_MPEG_VIDEO_HEADER_MODE_": codes.HeaderMode,
    "V4L2_MPEG_VIDEO_MULTI_SLICE_MODE_": codes.SliceMode,
    "V4L2_MPEG_VIDEO_H264_PROFILE_": codes.H264Profile,
    "V4L2_MPEG_VIDEO_H264_LEVEL": codes.H264Level,
    "V4L2_MPEG_VIDEO_HEVC_LEVEL": codes.HevcLevel,
    "V4L2_ENC_CMD_": codes.EncoderCmd,
    "MEDIA_PAD_FL_": codes.PadFlag,
    "MEDIA_LNK_FL_": codes.LinkFlag,
    "MEDIA_BUS_FMT_": codes.MbusCode,
}
KERNEL_NAMES = {
    "V4L2_COLORSPACE_M_470": "V4L2_COLORSPACE_470_SYSTEM_M",
    "V4L2_COLORSPACE_BG_470": "V4L2_COLORSPACE_470_SYSTEM_BG",
    "V4L2_YCBCR_ENC_BT601": "V4L2_YCBCR_ENC_601",
    "V4L2_YCBCR_ENC_BT709": "V4L2_YCBCR_ENC_709",
    "V4L2_YCBCR_ENC_BT2020_CONST": "V4L2_YCBCR_ENC_BT2020_CONST_LUM",
    "V4L2_QUANTIZATION_FULL": "V4L2_QUANTIZATION_FULL_RANGE",
    "V4L2_QUANTIZATION_LIMITED": "V4L2_QUANTIZATION_LIM_RANGE",
}
SINGLES = {
    "V4L2_MPEG_VIDEO_HEVC_PROFILE_MAIN": codes.HEVC_PROFILE_MAIN,
    "V4L2_MPEG_VIDEO_HEVC_REFRESH_IDR": codes.HEVC_REFRESH_IDR,
    "V4L2_CID_MPEG_VIDEO_INTRA_REFRESH_PERIOD_TYPE_CYCLIC": codes.INTRA_REFRESH_CYCLIC,
    "V4L2_MPEG_VIDEO_FRAME_SKIP_MODE_DISABLED": codes.FRAME_SKIP_DISABLED,
    "V4L2_SEL_TGT_CROP": codes.SELECT_CROP,
    "V4L2_CTRL_FLAG_DISABLED": codes.CTRL_DISABLED,
    "V4L2_CTRL_FLAG_READ_ONLY": codes.CTRL_READ_ONLY,
    "V4L2_PIX_FMT_H264": fourcc("H264"),
    "V4L2_PIX_FMT_HEVC": fourcc("HEVC"),
    "V4L2_PIX_FMT_FWHT": fourcc("FWHT"),
    "V4L2_SUBDEV_FORMAT_ACTIVE": codes.SUBDEV_ACTIVE,
    "V4L2_DV_BT_656_1120": codes.DV_BT_656_1120,
    "V4L2_DV_INTERLACED": codes.DV_INTERLACED,
    "V4L2_DV_FL_REDUCED_FPS": codes.DV_FL_REDUCED_FPS,
    "V4L2_DV_FL_CAN_REDUCE_FPS": codes.DV_FL_CAN_REDUCE_FPS,
    "V4L2_DV_BT_CAP_INTERLACED": codes.CAP_INTERLACED,
    "V4L2_EVENT_SUB_FL_SEND_INITIAL": codes.SUBSCRIBE_SEND_INITIAL,
    "V4L2_PIX_FMT_PRIV_MAGIC": codes.PIX_FMT_PRIV_MAGIC,
    **{f"V4L2_PIX_FMT_{name}": fourcc(name) for name in ("UYVY", "YUYV", "NV12", "NV16", "P010")},
    "V4L2_PIX_FMT_MJPEG": fourcc("MJPG"),
    "V4L2_PIX_FMT_YUV420": fourcc("YU12"),
    "V4L2_PIX_FMT_YUV420M": fourcc("YM12"),
    "V4L2_PIX_FMT_NV12M": fourcc("NM12"),
    "V4L2_PIX_FMT_NV16M": fourcc("NM16"),
    "V4L2_PIX_FMT_YUV422P": fourcc("422P"),
    "V4L2_PIX_FMT_YUV422M": fourcc("YM16"),
    "V4L2_PIX_FMT_RGB24": fourcc("RGB3"),
    "V4L2_PIX_FMT_BGR24": fourcc("BGR3"),
    "V4L2_PIX_FMT_JPEG": fourcc("JPEG"),
}


def expressions() -> Iterator[tuple[str, int]]:
    """A C expression and the value that we believe it has."""
    for name, struct in STRUCTS.items():
        yield f"sizeof(struct {name})", ctypes.sizeof(struct)
        for field, *_ in struct._fields_:
            if (name, field) not in UNNAMED | LATER and field not in ("u", "_u", "fmt", "reserved"):
                offset = getattr(struct, field).offset
                yield f"offsetof(struct {name}, {OUR_NAMES.get((name, field), field)})", offset
    for request in Vidioc:
        yield f"VIDIOC_{request.name}", request.value
    for one in MediaIoc:
        yield f"MEDIA_IOC_{one.name}", one.value
    for prefix, enum in ENUMS.items():
        for code in enum:
            name = f"{prefix}{code.name}".replace("_LEVELL", "_LEVEL_")
            yield KERNEL_NAMES.get(name, name), code.value
    yield from SINGLES.items()


@pytest.mark.peer
def test_a_c_compiler_agrees(tmp_path: Path) -> None:
    if shutil.which("gcc") is None:
        pytest.fail("gcc is not installed: apt-get install gcc libc6-dev linux-libc-dev")
    ours = list(expressions())
    lines = "".join(f'printf("%llu\\n", (unsigned long long)({text}));\n' for text, _ in ours)
    includes = "".join(f"#include <linux/{header}.h>\n" for header in HEADERS)
    program = tmp_path / "abi.c"
    start = "#include <stdio.h>\n#include <stddef.h>\n"
    program.write_text(f"{start}{includes}int main(void) {{ {lines} return 0; }}\n")
    built = subprocess.run(["gcc", "-w", "-o", tmp_path / "abi", program], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr[:2000]
    printed = subprocess.run([tmp_path / "abi"], check=True, capture_output=True, text=True).stdout.split()
    seen = [(text, int(value)) for (text, _), value in zip(ours, printed, strict=True)]
    assert [pair for pair in seen if pair not in ours] == []
    assert len(ours) > 300


def test_every_request_has_its_own_number() -> None:
    assert len(Vidioc.__members__) == len({request.value for request in Vidioc})


def test_pixel_format_codes_read_as_letters() -> None:
    assert fourcc_text(fourcc("UYVY")) == "UYVY"
    assert fourcc_text(fourcc("Y16") | 1 << 31) == "Y16-BE"
