"""A capture program in a few lines, for tests of drivers and of what sets them up."""

from __future__ import annotations

import ctypes

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import BufType, EventType, Memory
from board.v4l2.abi.numbers import fourcc
from board.v4l2.abi.requests import Vidioc
from board.v4l2.kernel import EXCEPT, READ
from board.v4l2.node import Node
from tests.board.v4l2.drivers.kernel import FakeKernel

EDID = bytes(range(128)) + bytes(128)


class Program:
    """Opens `path`; `timings_path` when timings live on another node."""

    def __init__(self, kernel: FakeKernel, path: str, timings_path: str = "") -> None:
        self.kernel = kernel
        self.node = Node(path, kernel=kernel)
        self.timings = Node(timings_path, kernel=kernel) if timings_path else self.node
        self.maps: list[memoryview] = []

    def write_edid(self, content: bytes = EDID) -> None:
        room = (ctypes.c_uint8 * max(1, len(content))).from_buffer_copy(content or b"\0")
        pointer = ctypes.cast(room, ctypes.POINTER(ctypes.c_uint8))
        self.timings.do(Vidioc.S_EDID, s.Edid(blocks=len(content) // 128, edid=pointer))

    def read_edid(self) -> bytes:
        room = (ctypes.c_uint8 * 1024)()
        asked = s.Edid(blocks=8, edid=ctypes.cast(room, ctypes.POINTER(ctypes.c_uint8)))
        self.timings.do(Vidioc.G_EDID, asked)
        return bytes(room[: asked.blocks * 128])

    def query(self) -> s.DvTimings:
        return self.timings.do(Vidioc.QUERY_DV_TIMINGS, s.DvTimings())

    def adopt(self) -> s.DvTimings:
        return self.timings.do(Vidioc.S_DV_TIMINGS, self.query())

    def power(self) -> int:
        return int(self.timings.do(Vidioc.G_CTRL, s.v4l2_control(id=0x00A00964)).value)

    def format(self, code: str = "UYVY", width: int = 1920, height: int = 1080) -> s.Format:
        wish = s.Format(type=BufType.VIDEO_CAPTURE)
        wish.pix.width, wish.pix.height, wish.pix.pixelformat = width, height, fourcc(code)
        return self.node.do(Vidioc.S_FMT, wish)

    def allocate(self, count: int = 4) -> int:
        wish = s.v4l2_requestbuffers(count=count, type=BufType.VIDEO_CAPTURE, memory=Memory.MMAP)
        self.node.do(Vidioc.REQBUFS, wish)
        self.maps = []
        for index in range(wish.count):
            there = self.node.do(Vidioc.QUERYBUF, self.buffer(index))
            self.maps.append(self.kernel.map(self.node.fd, there.length, there.m.offset))
        return int(wish.count)

    def buffer(self, index: int = 0) -> s.v4l2_buffer:
        return s.v4l2_buffer(index=index, type=BufType.VIDEO_CAPTURE, memory=Memory.MMAP)

    def queue(self, index: int) -> None:
        self.node.do(Vidioc.QBUF, self.buffer(index))

    def take(self) -> s.v4l2_buffer:
        return self.node.do(Vidioc.DQBUF, self.buffer())

    def stream(self, on: bool = True) -> None:
        self.node.do_int(Vidioc.STREAMON if on else Vidioc.STREAMOFF, BufType.VIDEO_CAPTURE)

    def start(self, code: str = "UYVY", width: int = 1920, height: int = 1080) -> None:
        self.format(code, width, height)
        for index in range(self.allocate()):
            self.queue(index)
        self.stream()

    def subscribe(self, type: EventType = EventType.SOURCE_CHANGE, id: int = 0) -> None:
        self.timings.do(Vidioc.SUBSCRIBE_EVENT, s.EventSubscription(type=type, id=id))

    def event(self) -> s.Event:
        return self.timings.do(Vidioc.DQEVENT, s.Event())

    def wait_picture(self, seconds: float) -> bool:
        return bool(self.kernel.poll({self.node.fd: READ}, seconds).get(self.node.fd, 0) & READ)

    def wait_event(self, seconds: float) -> bool:
        return bool(self.kernel.poll({self.timings.fd: EXCEPT}, seconds))
