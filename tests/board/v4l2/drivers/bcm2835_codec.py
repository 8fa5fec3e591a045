"""The codec nodes of a Raspberry Pi up to 4 (drivers/staging/vc04_services/bcm2835-codec), with their defaults."""

from __future__ import annotations

from dataclasses import replace

from board.v4l2.abi.codes import Cid
from tests.board.v4l2.drivers.codec import CodecNode
from tests.board.v4l2.drivers.codec_controls import BUTTON, Control, menu
from tests.board.v4l2.drivers.codec_driver import CodecDriver
from tests.board.v4l2.drivers.kernel import FakeKernel, FakeNode

_FOREVER = (1 << 31) - 1
CONTROLS = {
    Cid.MPEG_VIDEO_BITRATE: Control(25_000, 25_000_000, 10_000_000, 25_000),
    Cid.MPEG_VIDEO_BITRATE_MODE: menu(0, 1, default=0),
    Cid.MPEG_VIDEO_H264_I_PERIOD: Control(0, _FOREVER, 60),
    Cid.MPEG_VIDEO_GOP_SIZE: Control(0, _FOREVER, 60),
    Cid.MPEG_VIDEO_FORCE_KEY_FRAME: BUTTON,
    Cid.MPEG_VIDEO_REPEAT_SEQ_HEADER: Control(0, 1, 0),
    Cid.MPEG_VIDEO_HEADER_MODE: menu(0, 1, default=1),
    Cid.MPEG_VIDEO_H264_PROFILE: menu(0, 1, 2, 4, default=4),
    Cid.MPEG_VIDEO_H264_LEVEL: menu(*range(16), default=11),
    Cid.MPEG_VIDEO_H264_MIN_QP: Control(0, 51, 20),
    Cid.MPEG_VIDEO_H264_MAX_QP: Control(0, 51, 51),
    Cid.MPEG_VIDEO_B_FRAMES: Control(0, 0, 0),
}
_RAW = {"YU12": 64, "NV12": 32, "UYVY": 64, "YUYV": 64, "RGB3": 32, "BGR3": 32}
ENCODE = CodecDriver("bcm2835-codec", "bcm2835-codec-encode", _RAW, ("H264", "MJPG"), CONTROLS)
DECODE = CodecDriver("bcm2835-codec", "bcm2835-codec-decode", {"JPEG": 1}, ("YU12", "NV12"), {})
ISP = CodecDriver("bcm2835-codec", "bcm2835-codec-isp", _RAW, ("YU12", "RGB3"), {}, most=(16384, 16384))
DEINTERLACE = CodecDriver("bcm2835-codec", "bcm2835-codec-image_fx", _RAW, ("YU12",), {})
JPEG = CodecDriver("bcm2835-codec", "bcm2835-codec-encode_image", _RAW, ("JPEG",), {})
PISP = CodecDriver("pispbe", "pispbe", _RAW, ("YU12", "RGB3"), {})
PATH = "/dev/video11"


def add_bcm2835_codec(kernel: FakeKernel, encode: CodecDriver = ENCODE) -> CodecNode:
    """All its nodes at their usual numbers; the encoder is returned."""
    encoder = CodecNode(kernel, encode)
    siblings = {"/dev/video10": DECODE, "/dev/video12": ISP, "/dev/video18": DEINTERLACE, "/dev/video31": JPEG}
    kernel.add(PATH, encoder)
    for number, (path, driver) in enumerate(siblings.items(), 1):
        kernel.add(path, CodecNode(kernel, driver, numbers=(81, number)))
    return encoder


def without(*missing: Cid) -> CodecDriver:
    """The same encoder with controls missing."""
    kept = {cid: control for cid, control in CONTROLS.items() if cid not in missing}
    return replace(ENCODE, controls=kept)


def add_jetson_stub(kernel: FakeKernel, path: str = "/dev/video0") -> None:
    """NVIDIA's encoder node, or a link to /dev/null in its place: no request means anything to it."""
    kernel.add(path, FakeNode((81, 40)))
