"""The camera as a source: the contract, leases, controls, and how it ends."""

from __future__ import annotations

from fractions import Fraction

import pytest

from board.rpi.camera import CameraWish
from board.rpi.lens import CameraSettings, Focus
from board.rpi.sensor_clock import SensorClock
from board.rpi.source import PicameraSource
from edge.model.errors import DeviceGone, Invalid, Missing, NotSupported
from edge.model.frame import Frame
from edge.model.signal import SignalState
from edge.model.video import Colorimetry, Pixel, Range
from edge.ports import Source
from edge.runtime.clock import SystemClock
from tests.board.kit import HandClock, next_frame
from tests.board.rpi.picamera2_double import Machine
from tests.contract.source_contract import SourceContract

HOUR = 3_600_000_000_000


class TestPicameraSource(SourceContract):
    @pytest.fixture
    def source(self) -> Source:
        clock = SystemClock()
        wish = CameraWish(width=320, height=240, fps=Fraction(50))
        return PicameraSource(clock=clock, wish=wish, load=lambda: Machine(clock).library)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def machine(clock: HandClock) -> Machine:
    return Machine(clock, nap=clock.advance)


def source_of(machine: Machine, wish: CameraWish | None = None) -> PicameraSource:
    return PicameraSource(
        clock=machine.clock,
        wish=wish or CameraWish(width=320, height=240),
        load=lambda: machine.library,
        sensor_clock=SensorClock(asleep_ns=lambda: machine.asleep_ns),
    )


def opened(machine: Machine, wish: CameraWish | None = None) -> PicameraSource:
    source = source_of(machine, wish)
    source.open()
    return source


def test_a_missing_library_is_told_at_open_and_not_before(clock: HandClock) -> None:
    def load() -> None:
        raise Missing("picamera2 is not installed")

    source = PicameraSource(clock=clock, wish=CameraWish(), load=load)
    assert source.signal().state is SignalState.NO_DEVICE
    with pytest.raises(Missing):
        source.open()


def test_a_camera_that_is_not_there_is_gone_and_those_that_are_named(machine: Machine) -> None:
    with pytest.raises(DeviceGone, match=r"no camera module 1; there is 0 \(imx708\)"):
        opened(machine, CameraWish(index=1))
    machine.models = []
    with pytest.raises(DeviceGone, match="no camera module 0; there is none"):
        opened(machine)


def test_a_camera_of_another_program_is_gone_with_libcameras_words(machine: Machine) -> None:
    machine.busy = True
    with pytest.raises(DeviceGone, match=r"camera module 0 cannot be opened: Failed to acquire camera: .*busy"):
        opened(machine)


def test_the_last_release_gives_the_buffer_back_once(machine: Machine) -> None:
    source = opened(machine)
    frame = next_frame(source)
    frame.lease.retain()
    frame.lease.release()
    assert machine.camera.out == 1
    assert source.detail()["buffers_on_loan"] == 1
    frame.lease.release()
    assert machine.camera.out == 0
    assert source.detail()["buffers_on_loan"] == 0


def test_a_frame_may_be_released_after_the_camera_was_opened_anew(machine: Machine) -> None:
    source = opened(machine)
    first = next_frame(source)
    source.close()
    source.open()
    second = next_frame(source)
    first.lease.release()
    assert (first.lease.generation, second.lease.generation) == (1, 2)
    assert machine.camera.out == 1
    second.lease.release()


def test_held_buffers_make_gaps_in_the_numbers_and_not_old_pictures(machine: Machine, clock: HandClock) -> None:
    source = opened(machine)
    first = next_frame(source)
    clock.advance(0.2)
    late = next_frame(source)
    assert late.seq - first.seq == 6
    assert source.detail()["dropped"] == 5
    assert clock.mono_ns() - late.stamps.captured_ns < 34_000_000


def test_sensor_time_of_a_machine_that_slept_is_monotonic_time(machine: Machine, clock: HandClock) -> None:
    machine.asleep_ns = HOUR
    frame = next_frame(opened(machine))
    assert 0 <= clock.mono_ns() - frame.stamps.captured_ns < 34_000_000


def test_size_stride_and_colours_are_what_libcamera_made_of_the_wish(machine: Machine) -> None:
    machine.adjust_size = lambda size: (size[0] - 8, size[1] - 2)
    frame = next_frame(opened(machine, CameraWish(width=1928, height=1082)))
    assert (frame.format.width, frame.format.height) == (1920, 1080)
    assert (frame.format.colorimetry, frame.format.range) == (Colorimetry.BT709, Range.LIMITED)
    assert [plane.stride for plane in frame.lease.planes] == [1920, 960, 960]


@pytest.mark.parametrize(("pixel", "planes"), [(Pixel.NV12, 2), (Pixel.BGR24, 1), (Pixel.RGB24, 1)])
def test_other_layouts_come_as_they_lie(machine: Machine, pixel: Pixel, planes: int) -> None:
    frame = next_frame(opened(machine, CameraWish(width=320, height=240, pixel=pixel)))
    assert frame.format.pixel is pixel
    assert len(frame.lease.planes) == planes


def test_another_format_than_wished_is_not_supported_and_the_camera_closed(machine: Machine) -> None:
    machine.adjust_format = lambda name: "MJPEG"
    with pytest.raises(NotSupported, match=r"camera 0 \(imx708\) gives MJPEG for yuv420p"):
        opened(machine)
    assert machine.camera.closed


def test_settings_are_on_from_the_first_picture(machine: Machine) -> None:
    settings = CameraSettings(focus=Focus.CONTINUOUS, exposure_us=8000)
    opened(machine, CameraWish(width=320, height=240, fps=Fraction(50), settings=settings))
    assert machine.camera.controls == {"FrameDurationLimits": (20000, 20000), "AfMode": 2, "ExposureTime": 8000}


def test_a_bad_setting_closes_the_camera_again(machine: Machine) -> None:
    with pytest.raises(Invalid, match="AnalogueGain 99"):
        opened(machine, CameraWish(settings=CameraSettings(gain=99)))
    assert machine.camera.closed


def test_an_exposure_longer_than_a_picture_is_invalid(machine: Machine) -> None:
    with pytest.raises(Invalid, match="an exposure of 40000 us is longer than a picture at 30 Hz"):
        opened(machine, CameraWish(settings=CameraSettings(exposure_us=40_000)))


def test_settings_change_while_it_runs(machine: Machine) -> None:
    source = opened(machine)
    source.adjust(CameraSettings(lens_dioptres=4))
    assert machine.camera.controls["LensPosition"] == 4.0
    with pytest.raises(Invalid):
        source.adjust(CameraSettings(lens_dioptres=99))
    source.close()
    with pytest.raises(DeviceGone):
        source.adjust(CameraSettings())


def test_nothing_within_the_time_is_none_and_the_picture_is_not_lost(machine: Machine) -> None:
    source = opened(machine)
    assert source.read(0.01) is None
    assert isinstance(source.read(0.03), Frame)


def test_a_camera_without_pictures_for_three_seconds_is_gone(machine: Machine, clock: HandClock) -> None:
    source = opened(machine)
    next_frame(source).lease.release()
    machine.delivers = False
    began = clock.mono_ns()
    with pytest.raises(DeviceGone, match="imx708 delivers no pictures"):
        source.read(60)
    assert 3 <= (clock.mono_ns() - began) / 1e9 < 3.3
    assert source.signal().state is SignalState.NO_DEVICE
    assert machine.camera.closed
    machine.delivers = True
    source.open()
    assert next_frame(source).discontinuity


def test_closing_gives_back_a_picture_that_nobody_came_for(machine: Machine, clock: HandClock) -> None:
    source = opened(machine)
    assert source.read(0.01) is None
    clock.advance(1)
    source.close()
    assert machine.camera.out == 0
    assert source.detail() == {"driver": "picamera2"}


def test_detail_tells_exposure_and_focus_of_the_last_picture(machine: Machine) -> None:
    source = opened(machine)
    next_frame(source).lease.release()
    assert source.detail() == {
        "driver": "picamera2",
        "card": "imx708",
        "pixel_format": "yuv420p",
        "buffers_on_loan": 0,
        "dropped": 0,
        "ExposureTime": 9000,
        "LensPosition": 2.5,
    }
