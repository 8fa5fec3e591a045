"""What a node says of itself."""

from __future__ import annotations

import ctypes
import errno
from fractions import Fraction

import pytest

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import BufType, Cap
from board.v4l2.abi.numbers import fourcc
from board.v4l2.abi.requests import Vidioc
from board.v4l2.card import Card, FrameRate, fastest, read_card, read_formats, read_inputs, read_rates
from board.v4l2.node import Node
from edge.model.picture import CaptureMode
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.capture import Identity
from tests.board.v4l2.drivers.kernel import refuse
from tests.board.v4l2.drivers.unicam import UnicamTc358743

UYVY = fourcc("UYVY")
CONTINUOUS = 2


@pytest.fixture
def driver() -> UnicamTc358743:
    return UnicamTc358743(clock=HandClock())


@pytest.fixture
def node(driver: UnicamTc358743) -> Node:
    return Node(driver.path, kernel=driver.kernel)


def test_capabilities_are_those_of_the_node_not_of_its_siblings(driver: UnicamTc358743, node: Node) -> None:
    driver.identity = Identity("rp1-cfe", "rp1-cfe", "bus", Cap.META_CAPTURE | Cap.STREAMING, claims=Cap.VIDEO_CAPTURE)
    card = read_card(node)
    assert (card.driver, card.name, card.bus) == ("rp1-cfe", "rp1-cfe", "bus")
    assert not card.captures


@pytest.mark.parametrize(
    ("caps", "captures", "buf_type", "pipeline"),
    [
        (Cap.VIDEO_CAPTURE | Cap.STREAMING, True, BufType.VIDEO_CAPTURE, False),
        (Cap.VIDEO_CAPTURE_MPLANE | Cap.STREAMING, True, BufType.VIDEO_CAPTURE_MPLANE, False),
        (Cap.VIDEO_CAPTURE | Cap.VIDEO_CAPTURE_MPLANE | Cap.STREAMING, True, BufType.VIDEO_CAPTURE, False),
        (Cap.VIDEO_CAPTURE | Cap.STREAMING | Cap.IO_MC, True, BufType.VIDEO_CAPTURE, True),
        (Cap.VIDEO_CAPTURE, False, BufType.VIDEO_CAPTURE, False),
        (Cap.VIDEO_M2M | Cap.STREAMING, False, BufType.VIDEO_CAPTURE_MPLANE, False),
    ],
)
def test_what_follows_from_capabilities(caps: Cap, captures: bool, buf_type: BufType, pipeline: bool) -> None:
    card = Card("x", "x", "x", caps)
    assert (card.captures, card.buf_type, card.needs_pipeline) == (captures, buf_type, pipeline)


def test_formats_and_inputs_are_listed_in_the_drivers_order(node: Node) -> None:
    assert read_formats(node, BufType.VIDEO_CAPTURE) == ("RGB3", "UYVY")
    assert [(port.index, port.name) for port in read_inputs(node)] == [(0, "Camera 0")]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTTY, errno.ENODATA])
def test_a_list_that_the_driver_does_not_have_is_empty(driver: UnicamTc358743, node: Node, number: int) -> None:
    driver.kernel.fail(Vidioc.ENUMINPUT, number)
    assert read_inputs(node) == ()


def test_another_error_is_raised(driver: UnicamTc358743, node: Node) -> None:
    driver.kernel.fail(Vidioc.ENUM_FMT, errno.ENODEV)
    with pytest.raises(OSError, match="No such device"):
        read_formats(node, BufType.VIDEO_CAPTURE)


def test_a_list_that_never_ends_is_cut(driver: UnicamTc358743, node: Node) -> None:
    driver.requests[Vidioc.ENUMINPUT] = lambda file, into: None
    assert len(read_inputs(node)) == 256


def offering(driver: UnicamTc358743, *, sizes: list[tuple[int, int]], intervals: list[tuple[int, int]]) -> None:
    def size(file: object, into: s.FrameSizeEnum) -> None:
        if into.index >= len(sizes):
            raise refuse(errno.EINVAL)
        into.type = 1
        into.discrete.width, into.discrete.height = sizes[into.index]

    def interval(file: object, into: s.v4l2_frmivalenum) -> None:
        if into.index >= len(intervals):
            raise refuse(errno.EINVAL)
        into.type = 1
        into.discrete.numerator, into.discrete.denominator = intervals[into.index]

    driver.requests[Vidioc.ENUM_FRAMESIZES] = size  # type: ignore[assignment]
    driver.requests[Vidioc.ENUM_FRAMEINTERVALS] = interval  # type: ignore[assignment]


def test_each_size_has_its_fastest_rate(driver: UnicamTc358743, node: Node) -> None:
    offering(driver, sizes=[(1920, 1080), (640, 480)], intervals=[(1, 25), (1001, 60_000), (0, 1), (1, 0)])
    rate = Fraction(60_000, 1001)
    assert read_rates(node, UYVY) == (FrameRate(1920, 1080, rate), FrameRate(640, 480, rate))


def test_a_size_without_a_rate_is_not_offered(driver: UnicamTc358743, node: Node) -> None:
    offering(driver, sizes=[(1920, 1080)], intervals=[])
    assert read_rates(node, UYVY) == ()
    assert fastest(node, UYVY, 1920, 1080) is None


def test_of_a_range_of_sizes_the_wished_ones_that_lie_in_it_are_offered(driver: UnicamTc358743, node: Node) -> None:
    def size(file: object, into: s.FrameSizeEnum) -> None:
        if into.index:
            raise refuse(errno.EINVAL)
        into.type = CONTINUOUS
        into.stepwise.min_width, into.stepwise.min_height = 320, 240
        into.stepwise.max_width, into.stepwise.max_height = 1920, 1080

    def interval(file: object, into: s.v4l2_frmivalenum) -> None:
        if into.index:
            raise refuse(errno.EINVAL)
        into.type = CONTINUOUS
        into.stepwise.min.numerator, into.stepwise.min.denominator = 1, 30
        into.stepwise.max.numerator, into.stepwise.max.denominator = 1, 1

    driver.requests[Vidioc.ENUM_FRAMESIZES] = size  # type: ignore[assignment]
    driver.requests[Vidioc.ENUM_FRAMEINTERVALS] = interval  # type: ignore[assignment]
    wished = (CaptureMode(3840, 2160, 30), CaptureMode(1920, 1080, 60), CaptureMode(160, 120, 30))
    assert read_rates(node, UYVY, wished) == (FrameRate(1920, 1080, Fraction(30)),)
    assert read_rates(node, UYVY) == ()


def test_names_that_are_no_utf_8_are_shown_as_they_can_be(driver: UnicamTc358743, node: Node) -> None:
    def capability(file: object, into: s.Capability) -> None:
        ctypes.memmove(ctypes.byref(into), b"dri\xffver\0rest", 11)
        into.capabilities = Cap.VIDEO_CAPTURE

    driver.requests[Vidioc.QUERYCAP] = capability  # type: ignore[assignment]
    assert read_card(node).driver == "dri\N{REPLACEMENT CHARACTER}ver"
