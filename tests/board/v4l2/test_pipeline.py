"""The Pi 5 pipeline is set as the working sequence has it, and every refusal names its place."""

from __future__ import annotations

import errno

import pytest

from board.v4l2.abi.codes import Colorspace, MbusCode
from board.v4l2.abi.requests import MediaIoc, Vidioc
from board.v4l2.pipeline import Pipeline
from edge.model.errors import DeviceGone, NotSupported
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.modes import HD720P60, HD1080P60
from tests.board.v4l2.drivers.program import Program
from tests.board.v4l2.drivers.rp1_cfe import Rp1Cfe

UYVY = MbusCode.UYVY8_1X16


@pytest.fixture
def driver() -> Rp1Cfe:
    return Rp1Cfe(clock=HandClock())


@pytest.fixture
def program(driver: Rp1Cfe) -> Program:
    program = Program(driver.kernel, driver.path, driver.subdev_path)
    program.write_edid()
    driver.plug(HD1080P60)
    driver.kernel.poll({}, 3)
    program.adopt()
    return program


def find(driver: Rp1Cfe, **wish: str) -> Pipeline:
    return Pipeline.find(driver.kernel, list_paths=lambda: driver.kernel.paths("/dev/media"), **wish)


def test_stream_and_timings_live_on_different_nodes(driver: Rp1Cfe) -> None:
    found = find(driver)
    assert (found.stream_path, found.timings_path) == ("/dev/char/81:9", "/dev/char/81:14")
    assert (found.media_path, found.bus) == ("/dev/media3", "platform:1f00110000.csi")
    assert found.bridge == "tc358743 11-000f"


def test_two_receivers_are_told_apart_by_their_bus(driver: Rp1Cfe) -> None:
    assert find(driver, bus="platform:1f00110000.csi").bridge == "tc358743 11-000f"
    with pytest.raises(DeviceGone, match=r"no media device rp1-cfe on platform:1f00128000\.csi"):
        find(driver, bus="platform:1f00128000.csi")


def test_a_missing_bridge_names_what_is_there() -> None:
    driver = Rp1Cfe(clock=HandClock(), bridge_name="imx708")
    with pytest.raises(DeviceGone, match=r"no tc358743 on rp1-cfe: .* has csi2, pisp-fe, imx708, .*overlay"):
        find(driver)
    assert find(driver, bridge="imx708").bridge == "imx708"


def test_it_switches_ours_on_and_all_others_off(driver: Rp1Cfe, program: Program) -> None:
    find(driver).configure(1920, 1080, UYVY)
    assert driver.to_stream.enabled
    assert not driver.to_front_end.enabled
    assert not driver.front_end_image.enabled


@pytest.mark.parametrize(
    ("code", "colorspace"), [(UYVY, Colorspace.SMPTE170M), (MbusCode.RGB888_1X24, Colorspace.SRGB)]
)
def test_both_pads_of_the_receiver_have_the_bridges_format(
    driver: Rp1Cfe, program: Program, code: MbusCode, colorspace: Colorspace
) -> None:
    find(driver).configure(1920, 1080, code)
    for pad in (0, 4):
        set_to = driver.csi2.pads[pad]
        assert (set_to.width, set_to.height, set_to.code, set_to.colorspace) == (1920, 1080, code, colorspace)


def test_setting_it_again_changes_nothing_even_while_it_streams(driver: Rp1Cfe, program: Program) -> None:
    found = find(driver)
    found.configure(1920, 1080, UYVY)
    program.start()
    found.configure(1920, 1080, UYVY)
    assert driver.kernel.count(Vidioc.SUBDEV_S_FMT) == 2
    assert program.wait_picture(1)
    assert driver.kernel.open_paths == [driver.path, driver.subdev_path]


def test_another_mode_is_followed(driver: Rp1Cfe, program: Program) -> None:
    found = find(driver)
    found.configure(1920, 1080, UYVY)
    driver.plug(HD720P60)
    driver.kernel.poll({}, 3)
    program.adopt()
    found.configure(1280, 720, UYVY)
    program.start("UYVY", 1280, 720)
    assert program.wait_picture(1)


def test_a_size_that_the_timings_do_not_have_is_not_supported(driver: Rp1Cfe, program: Program) -> None:
    with pytest.raises(NotSupported, match=r'pad "tc358743 11-000f":0 makes .* 1920x1080 .* of .* 1280x720'):
        find(driver).configure(1280, 720, UYVY)


def test_a_refused_link_names_itself_and_what_the_driver_said(driver: Rp1Cfe, program: Program) -> None:
    driver.kernel.fail(MediaIoc.SETUP_LINK, errno.EBUSY)
    with pytest.raises(DeviceGone, match=r'link "csi2":4 -> "pisp-fe":0 cannot be switched off: .*busy') as refused:
        find(driver).configure(1920, 1080, UYVY)
    assert refused.value.code == "pipeline_refused"


def test_a_refused_pad_names_itself_and_what_the_driver_said(driver: Rp1Cfe, program: Program) -> None:
    driver.kernel.fail(Vidioc.SUBDEV_S_FMT, errno.EINVAL, after=1)
    with pytest.raises(DeviceGone, match='pad "csi2":0 does not take UYVY8_1X16 1920x1080 SMPTE170M: Invalid'):
        find(driver).configure(1920, 1080, UYVY)


def test_a_device_that_goes_away_meanwhile_is_gone(driver: Rp1Cfe, program: Program) -> None:
    found = find(driver)
    driver.kernel.vanish_on(Vidioc.SUBDEV_S_FMT)
    with pytest.raises(DeviceGone) as gone:
        found.configure(1920, 1080, UYVY)
    assert gone.value.code == "device_gone"


def diagnosis(driver: Rp1Cfe, program: Program) -> str:
    with pytest.raises(OSError, match=r"Errno") as refused:
        program.start()
    return find(driver).diagnose(refused.value)


def test_the_diagnosis_of_a_refused_start_names_the_link(driver: Rp1Cfe, program: Program) -> None:
    said = diagnosis(driver, program)
    assert "Invalid argument" in said
    assert 'link "csi2":4 -> "rp1-cfe-csi2_ch0":0 is off' in said
    assert 'link "csi2":4 -> "pisp-fe":0 is on' in said


def test_the_diagnosis_of_a_refused_start_names_the_pads_that_differ(driver: Rp1Cfe, program: Program) -> None:
    find(driver).configure(1920, 1080, UYVY)
    driver.csi2.pads[0].colorspace = Colorspace.RAW
    said = diagnosis(driver, program)
    assert "Broken pipe" in said
    assert 'sends UYVY8_1X16 1920x1080 SMPTE170M, "csi2":0 has UYVY8_1X16 1920x1080 RAW' in said


def test_the_diagnosis_points_to_the_lanes_when_all_else_fits(driver: Rp1Cfe, program: Program) -> None:
    find(driver).configure(1920, 1080, UYVY)
    driver.lanes = 2
    assert "more CSI-2 lanes than are wired" in diagnosis(driver, program)


def test_a_diagnosis_of_a_device_that_has_gone_raises_nothing(driver: Rp1Cfe) -> None:
    found = find(driver)
    driver.kernel.vanish()
    assert "no such device" in found.diagnose(OSError(errno.EPIPE, "Broken pipe"))
