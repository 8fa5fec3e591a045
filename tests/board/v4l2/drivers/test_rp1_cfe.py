"""The Pi 5 driver leaves everything to the media controller, and refuses as the real one does."""

from __future__ import annotations

import errno

import pytest

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import BufType, Cap, Colorspace, EventType, MbusCode
from board.v4l2.abi.requests import Vidioc
from board.v4l2.kernel import EXCEPT
from board.v4l2.pipeline import Pipeline
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.modes import HD720P60, HD1080P60
from tests.board.v4l2.drivers.program import EDID, Program
from tests.board.v4l2.drivers.rp1_cfe import Rp1Cfe


@pytest.fixture
def driver() -> Rp1Cfe:
    return Rp1Cfe(clock=HandClock())


@pytest.fixture
def program(driver: Rp1Cfe) -> Program:
    """With a 1080p60 signal locked and its timings set."""
    program = Program(driver.kernel, driver.path, driver.subdev_path)
    program.write_edid()
    driver.plug(HD1080P60)
    driver.kernel.poll({}, 3)
    program.adopt()
    return program


def configured(driver: Rp1Cfe, code: MbusCode = MbusCode.UYVY8_1X16) -> None:
    found = Pipeline.find(driver.kernel, list_paths=lambda: driver.kernel.paths("/dev/media"))
    found.configure(1920, 1080, code)


def start_error(driver: Rp1Cfe, program: Program) -> tuple[int | None, str]:
    with pytest.raises(OSError, match=r"Errno") as refused:
        program.start()
    return refused.value.errno, driver.dmesg[-1]


def test_the_video_node_knows_neither_inputs_nor_edid_nor_timings_nor_rates(driver: Rp1Cfe) -> None:
    program = Program(driver.kernel, driver.path)
    for request, argument in (
        (Vidioc.ENUMINPUT, s.Input()),
        (Vidioc.G_EDID, s.Edid()),
        (Vidioc.QUERY_DV_TIMINGS, s.DvTimings()),
        (Vidioc.DV_TIMINGS_CAP, s.DvTimingsCap()),
        (Vidioc.G_PARM, s.v4l2_streamparm(type=BufType.VIDEO_CAPTURE)),
    ):
        with pytest.raises(OSError, match="Inappropriate") as refused:
            program.node.do(request, argument)
        assert refused.value.errno == errno.ENOTTY


def test_the_device_claims_more_than_the_node_can(driver: Rp1Cfe) -> None:
    found = Program(driver.kernel, driver.path).node.do(Vidioc.QUERYCAP, s.Capability())
    assert found.device_caps & Cap.IO_MC
    assert found.capabilities & ~found.device_caps & 0x08000000  # META_OUTPUT


def test_the_sub_device_tells_of_another_signal_and_the_video_node_does_not(driver: Rp1Cfe, program: Program) -> None:
    both = {program.node.fd: EXCEPT, program.timings.fd: EXCEPT}
    for node in (program.node, program.timings):
        node.do(Vidioc.SUBSCRIBE_EVENT, s.EventSubscription(type=EventType.SOURCE_CHANGE))
    driver.plug(HD720P60)
    assert list(driver.kernel.poll(both, 2)) == [program.timings.fd]
    assert program.read_edid() == EDID


def test_it_streams_once_links_and_pads_are_set(driver: Rp1Cfe, program: Program) -> None:
    configured(driver)
    program.start()
    assert program.wait_picture(1)


def test_it_gives_three_buffers_at_least(program: Program) -> None:
    program.format()
    assert program.allocate(1) == 3


def test_a_link_that_is_off_is_invalid(driver: Rp1Cfe, program: Program) -> None:
    assert start_error(driver, program) == (errno.EINVAL, "rp1-cfe: csi2_ch0 node link is not enabled.")


def test_the_front_end_without_its_configuration_is_invalid(driver: Rp1Cfe, program: Program) -> None:
    configured(driver)
    driver.to_front_end.enabled = True
    assert start_error(driver, program) == (errno.EINVAL, "rp1-cfe: FE enabled, but FE_CONFIG node is not")


def test_a_colour_space_that_differs_breaks_the_pipe(driver: Rp1Cfe, program: Program) -> None:
    configured(driver)
    driver.csi2.pads[0].colorspace = Colorspace.RAW
    assert start_error(driver, program)[0] == errno.EPIPE


def test_another_format_on_the_node_than_on_the_pad_is_invalid(driver: Rp1Cfe, program: Program) -> None:
    configured(driver, MbusCode.RGB888_1X24)
    assert start_error(driver, program) == (errno.EINVAL, "rp1-cfe: Format mismatch!")


def test_too_few_lanes_are_invalid(driver: Rp1Cfe, program: Program) -> None:
    configured(driver)
    driver.lanes = 2
    number, said = start_error(driver, program)
    assert number == errno.EINVAL
    assert "requested 3 data lanes, which is >2" in said


def test_pictures_wait_for_every_node_that_is_linked_in(driver: Rp1Cfe, program: Program) -> None:
    configured(driver)
    driver.front_end_image.enabled = True
    program.start()
    assert not program.wait_picture(2)
