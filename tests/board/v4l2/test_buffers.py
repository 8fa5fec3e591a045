"""The driver's buffers: allocated, mapped, lent, given back, and what is left when a device fails."""

from __future__ import annotations

import ctypes
import errno
import gc
import os

import pytest

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import BufFlag, BufType
from board.v4l2.abi.requests import Vidioc
from board.v4l2.buffers import BufferRing
from board.v4l2.node import Node
from edge.model.errors import DeviceGone
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.kernel import FakeKernel, FakeNode
from tests.board.v4l2.drivers.sc0710 import Sc0710


@pytest.fixture
def driver() -> Sc0710:
    """Delivers without a signal, and only what a test pushes."""
    driver = Sc0710(clock=HandClock())
    driver.free_running = False
    return driver


@pytest.fixture
def node(driver: Sc0710) -> Node:
    return Node(driver.path, kernel=driver.kernel)


def ring_of(node: Node, count: int = 4) -> BufferRing:
    return BufferRing(node, BufType.VIDEO_CAPTURE, count=count, planes=1)


@pytest.fixture
def ring(node: Node) -> BufferRing:
    ring = ring_of(node)
    node.do_int(Vidioc.STREAMON, BufType.VIDEO_CAPTURE)
    return ring


def test_all_buffers_are_queued_at_once(driver: Sc0710, ring: BufferRing) -> None:
    assert ring.count == driver.queue.waiting == 4
    assert ring.on_loan == 0


def test_a_filled_buffer_is_on_loan_until_it_is_given_back(driver: Sc0710, ring: BufferRing) -> None:
    assert ring.take() is None
    driver.push_frame(7)
    filled = ring.take()
    assert filled is not None
    assert (filled.sequence, filled.monotonic, filled.damaged) == (0, True, False)
    assert filled.captured_ns == driver.kernel.clock.mono_ns()
    assert filled.parts == ((0, driver.layout.size),)
    (memory,) = ring.memories(filled)
    assert len(memory) == driver.layout.size
    assert memory[0] == memory[-1] == 7
    assert (ring.on_loan, driver.queue.waiting) == (1, 3)
    ring.give_back(filled.index)
    assert (ring.on_loan, driver.queue.waiting) == (0, 4)


def test_memory_of_a_short_picture_ends_where_the_driver_stopped(driver: Sc0710, ring: BufferRing) -> None:
    driver.push_frame(short=100)
    filled = ring.take()
    assert filled is not None
    assert len(ring.memories(filled)[0]) == driver.layout.size - 100


def test_a_damaged_buffer_says_so(driver: Sc0710, ring: BufferRing) -> None:
    driver.push_frame(damaged=True)
    filled = ring.take()
    assert filled is not None
    assert filled.damaged


def test_what_is_on_loan_at_the_end_stays_readable_and_comes_back_without_harm(
    driver: Sc0710, node: Node, ring: BufferRing
) -> None:
    driver.push_frame(9)
    filled = ring.take()
    assert filled is not None
    (memory,) = ring.memories(filled)
    node.do_int(Vidioc.STREAMOFF, BufType.VIDEO_CAPTURE)
    ring.end()
    ring.end()
    assert not driver.queue.allocated
    assert memory[0] == 9
    queued = driver.kernel.count(Vidioc.QBUF)
    ring.give_back(filled.index)
    assert driver.kernel.count(Vidioc.QBUF) == queued
    assert ring.on_loan == 0


def test_a_buffer_that_the_driver_does_not_take_back_raises_nothing(driver: Sc0710, ring: BufferRing) -> None:
    driver.push_frame()
    filled = ring.take()
    assert filled is not None
    driver.kernel.vanish()
    ring.give_back(filled.index)
    assert ring.on_loan == 0


@pytest.mark.parametrize("request_", [Vidioc.QUERYBUF, Vidioc.QBUF])
@pytest.mark.parametrize("after", [0, 3])
def test_a_ring_that_fails_half_way_gives_all_back(driver: Sc0710, node: Node, request_: Vidioc, after: int) -> None:
    driver.kernel.fail(request_, errno.EIO, after=after)
    with pytest.raises(OSError, match="Input/output"):
        ring_of(node)
    assert not driver.queue.allocated


def test_one_buffer_is_too_few(driver: Sc0710, node: Node) -> None:
    with pytest.raises(DeviceGone, match="/dev/video2: the driver gives 1 buffers of 1; 2 are needed"):
        ring_of(node, count=1)
    assert not driver.queue.allocated


def test_an_exported_buffer_is_the_same_memory(driver: Sc0710, ring: BufferRing) -> None:
    driver.push_frame(3)
    filled = ring.take()
    assert filled is not None
    (fd,) = ring.export(filled.index)
    try:
        assert os.pread(fd, 4, 0) == b"\x03\x03\x03\x03"
    finally:
        os.close(fd)


class TwoPlanes(FakeNode):
    """A multi-planar queue of two memory planes, the second beginning behind a header."""

    HEADER, SIZES = 16, (4096, 2048)

    def __init__(self) -> None:
        super().__init__()
        self.memory = [bytearray([index] * 4096) for index in range(8)]
        self.refused_export = False
        self.requests = {
            Vidioc.REQBUFS: lambda file, wish: None,
            Vidioc.QUERYBUF: self._query,
            Vidioc.QBUF: self._planes_of,
            Vidioc.DQBUF: self._take,
            Vidioc.EXPBUF: self._export,
        }  # type: ignore[assignment]

    def _planes_of(self, file: object, buffer: s.v4l2_buffer) -> ctypes.Array[s.v4l2_plane]:
        assert buffer.type == BufType.VIDEO_CAPTURE_MPLANE
        assert buffer.length == 8
        return buffer.m.planes  # type: ignore[no-any-return]

    def _query(self, file: object, buffer: s.v4l2_buffer) -> None:
        for plane, length in enumerate(self.SIZES):
            one = self._planes_of(file, buffer)[plane]
            one.length, one.m.mem_offset = length, buffer.index * 2 + plane

    def _take(self, file: object, buffer: s.v4l2_buffer) -> None:
        planes = self._planes_of(file, buffer)
        buffer.index, buffer.flags = 1, BufFlag.TIMESTAMP_MONOTONIC
        planes[0].bytesused, planes[1].bytesused, planes[1].data_offset = 4000, 1016, self.HEADER

    def _export(self, file: object, wish: s.ExportBuffer) -> None:
        if wish.plane and self.refused_export:
            raise OSError(errno.EMFILE, "too many")
        wish.fd = os.memfd_create("plane", os.MFD_CLOEXEC)

    def map(self, file: object, length: int, offset: int) -> memoryview:
        return memoryview(self.memory[offset])[:length]


@pytest.fixture
def planar() -> TwoPlanes:
    return TwoPlanes()


def planar_ring(planar: TwoPlanes) -> BufferRing:
    kernel = FakeKernel(clock=HandClock())
    kernel.add("/dev/video0", planar)
    return BufferRing(Node("/dev/video0", kernel=kernel), BufType.VIDEO_CAPTURE_MPLANE, count=4, planes=2)


def test_planes_of_their_own_are_found_and_what_lies_before_the_picture_is_left_out(planar: TwoPlanes) -> None:
    ring = planar_ring(planar)
    filled = ring.take()
    assert filled is not None
    assert filled.parts == ((0, 4000), (16, 1016))
    first, second = ring.memories(filled)
    assert (len(first), first[0]) == (4000, 2)
    assert (len(second), second[0]) == (1000, 3)


def test_an_export_that_fails_at_the_second_plane_closes_the_first(planar: TwoPlanes) -> None:
    ring = planar_ring(planar)
    planar.refused_export = True
    gc.collect()  # what other tests left behind
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="too many"):
        ring.export(0)
    assert set(os.listdir("/proc/self/fd")) == before
