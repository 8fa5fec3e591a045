"""Which mode a device is asked for."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from fractions import Fraction

import pytest

from board.v4l2.abi import structs as s
from board.v4l2.abi.numbers import fourcc_text
from board.v4l2.abi.requests import Vidioc
from board.v4l2.choice import Chosen, choose
from board.v4l2.probe import Reading
from board.v4l2.receiver import Receiver, ReceiverWish
from board.v4l2.stream import CaptureStream
from board.v4l2.timings import Timings
from edge.model.errors import NotSupported
from edge.model.picture import CaptureMode
from edge.model.signal import SignalState
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.capture import UYVY, YUYV, CaptureNode, Identity
from tests.board.v4l2.drivers.kernel import FakeKernel, OpenFile, refuse
from tests.board.v4l2.kit import PROFILES

LOCKED = Reading(SignalState.LOCKED)
Offers = Mapping[str, Mapping[tuple[int, int], int]]
HD, SMALL = (1920, 1080), (1280, 720)


class Dongle(CaptureNode):
    """Scales to what it offers: by pixel format, size and frames a second."""

    def __init__(self, offers: Offers) -> None:
        kernel = FakeKernel(clock=HandClock())
        super().__init__(kernel, identity=Identity("uvcvideo", "Dongle", "usb-1"), codes=(UYVY, YUYV), size=(640, 480))
        kernel.add("/dev/video0", self)
        self.offers = offers
        self.rate = Fraction(0)
        self.requests |= {
            Vidioc.ENUM_FRAMESIZES: self._size,
            Vidioc.ENUM_FRAMEINTERVALS: self._interval,
            Vidioc.G_PARM: self._parm,
            Vidioc.S_PARM: self._set_parm,
        }  # type: ignore[assignment]

    def _size(self, file: OpenFile, into: s.FrameSizeEnum) -> None:
        sizes = list(self.offers.get(fourcc_text(into.pixel_format), {}))
        if into.index >= len(sizes):
            raise refuse(errno.EINVAL)
        into.type = 1
        into.discrete.width, into.discrete.height = sizes[into.index]

    def _interval(self, file: OpenFile, into: s.v4l2_frmivalenum) -> None:
        if into.index:
            raise refuse(errno.EINVAL)
        into.type = 1
        fps = self.offers[fourcc_text(into.pixel_format)][(into.width, into.height)]
        into.discrete.numerator, into.discrete.denominator = 1, fps

    def _parm(self, file: OpenFile, into: s.v4l2_streamparm) -> None:
        into.parm.capture.capability = 0x1000

    def _set_parm(self, file: OpenFile, wish: s.v4l2_streamparm) -> None:
        interval = wish.parm.capture.timeperframe
        self.rate = Fraction(interval.denominator, interval.numerator)


def chosen(dongle: Dongle, *modes: CaptureMode, reading: Reading = LOCKED) -> Chosen:
    receiver = Receiver("/dev/video0", kernel=dongle.kernel, profiles=PROFILES, wish=ReceiverWish())
    return choose(CaptureStream(receiver.stream_node, receiver.card), receiver, reading, modes)


@pytest.mark.parametrize(
    ("offers", "modes", "wanted"),
    [
        # a wished mode in the first format that is fast enough
        ({"UYVY": {HD: 60}, "YUYV": {HD: 60}}, [CaptureMode(*HD, 60)], ("UYVY", *HD, 60)),
        ({"UYVY": {HD: 5}, "YUYV": {HD: 60}}, [CaptureMode(*HD, 60)], ("YUYV", *HD, 60)),
        # in the order of the wish
        ({"UYVY": {HD: 60, SMALL: 60}}, [CaptureMode(*SMALL, 50), CaptureMode(*HD, 60)], ("UYVY", *SMALL, 50)),
        # what nobody offers is passed over
        ({"UYVY": {HD: 30}}, [CaptureMode(*HD, 60), CaptureMode(*HD, 30)], ("UYVY", *HD, 30)),
        # nothing of the wish: the most pixels a second
        ({"UYVY": {HD: 5, SMALL: 50}}, [CaptureMode(3840, 2160, 60)], ("UYVY", *SMALL, 50)),
        # no wish: the usual modes
        ({"UYVY": {(2592, 1944): 60, HD: 60}}, [], ("UYVY", *HD, 60)),
        ({"UYVY": {(2592, 1944): 15, HD: 30, SMALL: 60}}, [], ("UYVY", *HD, 30)),
    ],
)
def test_the_wish_is_followed_as_far_as_the_device_can(
    offers: Offers, modes: list[CaptureMode], wanted: tuple[str, int, int, int]
) -> None:
    dongle = Dongle(offers)
    got = chosen(dongle, *modes)
    layout = got.agreed.layout
    assert (layout.kind.code, layout.width, layout.height, got.fps) == wanted
    assert dongle.rate == wanted[3]


def test_a_device_that_lists_nothing_is_taken_as_it_is() -> None:
    got = chosen(Dongle({}))
    assert (got.agreed.layout.width, got.agreed.layout.height, got.fps) == (640, 480, 30)


def test_a_mode_that_is_offered_but_refused_gives_way_to_the_next() -> None:
    dongle = Dongle({"UYVY": {HD: 60, SMALL: 60}})
    dongle.kernel.fail(Vidioc.S_FMT, errno.EINVAL, times=2)  # as a wish and as the largest
    assert chosen(dongle, CaptureMode(*HD, 60)).agreed.layout.width == 1280


def test_an_analogue_standard_has_its_rate() -> None:
    dongle = Dongle({})
    for request in (Vidioc.G_PARM, Vidioc.S_PARM):
        del dongle.requests[request]
    pal = Reading(SignalState.LOCKED, standard=0xFF)
    assert chosen(dongle, reading=pal).fps == 25


def timed(width: int, height: int, fps: Fraction) -> Reading:
    return Reading(SignalState.LOCKED, timings=Timings(width, height, fps, False, 74_250_000))


def test_a_signal_with_timings_is_taken_in_its_own_mode_whatever_was_wished() -> None:
    got = chosen(Dongle({"UYVY": {HD: 60}}), CaptureMode(*HD, 60), reading=timed(1280, 720, Fraction(50)))
    assert (got.agreed.layout.width, got.agreed.layout.height, got.fps) == (1280, 720, 50)


def test_timings_without_a_clock_have_a_usual_rate() -> None:
    assert chosen(Dongle({}), reading=timed(1280, 720, Fraction(0))).fps == 30


def test_a_mode_that_no_format_can_carry_names_every_refusal() -> None:
    dongle = Dongle({})
    dongle.fit = lambda width, height: (640, 480)  # type: ignore[method-assign]
    with pytest.raises(NotSupported) as refused:
        chosen(dongle, reading=timed(1280, 720, Fraction(50)))
    assert str(refused.value) == (
        "/dev/video0 makes 640x480 of UYVY 1280x720; /dev/video0 makes 640x480 of YUYV 1280x720"
    )
