"""Opening a receiver: who it is, which input, which formats, what becomes of its EDID."""

from __future__ import annotations

import errno

import pytest

from board.v4l2.abi.codes import Cap
from board.v4l2.abi.requests import Vidioc
from board.v4l2.profile import CaptureProfile
from board.v4l2.receiver import Receiver, ReceiverWish
from edge.model.errors import DeviceGone, NotSupported
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.capture import CaptureNode, Identity, PixelCode
from tests.board.v4l2.drivers.kernel import FakeKernel, refuse
from tests.board.v4l2.drivers.modes import HD1080P50, HD1080P60
from tests.board.v4l2.drivers.program import EDID
from tests.board.v4l2.drivers.sc0710 import Sc0710
from tests.board.v4l2.drivers.unicam import UnicamTc358743
from tests.board.v4l2.kit import PROFILES

OTHER_EDID = bytes(255) + b"\x01"


@pytest.fixture
def driver() -> UnicamTc358743:
    return UnicamTc358743(clock=HandClock())


def opened(driver: CaptureNode, wish: ReceiverWish | None = None, path: str = "/dev/video0") -> Receiver:
    return Receiver(path, kernel=driver.kernel, profiles=PROFILES, wish=wish or ReceiverWish())


def test_it_knows_driver_profile_formats_and_input(driver: UnicamTc358743) -> None:
    receiver = opened(driver)
    assert (receiver.card.driver, receiver.card.bus) == ("unicam", "platform:fe801000.csi")
    assert receiver.profile.edid
    assert [kind.code for kind in receiver.kinds] == ["UYVY", "RGB3"]
    assert [port.name for port in receiver.inputs] == ["Camera 0"]
    assert receiver.by_timings
    assert receiver.has_events
    assert receiver.edid_note == "as it was"
    receiver.close()
    assert driver.kernel.open_paths == []


def test_an_edid_is_written_once_and_left_alone_when_it_is_there(driver: UnicamTc358743) -> None:
    wish = ReceiverWish(edid_for=lambda profile: EDID)
    assert opened(driver, wish).edid_note == "written"
    assert driver.bridge.edid == EDID
    assert opened(driver, wish).edid_note == "as wanted"
    assert driver.kernel.count(Vidioc.S_EDID) == 1
    assert opened(driver, ReceiverWish(edid_for=lambda profile: OTHER_EDID)).edid_note == "written"


@pytest.mark.parametrize(
    ("number", "note"),
    [
        (errno.ENOTTY, "not written: this receiver has no EDID memory"),
        (errno.EBUSY, "not written: the driver takes none while it streams"),
        (errno.EINVAL, "not written: the driver refuses its content, or has no EDID memory for this input"),
        (errno.EPERM, "not written: the EDID of this receiver is fixed"),
        (errno.EIO, "not written: Input/output error"),
    ],
)
def test_an_edid_that_is_refused_is_said_and_no_failure(driver: UnicamTc358743, number: int, note: str) -> None:
    driver.kernel.fail(Vidioc.S_EDID, number)
    assert opened(driver, ReceiverWish(edid_for=lambda profile: EDID)).edid_note == note


def test_an_edid_that_is_too_long_is_said(driver: UnicamTc358743) -> None:
    wish = ReceiverWish(edid_for=lambda profile: bytes(128 * 9))
    assert opened(driver, wish).edid_note == "not written: it has more blocks than this receiver's memory"


def test_a_memory_that_keeps_something_else_is_found_out(driver: UnicamTc358743) -> None:
    written = driver.bridge.edid_written
    driver.bridge.edid_written = lambda: setattr(driver.bridge, "edid", OTHER_EDID) or written()  # type: ignore[func-returns-value]
    assert opened(driver, ReceiverWish(edid_for=lambda profile: EDID)).edid_note == "written, but reads back otherwise"


def test_reset_writes_the_edid_anew_the_wished_one_or_what_is_there(driver: UnicamTc358743) -> None:
    driver.bridge.edid = EDID
    receiver = opened(driver)
    receiver.reset()
    assert driver.kernel.count(Vidioc.S_EDID) == 1
    assert driver.bridge.edid == EDID
    assert receiver.edid_note == "written"


def test_reset_of_an_empty_memory_does_nothing(driver: UnicamTc358743) -> None:
    receiver = opened(driver)
    receiver.reset()
    assert driver.kernel.count(Vidioc.S_EDID) == 0


def test_reset_of_a_device_that_has_gone_is_no_error(driver: UnicamTc358743) -> None:
    receiver = opened(driver)
    driver.kernel.vanish()
    receiver.reset()


def test_a_wished_input_is_selected_only_when_it_is_not_yet(driver: UnicamTc358743) -> None:
    assert opened(driver, ReceiverWish(input_index=0)).input_index == 0
    assert driver.kernel.count(Vidioc.S_INPUT) == 0


def test_another_input_is_selected(driver: UnicamTc358743) -> None:
    chosen = [0]

    def enum(file: object, into: object) -> None:
        if into.index > 1:  # type: ignore[attr-defined]
            raise refuse(errno.EINVAL)
        into.name = b"HDMI"  # type: ignore[attr-defined]

    driver.requests[Vidioc.ENUMINPUT] = enum
    driver.requests[Vidioc.S_INPUT] = lambda file, wish: chosen.append(wish.value)  # type: ignore[attr-defined]
    assert opened(driver, ReceiverWish(input_index=1)).input_index == 1
    assert chosen == [0, 1]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (True, r"/dev/video0 has no input 1; there is 0 \(Camera 0\)"),
        (False, r"/dev/video0 has no input 1; there is 0 \(the only one\)"),
    ],
)
def test_an_input_that_does_not_exist_is_refused(driver: UnicamTc358743, inputs: bool, message: str) -> None:
    if not inputs:
        del driver.requests[Vidioc.ENUMINPUT]
    with pytest.raises(NotSupported, match=message):
        opened(driver, ReceiverWish(input_index=1))
    assert driver.kernel.open_paths == []


def test_the_order_of_formats_is_the_wished_one(driver: UnicamTc358743) -> None:
    receiver = opened(driver, ReceiverWish(kinds=("RGB3", "NV12", "UYVY")))
    assert [kind.code for kind in receiver.kinds] == ["RGB3", "UYVY"]


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        (("NV12",), "/dev/video0 offers RGB3, UYVY: none of NV12"),
        (("H264",), "/dev/video0 offers RGB3, UYVY: none of H264"),
    ],
)
def test_a_device_without_a_wished_format_is_refused(
    driver: UnicamTc358743, kinds: tuple[str, ...], message: str
) -> None:
    with pytest.raises(NotSupported) as refused:
        opened(driver, ReceiverWish(kinds=kinds))
    assert str(refused.value) == message
    assert driver.kernel.open_paths == []


def test_a_device_with_unknown_formats_only_is_refused(driver: UnicamTc358743) -> None:
    driver.codes = (PixelCode("H264", 1, driver.codes[0].colorspace),)
    with pytest.raises(NotSupported, match="/dev/video0 offers H264: none that is known"):
        opened(driver)


@pytest.mark.parametrize(
    "caps", [Cap.META_CAPTURE | Cap.STREAMING, Cap.VIDEO_OUTPUT | Cap.STREAMING, Cap.VIDEO_CAPTURE]
)
def test_a_node_that_does_not_capture_is_refused(driver: UnicamTc358743, caps: Cap) -> None:
    driver.identity = Identity("uvcvideo", "Dongle", "usb-1", caps, claims=Cap.VIDEO_CAPTURE)
    with pytest.raises(NotSupported, match=r"/dev/video0 \(Dongle\) does not capture video"):
        opened(driver)
    assert driver.kernel.open_paths == []


def test_what_is_no_video_node_is_refused(driver: UnicamTc358743) -> None:
    del driver.requests[Vidioc.QUERYCAP]
    with pytest.raises(NotSupported, match="/dev/video0 is not a video device"):
        opened(driver)
    assert driver.kernel.open_paths == []


@pytest.mark.parametrize(
    ("number", "code", "message"),
    [
        (errno.EACCES, "device_denied", "/dev/video0: access refused; the user must be in the group video"),
        (errno.EBUSY, "device_in_use", "/dev/video0: another program uses it"),
        (errno.ENOENT, "device_gone", "/dev/video0: no such device"),
        (errno.EIO, "device_gone", "/dev/video0: cannot be opened: Input/output error"),
    ],
)
def test_a_node_that_cannot_be_opened_says_why(
    driver: UnicamTc358743, monkeypatch: pytest.MonkeyPatch, number: int, code: str, message: str
) -> None:
    def refused(path: str) -> int:
        raise refuse(number)

    monkeypatch.setattr(driver.kernel, "open", refused)
    with pytest.raises(DeviceGone) as gone:
        opened(driver)
    assert (gone.value.code, str(gone.value)) == (code, message)


def test_a_failing_set_up_closes_the_node(driver: UnicamTc358743) -> None:
    driver.kernel.fail(Vidioc.G_INPUT, errno.EIO)
    with pytest.raises(DeviceGone, match="/dev/video0: cannot be set up: Input/output error"):
        opened(driver)
    assert driver.kernel.open_paths == []


def test_a_receiver_is_set_to_the_mode_that_it_saw() -> None:
    clock = HandClock()
    driver = UnicamTc358743(clock=clock)
    driver.bridge.edid = EDID
    driver.plug(HD1080P50)
    driver.kernel.poll({}, 3)
    receiver = opened(driver)
    reading = receiver.look()
    assert reading is not None
    receiver.adopt(reading)
    assert driver.bridge.timings.bt.width == 1920
    driver.kernel.fail(Vidioc.S_DV_TIMINGS, errno.EBUSY)
    with pytest.raises(OSError, match="busy"):
        receiver.adopt(reading)


def test_a_receiver_that_follows_by_itself_may_refuse_to_be_set() -> None:
    driver = Sc0710(clock=HandClock())
    driver.plug(HD1080P60)
    receiver = opened(driver, path="/dev/video2")
    reading = receiver.look()
    assert reading is not None
    receiver.adopt(reading)
    assert driver.kernel.count(Vidioc.S_DV_TIMINGS) == 1


def test_a_driver_without_events_is_noticed(driver: UnicamTc358743) -> None:
    del driver.requests[Vidioc.SUBSCRIBE_EVENT]
    assert not opened(driver).has_events


def test_the_edid_may_depend_on_the_driver(driver: UnicamTc358743) -> None:
    asked: list[str] = []

    def for_driver(profile: CaptureProfile) -> bytes:
        asked.append(profile.driver)
        return EDID

    assert opened(driver, ReceiverWish(edid_for=for_driver)).edid_note == "written"
    assert asked == ["unicam"]


def test_close_survives_a_device_whose_close_fails(driver: UnicamTc358743, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = opened(driver)

    def fails(self: FakeKernel, fd: int) -> None:
        raise refuse(errno.EIO)

    monkeypatch.setattr(FakeKernel, "close", fails)
    receiver.close()
    with pytest.raises(DeviceGone, match="/dev/video0 is closed"):
        _ = receiver.stream_node.fd
