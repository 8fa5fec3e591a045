"""Real drivers for guest tests: load them, find their nodes, turn their knobs.

A new guest test is a function in `tests/vm/guest/test_*.py`; nothing else has to know it. It runs as root in the
machine, alone, with the same Python as the host's tests, and may use the fixtures of `tests/vm/guest/conftest.py` or

    with lab.vivid(input_types=0x3, multiplanar=2) as hdmi:
        hdmi.set_control("DV Timings Signal Mode", 1)       # a number, or an entry of hdmi.menu(...)
        Node(hdmi.node_path, kernel=LinuxKernel())

    make vm                         the whole ring
    make vm ARGS="-k name"          only tests whose id has `name`: one boot, then those
    make vm-shell                   a shell in the machine, with modprobe, v4l2-ctl and pytest at hand

The machine is slow (about 20 times): wait for what you want to see with `until`, do not sleep, never assert times.
"""

from __future__ import annotations

import errno
import glob
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from board.v4l2.abi import structs
from board.v4l2.abi.requests import Vidioc
from board.v4l2.kernel import LinuxKernel
from board.v4l2.node import Node
from edge.model.errors import EdgeError
from tests.vm import vicodec as built
from tests.vm.usb_dongle import MODES, NAME, Content, Dongle
from tests.vm.uvc_descriptors import Mode

WEBCAM, TV, S_VIDEO, HDMI = range(4)  # two bits of vivid's input_types for each input
PATIENCE_S = 30.0
_NEXT_CONTROL = 0x80000000  # V4L2_CTRL_FLAG_NEXT_CTRL
_CAPTURE_ONLY = 0x1  # vivid's node_types
_MENU_TYPE = 3  # V4L2_CTRL_TYPE_MENU
_CAPTURE = 0x00000001 | 0x00001000
_T = TypeVar("_T")


class LabError(Exception):
    """The lab cannot be set up so; the message says what and why."""


def load(module: str, **options: int | str) -> None:
    """modprobe with options. Raises LabError."""
    command = ["modprobe", module, *(f"{name}={value}" for name, value in options.items())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"{' '.join(command)}: {done.stderr.strip()}")


def insert(path: Path, **options: int | str) -> None:
    """insmod with options. Raises LabError."""
    command = ["insmod", str(path), *(f"{name}={value}" for name, value in options.items())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"{' '.join(command)}: {done.stderr.strip()}")


_HELD = ("in use", "temporarily unavailable")  # EBUSY before it is asked to leave, EAGAIN while it leaves


def unload(module: str) -> None:
    """Waits for udev, which looks at new nodes for a while. Raises LabError when somebody else holds on to it."""
    end = time.monotonic() + PATIENCE_S
    while True:
        done = subprocess.run(["rmmod", module], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        if not any(word in done.stderr for word in _HELD) or time.monotonic() > end:
            raise LabError(f"rmmod {module}: {done.stderr.strip()}")
        time.sleep(0.2)


def until(what: str, look: Callable[[], _T | None], timeout_s: float | None = None) -> _T:
    """The first answer of `look` that is neither None nor False. Raises LabError naming `what`."""
    timeout_s = PATIENCE_S if timeout_s is None else timeout_s
    end = time.monotonic() + timeout_s
    while True:
        found = look()
        if found is not None and found is not False:
            return found
        if time.monotonic() > end:
            raise LabError(f"{what}: not within {timeout_s:.0f} s")
        time.sleep(0.05)


@dataclass(frozen=True, slots=True)
class Found:
    """A device node as QUERYCAP describes it."""

    path: str
    driver: str
    card: str
    capture: bool


def nodes() -> list[Found]:
    """Every video node that can be opened now."""
    found = []
    for path in sorted(glob.glob("/dev/video*")):
        capability = structs.Capability()
        try:
            with Node(path, kernel=LinuxKernel()) as node:
                node.do(Vidioc.QUERYCAP, capability)
        except (OSError, EdgeError):
            continue  # it goes away while we look
        capture = bool(capability.device_caps & _CAPTURE)
        found.append(Found(path, capability.driver.decode(), capability.card.decode(), capture))
    return found


def capture_node(*, driver: str, card: str = "") -> str:
    """The path of the first capture node of that driver whose card name has `card`. Raises LabError."""

    def look() -> str | None:
        return next((n.path for n in nodes() if n.driver == driver and card in n.card and n.capture), None)

    return until(f"a capture node of driver {driver!r} with card {card!r}", look)


class Controls:
    """A node's controls by the names that v4l2-ctl shows in its long listing. Errors are LabError."""

    def __init__(self, node_path: str) -> None:
        self.node_path = node_path
        with self._node() as node:
            self._known = {control.name.decode(): control for control in _all_controls(node)}

    def set(self, name: str, value: int | str) -> None:
        """A menu entry may be given by its words."""
        known = self._find(name)
        number = value if isinstance(value, int) else self._entry(name, value)
        try:
            with self._node() as node:
                node.do(Vidioc.S_CTRL, structs.v4l2_control(id=known.id, value=number))
        except OSError as error:
            raise LabError(f"{self.node_path}: {name!r} = {value!r}: {os.strerror(error.errno or 0)}") from error

    def get(self, name: str) -> int:
        with self._node() as node:
            return int(node.do(Vidioc.G_CTRL, structs.v4l2_control(id=self._find(name).id)).value)

    def menu(self, name: str) -> tuple[str, ...]:
        """The entries' words; the index is the value. An entry that the driver leaves out is empty."""
        known = self._find(name)
        if known.type != _MENU_TYPE:
            raise LabError(f"{self.node_path}: {name!r} is not a menu")
        with self._node() as node:
            return tuple(_menu_entry(node, known.id, index) for index in range(known.maximum + 1))

    def names(self) -> tuple[str, ...]:
        return tuple(self._known)

    def _node(self) -> Node:
        return Node(self.node_path, kernel=LinuxKernel())

    def _find(self, name: str) -> structs.v4l2_queryctrl:
        if name not in self._known:
            raise LabError(f"{self.node_path}: no control {name!r}; it has {', '.join(self._known)}")
        return self._known[name]

    def _entry(self, name: str, words: str) -> int:
        entries = self.menu(name)
        if words not in entries:
            raise LabError(f"{self.node_path}: {name!r} has no entry {words!r}; it has {', '.join(entries)}")
        return entries.index(words)


@dataclass(frozen=True, slots=True)
class Vivid:
    """A loaded vivid's capture node."""

    node_path: str
    controls: Controls

    def set_control(self, name: str, value: int | str = 1) -> None:
        """A button (`Disconnect`, `Inject ... Error`) is pressed by any value."""
        self.controls.set(name, value)

    def control(self, name: str) -> int:
        return self.controls.get(name)

    def menu(self, name: str) -> tuple[str, ...]:
        return self.controls.menu(name)

    def select_input(self, index: int) -> None:
        with Node(self.node_path, kernel=LinuxKernel()) as node:
            node.do_int(Vidioc.S_INPUT, index)


@contextmanager
def vivid(
    *, num_inputs: int = 1, input_types: int = HDMI, multiplanar: int = 1, **options: int | str
) -> Iterator[Vivid]:
    """vivid with capture only, `multiplanar` 1 (single-planar) or 2. Unloaded at the end; close its nodes before."""
    options = {"n_devs": 1, "node_types": _CAPTURE_ONLY, "num_outputs": 0} | options
    load("vivid", num_inputs=num_inputs, input_types=input_types, multiplanar=multiplanar, **options)
    try:
        path = capture_node(driver="vivid")
        yield Vivid(path, Controls(path))
    finally:
        unload("vivid")


@contextmanager
def vicodec(*, multiplanar: bool = False) -> Iterator[str]:
    """vicodec's nodes; what it yields is the driver's name. Unloaded at the end; close its nodes before."""
    for module in ("videobuf2-v4l2", "videobuf2-vmalloc"):
        load(module)
    framework, codec = (built.folder(os.uname().release) / module for module in built.MODULES)
    insert(framework)
    try:
        insert(codec, multiplanar=int(multiplanar))
        try:
            until("vicodec's nodes", lambda: sum(node.driver == "vicodec" for node in nodes()) == 3)
            yield "vicodec"
        finally:
            unload("vicodec")
    finally:
        unload("v4l2-mem2mem")


@contextmanager
def usb_dongle(*, content: Content, modes: Sequence[Mode] = MODES, fps: float = 15.0) -> Iterator[Dongle]:
    """Plugged in and taken up by uvcvideo. `capture_node(driver="uvcvideo")` is its node."""
    load("uvcvideo")
    load("vhci-hcd")
    with Dongle(content=content, modes=modes, fps=fps) as dongle:
        dongle_node()
        yield dongle
    until("the dongle's node to go", dongle_gone)


def dongle_node() -> str:
    """The path of the plugged-in dongle. Raises LabError when uvcvideo does not show it."""
    return capture_node(driver="uvcvideo", card=NAME)


def dongle_gone() -> bool:
    return not any(node.driver == "uvcvideo" for node in nodes())


def _all_controls(node: Node) -> Iterator[structs.v4l2_queryctrl]:
    after = 0
    while True:
        query = structs.v4l2_queryctrl(id=after | _NEXT_CONTROL)
        try:
            node.do(Vidioc.QUERYCTRL, query)
        except OSError as error:
            if error.errno == errno.EINVAL:
                return
            raise
        yield query
        after = query.id


def _menu_entry(node: Node, control: int, index: int) -> str:
    try:
        entry = node.do(Vidioc.QUERYMENU, structs.v4l2_querymenu(id=control, index=index))
    except OSError as error:
        if error.errno == errno.EINVAL:
            return ""
        raise
    return bytes(entry.name).split(b"\0")[0].decode()
