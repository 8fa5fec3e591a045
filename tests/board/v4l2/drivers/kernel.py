"""A kernel made of Python: device nodes by path, file descriptors, poll with a clock that a test moves."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import heapq
import itertools
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from board.v4l2.abi import media as m
from board.v4l2.abi import structs as s
from board.v4l2.abi.requests import MediaIoc, Vidioc
from board.v4l2.kernel import TROUBLE
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.events import EventQueue

Request = Vidioc | MediaIoc
ARGUMENTS: Mapping[Request, type] = {
    Vidioc.QUERYCAP: s.Capability,
    Vidioc.ENUM_FMT: s.v4l2_fmtdesc,
    Vidioc.G_FMT: s.Format,
    Vidioc.S_FMT: s.Format,
    Vidioc.TRY_FMT: s.Format,
    Vidioc.REQBUFS: s.v4l2_requestbuffers,
    Vidioc.QUERYBUF: s.v4l2_buffer,
    Vidioc.QBUF: s.v4l2_buffer,
    Vidioc.DQBUF: s.v4l2_buffer,
    Vidioc.EXPBUF: s.ExportBuffer,
    Vidioc.STREAMON: ctypes.c_int,
    Vidioc.STREAMOFF: ctypes.c_int,
    Vidioc.G_PARM: s.v4l2_streamparm,
    Vidioc.S_PARM: s.v4l2_streamparm,
    Vidioc.ENUMINPUT: s.Input,
    Vidioc.G_INPUT: ctypes.c_int,
    Vidioc.S_INPUT: ctypes.c_int,
    Vidioc.G_CTRL: s.v4l2_control,
    Vidioc.S_CTRL: s.v4l2_control,
    Vidioc.QUERYCTRL: s.v4l2_queryctrl,
    Vidioc.QUERYMENU: s.v4l2_querymenu,
    Vidioc.G_EDID: s.Edid,
    Vidioc.S_EDID: s.Edid,
    Vidioc.S_STD: ctypes.c_uint64,
    Vidioc.QUERYSTD: ctypes.c_uint64,
    Vidioc.ENCODER_CMD: s.EncoderCommand,
    Vidioc.ENUM_FRAMESIZES: s.FrameSizeEnum,
    Vidioc.ENUM_FRAMEINTERVALS: s.v4l2_frmivalenum,
    Vidioc.S_DV_TIMINGS: s.DvTimings,
    Vidioc.G_DV_TIMINGS: s.DvTimings,
    Vidioc.QUERY_DV_TIMINGS: s.DvTimings,
    Vidioc.ENUM_DV_TIMINGS: s.EnumDvTimings,
    Vidioc.DV_TIMINGS_CAP: s.DvTimingsCap,
    Vidioc.DQEVENT: s.Event,
    Vidioc.SUBSCRIBE_EVENT: s.EventSubscription,
    Vidioc.UNSUBSCRIBE_EVENT: s.EventSubscription,
    Vidioc.G_SELECTION: s.Selection,
    Vidioc.S_SELECTION: s.Selection,
    Vidioc.SUBDEV_ENUM_MBUS_CODE: m.SubdevMbusCode,
    Vidioc.SUBDEV_G_FMT: m.SubdevFormat,
    Vidioc.SUBDEV_S_FMT: m.SubdevFormat,
    MediaIoc.DEVICE_INFO: m.DeviceIdentity,
    MediaIoc.SETUP_LINK: m.LinkDescription,
    MediaIoc.G_TOPOLOGY: m.Topology,
}


class Misuse(AssertionError):
    """The driver's user does what no program should: the test fails."""


def refuse(number: int) -> OSError:
    """As the kernel says it."""
    return OSError(number, os.strerror(number))


class OpenFile:
    """One open file of a node, with the events that it has asked for."""

    def __init__(self, fd: int, path: str, node: FakeNode) -> None:
        self.fd = fd
        self.path = path
        self.node = node
        self.events = EventQueue()


class FakeNode:
    """A device node. A driver fills `requests`; what is not in there is answered with ENOTTY."""

    def __init__(self, numbers: tuple[int, int] = (81, 0)) -> None:
        self.numbers = numbers
        self.requests: dict[Request, Callable[[OpenFile, object], None]] = {}
        self.files: list[OpenFile] = []
        self.gone = False

    def opened(self, file: OpenFile) -> None:
        self.files.append(file)

    def closed(self, file: OpenFile) -> None:
        self.files.remove(file)

    def ready(self, file: OpenFile, wanted: int) -> int:
        """The poll bits that are true now, of those that are wanted and of the troubles."""
        return file.events.poll_bits & wanted

    def map(self, file: OpenFile, length: int, offset: int) -> memoryview:
        raise Misuse(f"{file.path} has no memory to map")


@dataclass(slots=True)
class Fault:
    """`vanish`: the node is gone from then on."""

    request: Request
    number: int
    times: int
    path: str
    after: int
    vanish: bool = False


class FakeKernel:
    """A `board.v4l2.kernel.Kernel`. Time passes only in `poll`, and when a test moves the clock.

    `calls` are the requests made so far, as (path, request).
    """

    def __init__(self, *, clock: HandClock) -> None:
        self.clock = clock
        self.calls: list[tuple[str, Request]] = []
        self._nodes: dict[str, FakeNode] = {}
        self._files: dict[int, OpenFile] = {}
        self._fds = itertools.count(1000)
        self._faults: list[Fault] = []
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._lock = threading.RLock()

    def add(self, path: str, node: FakeNode) -> None:
        self._nodes[path] = node

    def at(self, due_ns: int, then: Callable[[], None]) -> None:
        """Have that happen when the clock gets there."""
        heapq.heappush(self._agenda, (due_ns, next(self._order), then))

    def after(self, seconds: float, then: Callable[[], None]) -> None:
        self.at(self.clock.mono_ns() + round(seconds * 1e9), then)

    def fail(self, request: Request, number: int, *, times: int = 1, after: int = 0, path: str = "") -> None:
        """The next `times` such requests, `after` so many that pass, fail with that errno."""
        self._faults.append(Fault(request, number, times, path, after))

    def vanish_on(self, request: Request, *, after: int = 0, path: str = "") -> None:
        """The device goes away in the middle of that request."""
        self._faults.append(Fault(request, errno.ENODEV, 1, path, after, vanish=True))

    def vanish(self, path: str = "") -> None:
        """That node, or all, go away: ENODEV on what is open, ENOENT for who opens."""
        for known, node in self._nodes.items():
            if path in ("", known):
                node.gone = True

    def come_back(self) -> None:
        """All nodes can be opened again; files of before stay dead, as with a real unplug."""
        for file in self._files.values():
            if file.node.gone:
                file.node = _Dead(file.node)
        for node in self._nodes.values():
            node.gone = False

    def paths(self, prefix: str = "/dev/video") -> list[str]:
        """What a listing of /dev shows."""
        return sorted(path for path, node in self._nodes.items() if path.startswith(prefix) and not node.gone)

    @property
    def open_paths(self) -> list[str]:
        """Of every file that is open now."""
        return [file.path for file in self._files.values()]

    def count(self, request: Request) -> int:
        return sum(1 for _, one in self.calls if one is request)

    def open(self, path: str) -> int:
        with self._lock:
            self._run_due()
            node = self._node_at(path)
            if node is None or node.gone:
                raise refuse(errno.ENOENT)
            file = OpenFile(next(self._fds), path, node)
            node.opened(file)
            self._files[file.fd] = file
            return file.fd

    def close(self, fd: int) -> None:
        with self._lock:
            file = self._file(fd)
            del self._files[fd]
            file.node.closed(file)

    def ioctl(self, fd: int, request: int, argument: ctypes.Structure | ctypes._SimpleCData[int]) -> int:
        with self._lock:
            self._run_due()
            file, known = self._file(fd), _request(request)
            _check_argument(known, argument)
            self.calls.append((file.path, known))
            self._meet_fault(file, known)
            if file.node.gone:
                raise refuse(errno.ENODEV)
            handler = file.node.requests.get(known)
            if handler is None:
                raise refuse(errno.ENOTTY)
            handler(file, argument)
            return 0

    def map(self, fd: int, length: int, offset: int) -> memoryview:
        with self._lock:
            file = self._file(fd)
            if file.node.gone:
                raise refuse(errno.ENODEV)
            return file.node.map(file, length, offset)

    def poll(self, events: Mapping[int, int], timeout_s: float) -> Mapping[int, int]:
        """What is ready at once; else what the driver's next doings make ready; else the time-out passes."""
        give_up_ns = self.clock.mono_ns() + round(max(0.0, timeout_s) * 1e9)
        while True:
            with self._lock:
                self._run_due()
                happened = self._happened(events)
                if happened:
                    return happened
                now = self.clock.mono_ns()
                if now >= give_up_ns:
                    return {}
                due_ns = min(give_up_ns, self._agenda[0][0]) if self._agenda else give_up_ns
                self.clock.advance((due_ns - now) / 1e9)

    def _happened(self, events: Mapping[int, int]) -> Mapping[int, int]:
        found = {}
        for fd, wanted in events.items():
            file = self._file(fd)
            bits = TROUBLE if file.node.gone else file.node.ready(file, wanted)
            if bits:
                found[fd] = bits
        return found

    def _run_due(self) -> None:
        while self._agenda and self._agenda[0][0] <= self.clock.mono_ns():
            heapq.heappop(self._agenda)[2]()

    def _node_at(self, path: str) -> FakeNode | None:
        if path.startswith("/dev/char/"):
            major, _, minor = path.removeprefix("/dev/char/").partition(":")
            numbers = (int(major), int(minor))
            return next((node for node in self._nodes.values() if node.numbers == numbers), None)
        return self._nodes.get(path)

    def _file(self, fd: int) -> OpenFile:
        try:
            return self._files[fd]
        except KeyError:
            raise Misuse(f"file descriptor {fd} is not open") from None

    def _meet_fault(self, file: OpenFile, request: Request) -> None:
        for fault in self._faults:
            if fault.request is not request or (fault.path and fault.path != file.path):
                continue
            if fault.after:
                fault.after -= 1
                continue
            fault.times -= 1
            if not fault.times:
                self._faults.remove(fault)
            if fault.vanish:
                self.vanish()
            raise refuse(fault.number)


class _Dead(FakeNode):
    """What is left, for those who have it open, of a node whose device went away."""

    def __init__(self, before: FakeNode) -> None:
        super().__init__(before.numbers)
        self.gone = True
        self._before = before

    def closed(self, file: OpenFile) -> None:
        self._before.closed(file)


def numbers_from(major: int) -> Iterator[tuple[int, int]]:
    """Device numbers for the nodes of one machine."""
    return ((major, minor) for minor in itertools.count())


def _request(number: int) -> Request:
    for kinds in (Vidioc, MediaIoc):
        with contextlib.suppress(ValueError):
            return kinds(number)
    raise Misuse(f"request {number:#x} is not one that this project knows")


def _check_argument(request: Request, argument: ctypes.Structure | ctypes._SimpleCData[int]) -> None:
    """The size is in the number; the kind is held where two structures could be mixed up."""
    wanted = ARGUMENTS.get(request, type(argument))
    if type(argument) is not wanted or ctypes.sizeof(argument) != (request.value >> 16) & 0x3FFF:
        raise Misuse(f"{request.name} takes {wanted.__name__}, not {type(argument).__name__}")
