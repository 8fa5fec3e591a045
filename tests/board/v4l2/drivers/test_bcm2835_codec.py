"""bcm2835-codec made of Python is as its source has it: defaults, rounding, clamping, refusals, first buffer."""

from __future__ import annotations

import ctypes
import errno
from collections.abc import Iterator

import pytest

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import BufType, Cid, Memory
from board.v4l2.abi.numbers import fourcc
from board.v4l2.abi.requests import Vidioc
from board.v4l2.kernel import READ
from board.v4l2.node import Node
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.bcm2835_codec import PATH, add_bcm2835_codec
from tests.board.v4l2.drivers.codec import CodecNode
from tests.board.v4l2.drivers.kernel import FakeKernel, Misuse
from tests.board.v4l2.drivers.ring import POLLERR

RAW, CODED = BufType.VIDEO_OUTPUT_MPLANE, BufType.VIDEO_CAPTURE_MPLANE


@pytest.fixture
def codec() -> CodecNode:
    return add_bcm2835_codec(FakeKernel(clock=HandClock()))


@pytest.fixture
def node(codec: CodecNode) -> Iterator[Node]:
    with Node(PATH, kernel=codec.kernel) as node:
        yield node


def set_format(
    node: Node, type: BufType, code: str, size: tuple[int, int], *, stride: int = 0, room: int = 0
) -> s.Format:
    wish = s.Format(type=type)
    wish.pix_mp.width, wish.pix_mp.height, wish.pix_mp.pixelformat = *size, fourcc(code)
    wish.pix_mp.plane_fmt[0].bytesperline, wish.pix_mp.plane_fmt[0].sizeimage = stride, room
    return node.do(Vidioc.S_FMT, wish)


def buffer(type: BufType, *, used: int = 0) -> s.v4l2_buffer:
    planes = (s.v4l2_plane * 1)(s.v4l2_plane(bytesused=used))
    made = s.v4l2_buffer(type=type, memory=Memory.MMAP, length=1)
    made.m.planes = ctypes.cast(planes, ctypes.POINTER(s.v4l2_plane))
    return made


def refusal(node: Node, request: Vidioc, argument: ctypes.Structure) -> int:
    with pytest.raises(OSError, match=r"\d") as refused:
        node.do(request, argument)
    return refused.value.errno or 0


@pytest.mark.parametrize(
    ("cid", "default"),
    [
        (Cid.MPEG_VIDEO_REPEAT_SEQ_HEADER, 0),
        (Cid.MPEG_VIDEO_BITRATE_MODE, 0),
        (Cid.MPEG_VIDEO_H264_I_PERIOD, 60),
        (Cid.MPEG_VIDEO_H264_MIN_QP, 20),
        (Cid.MPEG_VIDEO_H264_LEVEL, 11),
        (Cid.MPEG_VIDEO_H264_PROFILE, 4),
        (Cid.MPEG_VIDEO_BITRATE, 10_000_000),
    ],
)
def test_defaults(node: Node, cid: Cid, default: int) -> None:
    assert node.do(Vidioc.G_CTRL, s.v4l2_control(id=cid)).value == default


def test_no_intra_refresh_slices_or_buffer_size(node: Node) -> None:
    for cid in (Cid.MPEG_VIDEO_INTRA_REFRESH_PERIOD, Cid.MPEG_VIDEO_MULTI_SLICE_MODE, Cid.MPEG_VIDEO_VBV_SIZE):
        assert refusal(node, Vidioc.QUERYCTRL, s.v4l2_queryctrl(id=cid)) == errno.EINVAL


@pytest.mark.parametrize(
    ("code", "asked", "given"),
    [
        ("UYVY", 0, 1472),
        ("UYVY", 1440, 1472),
        ("UYVY", 2048, 2048),
        ("NV12", 0, 736),
        ("YU12", 0, 768),
        ("RGB3", 0, 2176),
    ],
)
def test_rows_of_720_pixels_are_padded_by_format(node: Node, code: str, asked: int, given: int) -> None:
    got = set_format(node, RAW, code, (720, 576), stride=asked)
    assert got.pix_mp.plane_fmt[0].bytesperline == given


def test_size_is_clamped_without_a_word(node: Node) -> None:
    got = set_format(node, RAW, "UYVY", (3840, 2160))
    assert (got.pix_mp.width, got.pix_mp.height) == (1920, 1920)


def test_coded_buffers_grow_only_when_asked(node: Node) -> None:
    set_format(node, RAW, "UYVY", (1280, 720))
    assert set_format(node, CODED, "H264", (1280, 720)).pix_mp.plane_fmt[0].sizeimage == 512 << 10
    set_format(node, RAW, "UYVY", (1920, 1080))
    assert set_format(node, CODED, "H264", (1920, 1080)).pix_mp.plane_fmt[0].sizeimage == 768 << 10
    assert set_format(node, CODED, "H264", (1920, 1080), room=3 << 19).pix_mp.plane_fmt[0].sizeimage == 3 << 19


def test_no_format_with_buffers(node: Node) -> None:
    set_format(node, RAW, "UYVY", (640, 480))
    node.do(Vidioc.REQBUFS, s.v4l2_requestbuffers(count=1, type=RAW, memory=Memory.MMAP))
    wish = s.Format(type=RAW)
    assert refusal(node, Vidioc.S_FMT, wish) == errno.EBUSY


def test_first_buffer_is_junk_without_a_time(node: Node) -> None:
    for side in (RAW, CODED):
        set_format(node, side, "UYVY" if side is RAW else "H264", (320, 240))
        node.do(Vidioc.REQBUFS, s.v4l2_requestbuffers(count=2, type=side, memory=Memory.MMAP))
    node.do(Vidioc.QBUF, buffer(CODED))
    for side in (RAW, CODED):
        node.do_int(Vidioc.STREAMON, side)
    assert node.kernel.poll({node.fd: READ}, 1) == {node.fd: READ}
    taken = node.do(Vidioc.DQBUF, buffer(CODED))
    assert (taken.timestamp.secs, taken.timestamp.usecs) == (0, 0)


def test_files_do_not_know_of_each_other(codec: CodecNode, node: Node) -> None:
    set_format(node, RAW, "UYVY", (640, 480))
    node.do(Vidioc.REQBUFS, s.v4l2_requestbuffers(count=1, type=RAW, memory=Memory.MMAP))
    with Node(PATH, kernel=codec.kernel) as other:
        assert set_format(other, RAW, "NV12", (320, 240)).pix_mp.width == 320


def test_poll_without_buffers_is_trouble(node: Node) -> None:
    assert node.kernel.poll({node.fd: READ}, 0) == {node.fd: POLLERR}


def test_a_buffer_handed_over_twice_is_a_mistake(node: Node) -> None:
    set_format(node, CODED, "H264", (320, 240))
    node.do(Vidioc.REQBUFS, s.v4l2_requestbuffers(count=1, type=CODED, memory=Memory.MMAP))
    node.do(Vidioc.QBUF, buffer(CODED))
    with pytest.raises(Misuse, match="which is queued"):
        node.do(Vidioc.QBUF, buffer(CODED))
