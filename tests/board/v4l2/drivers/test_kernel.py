"""The Python kernel is strict with its user, and its time passes in poll alone."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os

import pytest

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import BufType
from board.v4l2.abi.requests import Vidioc
from board.v4l2.kernel import READ, TROUBLE
from board.v4l2.node import Node
from edge.model.errors import DeviceGone
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.capture import CaptureNode, Identity
from tests.board.v4l2.drivers.kernel import FakeKernel, Misuse
from tests.board.v4l2.drivers.program import Program

PATH = "/dev/video0"


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def kernel(clock: HandClock) -> FakeKernel:
    return FakeKernel(clock=clock)


@pytest.fixture
def driver(kernel: FakeKernel) -> CaptureNode:
    node = CaptureNode(kernel, identity=Identity("fake", "Fake"))
    kernel.add(PATH, node)
    return node


@pytest.fixture
def program(driver: CaptureNode, kernel: FakeKernel) -> Program:
    return Program(kernel, PATH)


def test_frames_come_at_the_rate_with_sequence_and_monotonic_time(program: Program, clock: HandClock) -> None:
    program.start()
    before = clock.mono_ns()
    seen = []
    for _ in range(3):
        assert program.wait_picture(1.0)
        taken = program.take()
        seen.append((taken.sequence, taken.timestamp.secs * 10**9 + taken.timestamp.usecs * 1000 - before))
        program.queue(taken.index)
    assert [number for number, _ in seen] == [0, 1, 2]
    assert [round(ns / 1e6) for _, ns in seen] == [17, 33, 50]


def test_poll_lets_the_whole_time_out_pass_when_nothing_happens(
    program: Program, driver: CaptureNode, kernel: FakeKernel, clock: HandClock
) -> None:
    driver.free_running = False
    program.start()
    before = clock.mono_ns()
    assert kernel.poll({program.node.fd: READ}, 0.25) == {}
    assert clock.mono_ns() - before == 250_000_000


def test_poll_does_not_move_the_clock_when_something_is_ready(
    program: Program, driver: CaptureNode, clock: HandClock
) -> None:
    driver.free_running = False
    program.start()
    assert driver.push_frame(7)
    before = clock.mono_ns()
    assert program.wait_picture(5)
    assert clock.mono_ns() == before


def test_a_picture_is_in_the_mapped_memory_and_in_the_exported_one(program: Program, driver: CaptureNode) -> None:
    driver.free_running = False
    program.start()
    driver.push_frame(b"endoscope")
    taken = program.take()
    assert bytes(program.maps[taken.index][:9]) == b"endoscope"
    wish = program.node.do(Vidioc.EXPBUF, s.ExportBuffer(type=BufType.VIDEO_CAPTURE, index=taken.index))
    with mmap.mmap(wish.fd, taken.length) as shared:
        assert shared[:9] == b"endoscope"
    os.close(wish.fd)


def test_without_a_free_buffer_the_picture_is_lost_and_its_number_missing(
    program: Program, driver: CaptureNode
) -> None:
    driver.free_running = False
    program.start()
    assert [driver.push_frame() for _ in range(6)] == [True] * 4 + [False] * 2
    first = program.take()
    program.queue(first.index)
    driver.push_frame()
    assert [program.take().sequence for _ in range(4)] == [1, 2, 3, 6]
    assert driver.lost == 2


def test_a_damaged_and_a_short_picture_say_so(program: Program, driver: CaptureNode) -> None:
    driver.free_running = False
    program.start()
    driver.push_frame(damaged=True)
    driver.push_frame(short=100)
    assert program.take().flags & 0x40
    assert program.take().bytesused == driver.layout.size - 100


def test_mapped_memory_outlives_the_buffers(program: Program, driver: CaptureNode) -> None:
    driver.free_running = False
    program.start()
    driver.push_frame(9)
    held = program.maps[program.take().index]
    program.stream(on=False)
    program.node.close()
    assert held[0] == 9


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        (lambda p: p.queue(0), "QBUF of buffer 0, which is queued"),
        (lambda p: p.queue(9), "buffer 9 of 4"),
        (lambda p: p.format(), "S_FMT while buffers are allocated and streaming"),
        (lambda p: p.allocate(), "REQBUFS while streaming"),
        (lambda p: p.kernel.map(p.node.fd, 4096, 4096), "where no buffer is"),
        (lambda p: p.kernel.map(p.node.fd, 4096, 0), "mmap of 4096 bytes of a buffer of"),
        (lambda p: p.node.do(Vidioc.QBUF, s.Format()), "QBUF takes v4l2_buffer, not Format"),
        (lambda p: p.kernel.ioctl(p.node.fd, 0x1234, s.Format()), "request 0x1234"),
        (lambda p: p.kernel.close(77), "77 is not open"),
        (lambda p: (p.stream(on=False), p.take()), "DQBUF while not streaming"),
    ],
)
def test_misuse_fails_the_test(program: Program, deed: object, words: str) -> None:
    program.start()
    with pytest.raises(Misuse, match=words):
        deed(program)  # type: ignore[operator]


def test_streaming_without_buffers_is_misuse(program: Program) -> None:
    program.format()
    with pytest.raises(Misuse, match="STREAMON without buffers"):
        program.stream()


def test_buffers_of_another_program_are_busy(program: Program, driver: CaptureNode) -> None:
    driver.queue.other_program = True
    for deed in (program.format, program.allocate, program.stream):
        with pytest.raises(OSError, match="busy"):
            deed()


def test_closing_ends_the_stream_and_frees_the_buffers(program: Program, driver: CaptureNode) -> None:
    program.start()
    program.node.close()
    assert not driver.queue.streaming
    assert driver.queue.buffers == []


def test_a_queue_that_does_not_stream_is_trouble(program: Program, driver: CaptureNode, kernel: FakeKernel) -> None:
    assert kernel.poll({program.node.fd: READ}, 1.0)[program.node.fd] & TROUBLE
    program.start()
    driver.break_queue()
    assert kernel.poll({program.node.fd: READ}, 1.0)[program.node.fd] & TROUBLE
    with pytest.raises(OSError, match="Input/output") as refused:
        program.take()
    assert refused.value.errno == errno.EIO


def test_an_unknown_request_is_answered_with_enotty(program: Program) -> None:
    with pytest.raises(OSError, match="Inappropriate") as refused:
        program.node.do(Vidioc.G_PARM, s.v4l2_streamparm(type=BufType.VIDEO_CAPTURE))
    assert refused.value.errno == errno.ENOTTY


def test_a_chosen_request_fails_so_often_and_no_more(program: Program, kernel: FakeKernel) -> None:
    kernel.fail(Vidioc.QUERYCAP, errno.EIO, times=2, after=1)
    told = []
    for _ in range(5):
        try:
            program.node.do(Vidioc.QUERYCAP, s.Capability())
            told.append(0)
        except OSError as error:
            told.append(error.errno)
    assert told == [0, errno.EIO, errno.EIO, 0, 0]


def test_a_device_that_vanishes_in_a_request_is_gone_for_all_that_have_it_open(
    program: Program, kernel: FakeKernel
) -> None:
    program.start()
    kernel.vanish_on(Vidioc.DQBUF)
    with pytest.raises(OSError, match="No such device"):
        program.take()
    with pytest.raises(OSError, match="No such device"):
        program.node.do(Vidioc.QUERYCAP, s.Capability())
    assert kernel.poll({program.node.fd: READ}, 1.0)[program.node.fd] & TROUBLE
    with pytest.raises(DeviceGone, match="no such device"):
        Node(PATH, kernel=kernel)
    assert kernel.paths() == []


def test_a_device_that_came_back_is_another_for_who_had_it_open(program: Program, kernel: FakeKernel) -> None:
    kernel.vanish()
    kernel.come_back()
    with pytest.raises(OSError, match="No such device"):
        program.node.do(Vidioc.QUERYCAP, s.Capability())
    program.node.close()
    again = Program(kernel, PATH)
    again.start()
    assert again.wait_picture(1)
    assert kernel.open_paths == [PATH]


def test_every_request_of_the_project_has_its_structure_here() -> None:
    from tests.board.v4l2.drivers.kernel import ARGUMENTS

    sizes = {request.name: (request.value >> 16) & 0x3FFF for request in ARGUMENTS}
    assert {request.name: ctypes.sizeof(kind) for request, kind in ARGUMENTS.items()} == sizes
