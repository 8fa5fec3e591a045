"""Format, start and stop of a stream."""

from __future__ import annotations

import errno
from fractions import Fraction

import pytest

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import Colorspace, Field
from board.v4l2.abi.numbers import fourcc
from board.v4l2.abi.requests import Vidioc
from board.v4l2.card import read_card
from board.v4l2.layout import KINDS
from board.v4l2.node import Node
from board.v4l2.refusal import why
from board.v4l2.stream import BUFFERS, CaptureStream
from edge.model.errors import DeviceGone, NotSupported
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.capture import UYVY, CaptureNode, Identity
from tests.board.v4l2.drivers.kernel import FakeKernel


@pytest.fixture
def driver() -> CaptureNode:
    kernel = FakeKernel(clock=HandClock())
    driver = CaptureNode(kernel, identity=Identity("x", "x"), size=(640, 480), codes=(UYVY,))
    driver.free_running = False
    kernel.add("/dev/video0", driver)
    return driver


@pytest.fixture
def stream(driver: CaptureNode) -> CaptureStream:
    node = Node("/dev/video0", kernel=driver.kernel)
    return CaptureStream(node, read_card(node))


def answering(driver: CaptureNode, **said: int) -> None:
    """S_FMT answers as the driver does, but for these."""
    well_behaved = driver.requests[Vidioc.S_FMT]

    def set_format(file: object, wish: s.Format) -> None:
        well_behaved(file, wish)  # type: ignore[arg-type]
        for name, value in said.items():
            setattr(wish.pix, name, value)

    driver.requests[Vidioc.S_FMT] = set_format  # type: ignore[assignment]


def test_what_the_driver_says_is_agreed(stream: CaptureStream) -> None:
    agreed = stream.agree(KINDS["UYVY"], 640, 480)
    assert (agreed.layout.strides, agreed.layout.sizes) == ((1280,), (1280 * 480,))
    assert (agreed.field, agreed.colorspace) == (Field.NONE, Colorspace.SMPTE170M)
    assert stream.current_size() == (640, 480)


@pytest.mark.parametrize(
    ("said", "code", "message"),
    [
        ({"pixelformat": fourcc("YUYV")}, "not_supported", "/dev/video0 gives YUYV for UYVY"),
        ({"width": 320}, "other_size", "/dev/video0 makes 320x480 of UYVY 640x480"),
        ({"field": Field.ALTERNATE, "height": 480}, "other_size", "/dev/video0 makes 640x960 of UYVY 640x480"),
        ({"bytesperline": 640}, "bad_stride", "UYVY 640x480: the driver's rows of 640 bytes cannot hold 1280"),
        ({"sizeimage": 99}, "bad_stride", "UYVY 640x480: the driver's buffer of 99 bytes cannot hold 614400"),
    ],
)
def test_an_answer_that_is_not_the_wish_is_refused(
    driver: CaptureNode, stream: CaptureStream, said: dict[str, int], code: str, message: str
) -> None:
    answering(driver, **said)
    with pytest.raises(NotSupported) as refused:
        stream.agree(KINDS["UYVY"], 640, 480)
    assert (refused.value.code, str(refused.value)) == (code, message)


def test_a_scaler_that_makes_whole_fields_of_it_is_asked_for_half_the_lines(
    driver: CaptureNode, stream: CaptureStream
) -> None:
    answering(driver, field=Field.ALTERNATE)
    agreed = stream.agree(KINDS["UYVY"], 640, 480)
    assert (agreed.layout.height, agreed.field) == (240, Field.ALTERNATE)


def test_a_field_at_a_time_counts_as_half_the_lines(driver: CaptureNode, stream: CaptureStream) -> None:
    answering(driver, field=Field.ALTERNATE, height=240)
    agreed = stream.agree(KINDS["UYVY"], 640, 480)
    assert (agreed.layout.height, agreed.field) == (240, Field.ALTERNATE)


def test_a_kind_that_the_driver_refuses_is_not_supported_and_trouble_is_trouble(
    driver: CaptureNode, stream: CaptureStream
) -> None:
    driver.kernel.fail(Vidioc.S_FMT, errno.EINVAL)
    with pytest.raises(NotSupported, match="/dev/video0 refuses UYVY 640x480"):
        stream.agree(KINDS["UYVY"], 640, 480)
    driver.kernel.fail(Vidioc.S_FMT, errno.EBUSY)
    with pytest.raises(OSError, match="busy"):
        stream.agree(KINDS["UYVY"], 640, 480)


def test_a_driver_without_a_rate_has_none(stream: CaptureStream) -> None:
    assert stream.set_rate(Fraction(30)) is None


@pytest.mark.parametrize(("capability", "rate"), [(0x1000, Fraction(50)), (0, Fraction(25))])
def test_a_rate_is_set_where_the_driver_lets_one(
    driver: CaptureNode, stream: CaptureStream, capability: int, rate: Fraction
) -> None:
    def get(file: object, into: s.v4l2_streamparm) -> None:
        into.parm.capture.capability = capability
        into.parm.capture.timeperframe.numerator, into.parm.capture.timeperframe.denominator = 1, 25

    driver.requests[Vidioc.G_PARM] = get  # type: ignore[assignment]
    driver.requests[Vidioc.S_PARM] = lambda file, wish: None
    assert stream.set_rate(Fraction(50)) == rate


def test_it_starts_with_its_buffers_and_stops_with_none(driver: CaptureNode, stream: CaptureStream) -> None:
    stream.start(stream.agree(KINDS["UYVY"], 640, 480))
    assert driver.queue.streaming
    assert driver.queue.waiting == BUFFERS
    driver.push_frame(5)
    filled = stream.take()
    assert filled is not None
    (memory,) = stream.memories(filled)
    give_back = stream.buffer(filled).give_back
    assert stream.on_loan == 1
    stream.stop()
    stream.stop()
    assert not driver.queue.allocated
    assert memory[0] == 5
    give_back()
    assert stream.take() is None
    assert stream.on_loan == 0
    with pytest.raises(DeviceGone, match="the stream has ended"):
        stream.memories(filled)


def test_it_starves_when_all_buffers_are_on_loan(driver: CaptureNode, stream: CaptureStream) -> None:
    assert not stream.starved
    stream.start(stream.agree(KINDS["UYVY"], 640, 480))
    for _ in range(BUFFERS):
        assert not stream.starved
        driver.push_frame()
        filled = stream.take()
    assert stream.starved
    assert not driver.push_frame()
    assert filled is not None
    stream.buffer(filled).give_back()
    assert not stream.starved


def test_a_start_that_fails_leaves_no_buffers(driver: CaptureNode, stream: CaptureStream) -> None:
    driver.kernel.fail(Vidioc.STREAMON, errno.EPIPE)
    with pytest.raises(OSError, match="Broken pipe"):
        stream.start(stream.agree(KINDS["UYVY"], 640, 480))
    assert not driver.queue.allocated


def test_stop_of_a_device_that_has_gone_is_no_error(driver: CaptureNode, stream: CaptureStream) -> None:
    stream.start(stream.agree(KINDS["UYVY"], 640, 480))
    driver.kernel.vanish()
    stream.stop()
    assert stream.take() is None


def test_a_refusal_that_nobody_foresaw_has_the_kernels_words() -> None:
    assert why(OSError(errno.EDOM, "")) == "Numerical argument out of domain"
