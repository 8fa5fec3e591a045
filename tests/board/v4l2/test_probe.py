"""What a look at the input makes of the driver's answers."""

from __future__ import annotations

import ctypes
import errno
from collections.abc import Sequence
from fractions import Fraction

import pytest

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import Cid, InputCap, InputStatus
from board.v4l2.abi.requests import Vidioc
from board.v4l2.card import read_inputs
from board.v4l2.node import Node
from board.v4l2.probe import Prober, Reading
from board.v4l2.profile import CaptureProfile, Detect
from edge.model.signal import SignalState
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.kernel import FakeKernel, FakeNode, refuse
from tests.board.v4l2.drivers.modes import HD1080I50, HD1080P50

NTSC, PAL = 0x1000, 0xFF


class Receiver(FakeNode):
    """Says what a test wants it to say."""

    def __init__(self) -> None:
        super().__init__()
        self.query: int | s.DvTimings = errno.ENOTTY
        self.filled = s.DvTimings()
        self.standard: int = errno.ENOTTY
        self.power: int | None = None
        self.inputs: list[tuple[InputCap, int]] = []
        self.requests = {
            Vidioc.QUERY_DV_TIMINGS: self._query,
            Vidioc.QUERYSTD: self._standard,
            Vidioc.G_CTRL: self._control,
            Vidioc.ENUMINPUT: self._input,
        }  # type: ignore[assignment]

    def _query(self, file: object, into: s.DvTimings) -> None:
        given = self.query if isinstance(self.query, s.DvTimings) else self.filled
        ctypes.memmove(ctypes.byref(into), ctypes.byref(given), ctypes.sizeof(into))
        if isinstance(self.query, int):
            raise refuse(self.query)

    def _standard(self, file: object, into: ctypes.c_uint64) -> None:
        if self.standard < 0:
            raise refuse(-self.standard)
        into.value = self.standard

    def _control(self, file: object, into: s.v4l2_control) -> None:
        if self.power is None or into.id != Cid.DV_RX_POWER_PRESENT:
            raise refuse(errno.EINVAL)
        into.value = self.power

    def _input(self, file: object, into: s.Input) -> None:
        if into.index >= len(self.inputs):
            raise refuse(errno.EINVAL)
        into.capabilities, into.status = self.inputs[into.index]


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def kernel(receiver: Receiver) -> FakeKernel:
    kernel = FakeKernel(clock=HandClock())
    kernel.add("/dev/video0", receiver)
    return kernel


def prober(kernel: FakeKernel, *, index: int = 0, detect: Detect = Detect.TIMINGS) -> Prober:
    node = Node("/dev/video0", kernel=kernel)
    profile = CaptureProfile("x", detect=detect)
    return Prober(node, profile=profile, input_index=index, inputs=read_inputs(node))


@pytest.mark.parametrize(
    ("number", "state", "detail"),
    [
        (errno.ENOLINK, SignalState.NO_SIGNAL, "the cable carries no signal"),
        (errno.ENODATA, SignalState.NO_SIGNAL, "the cable carries no signal"),
        (errno.ENOLCK, SignalState.NO_LOCK, "a signal is there but the receiver cannot lock on to it"),
        (
            errno.ERANGE,
            SignalState.OUT_OF_RANGE,
            "the receiver cannot take this mode; it may be interlaced, too fast or too large",
        ),
        (errno.ENOMEM, SignalState.NO_SIGNAL, "the driver reports no timings: Cannot allocate memory"),
        (errno.EIO, SignalState.NO_SIGNAL, "the driver reports no timings: Input/output error"),
    ],
)
def test_every_refusal_has_its_state_and_sentence(
    receiver: Receiver, kernel: FakeKernel, number: int, state: SignalState, detail: str
) -> None:
    receiver.inputs = [(InputCap.DV_TIMINGS, 0)]
    receiver.query = number
    assert prober(kernel).look() == Reading(state, detail)


@pytest.mark.parametrize("number", [errno.EBUSY, errno.EAGAIN, errno.EINTR])
def test_a_busy_driver_says_nothing(receiver: Receiver, kernel: FakeKernel, number: int) -> None:
    receiver.inputs = [(InputCap.DV_TIMINGS, 0)]
    receiver.query = number
    assert prober(kernel).look() is None


@pytest.mark.parametrize("number", [errno.ENODEV, errno.ENXIO])
def test_a_device_that_has_gone_says_so(receiver: Receiver, kernel: FakeKernel, number: int) -> None:
    receiver.inputs = [(InputCap.DV_TIMINGS, 0)]
    receiver.query = number
    with pytest.raises(OSError, match=r"Errno"):
        prober(kernel).look()


def test_what_the_driver_saw_out_of_range_is_named_and_compared(receiver: Receiver, kernel: FakeKernel) -> None:
    receiver.inputs = [(InputCap.DV_TIMINGS, 0)]
    receiver.query, receiver.filled = errno.ERANGE, HD1080I50.exact()
    looks = prober(kernel)
    seen = looks.look()
    assert seen is not None
    assert seen.detail == "the receiver does not take 1920x1080i50"
    receiver.filled.bt.pixelclock += 10_000
    again = looks.look()
    assert again is not None
    assert seen.agrees(again)


def test_a_lock_has_its_timings(receiver: Receiver, kernel: FakeKernel) -> None:
    receiver.inputs = [(InputCap.DV_TIMINGS, 0)]
    receiver.query = HD1080P50.exact()
    seen = prober(kernel).look()
    assert seen is not None
    assert seen.locked
    assert seen.fps == 50


def test_a_lock_without_a_mode_is_no_lock(receiver: Receiver, kernel: FakeKernel) -> None:
    receiver.inputs = [(InputCap.DV_TIMINGS, 0)]
    receiver.query = s.DvTimings()
    assert prober(kernel).look() == Reading(SignalState.NO_LOCK, "the driver reports a lock but no mode")


@pytest.mark.parametrize(
    ("caps", "index", "power", "seen"),
    [
        ([InputCap.DV_TIMINGS], 0, 0, SignalState.NO_CABLE),
        ([InputCap.DV_TIMINGS], 0, 1, SignalState.NO_SIGNAL),
        ([InputCap.DV_TIMINGS, InputCap.DV_TIMINGS], 1, 0b01, SignalState.NO_CABLE),
        ([InputCap.DV_TIMINGS, InputCap.DV_TIMINGS], 1, 0b10, SignalState.NO_SIGNAL),
        # vivid: HDMI is input 3, and the first that is digital
        ([InputCap(0), InputCap.STD, InputCap.STD, InputCap.DV_TIMINGS], 3, 1, SignalState.NO_SIGNAL),
        ([InputCap(0), InputCap.STD, InputCap.STD, InputCap.DV_TIMINGS], 3, 0, SignalState.NO_CABLE),
        ([], 0, 0, SignalState.NO_CABLE),
        ([], 0, 1, SignalState.NO_SIGNAL),
    ],
)
def test_5_volts_have_one_bit_for_each_digital_connector(
    receiver: Receiver,
    kernel: FakeKernel,
    caps: Sequence[InputCap],
    index: int,
    power: int,
    seen: SignalState,
) -> None:
    receiver.inputs, receiver.power, receiver.query = [(one, 0) for one in caps], power, errno.ENOLINK
    found = prober(kernel, index=index).look()
    assert found is not None
    assert found.state is seen


@pytest.mark.parametrize(
    ("status", "state", "detail"),
    [
        (0, SignalState.LOCKED, ""),
        (InputStatus.NO_POWER, SignalState.NO_SIGNAL, "what is connected is switched off"),
        (InputStatus.NO_SIGNAL, SignalState.NO_SIGNAL, "the cable carries no signal"),
        (InputStatus.NO_SYNC, SignalState.NO_LOCK, "a signal is there but the receiver cannot lock on to it"),
        (InputStatus.NO_H_LOCK, SignalState.NO_LOCK, "a signal is there but the receiver cannot lock on to it"),
    ],
)
def test_an_input_without_timings_is_judged_by_its_status(
    receiver: Receiver, kernel: FakeKernel, status: int, state: SignalState, detail: str
) -> None:
    receiver.inputs = [(InputCap(0), status)]
    assert prober(kernel).look() == Reading(state, detail)


@pytest.mark.parametrize(
    ("standard", "reading", "fps"),
    [
        (PAL, Reading(SignalState.LOCKED, standard=PAL), Fraction(25)),
        (NTSC, Reading(SignalState.LOCKED, standard=NTSC), Fraction(30_000, 1001)),
        (0, Reading(SignalState.NO_SIGNAL, "the cable carries no signal"), None),
        (-errno.ENODATA, Reading(SignalState.LOCKED), None),
        (-errno.EBUSY, None, None),
    ],
)
def test_an_analogue_input_is_judged_by_its_standard(
    receiver: Receiver, kernel: FakeKernel, standard: int, reading: Reading | None, fps: Fraction | None
) -> None:
    receiver.inputs, receiver.standard = [(InputCap.STD, 0)], standard
    receiver.query = errno.ENODATA  # what the core says of digital requests on such an input
    looks = prober(kernel)
    assert not looks.by_timings
    assert looks.look() == reading
    assert (reading.fps if reading is not None else None) == fps


def test_an_analogue_device_that_has_gone_says_so(receiver: Receiver, kernel: FakeKernel) -> None:
    receiver.inputs, receiver.standard = [(InputCap.STD, 0)], -errno.ENODEV
    with pytest.raises(OSError, match="No such device"):
        prober(kernel).look()


def test_a_device_that_cannot_judge_its_signal_counts_as_locked(receiver: Receiver, kernel: FakeKernel) -> None:
    receiver.inputs = [(InputCap(0), InputStatus.NO_SIGNAL)]
    assert prober(kernel, detect=Detect.NONE).look() == Reading(SignalState.LOCKED)


@pytest.mark.parametrize(
    ("number", "by_timings"),
    [(errno.ENOLINK, True), (errno.ENOLCK, True), (errno.ENODATA, False), (errno.EINVAL, False)],
)
def test_a_node_without_inputs_has_timings_when_it_answers(
    receiver: Receiver, kernel: FakeKernel, number: int, by_timings: bool
) -> None:
    receiver.query = number
    assert prober(kernel).by_timings is by_timings
