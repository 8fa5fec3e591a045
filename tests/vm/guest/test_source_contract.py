"""The source contract on real drivers: digital, analogue and webcam inputs, both buffer kinds, a USB dongle."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from edge.model.picture import CaptureMode
from edge.ports import Source
from tests.contract.source_contract import SourceContract
from tests.vm import lab
from tests.vm.capture_kit import capture
from tests.vm.pictures import moving_grey

INPUTS = lab.WEBCAM | lab.S_VIDEO << 2
SMALL = (CaptureMode(640, 480, 15), CaptureMode(640, 360, 30))


@pytest.fixture(scope="class")
def hdmi_single() -> Iterator[None]:
    with lab.vivid():
        yield


@pytest.fixture(scope="class")
def hdmi_multi() -> Iterator[None]:
    with lab.vivid(multiplanar=2):
        yield


@pytest.fixture(scope="class")
def analogue() -> Iterator[None]:
    with lab.vivid(num_inputs=2, input_types=INPUTS):
        yield


@pytest.fixture(scope="class")
def plugged() -> Iterator[None]:
    with lab.usb_dongle(content=moving_grey):
        yield


@pytest.mark.usefixtures("hdmi_single")
class TestHdmiSinglePlanar(SourceContract):
    @pytest.fixture
    def source(self) -> Source:
        return capture()


@pytest.mark.usefixtures("hdmi_multi")
class TestHdmiMultiPlanar(SourceContract):
    @pytest.fixture
    def source(self) -> Source:
        return capture(kinds=("NM12",))


@pytest.mark.usefixtures("analogue")
class TestWebcam(SourceContract):
    @pytest.fixture
    def source(self) -> Source:
        return capture(input_index=0, modes=SMALL)


@pytest.mark.usefixtures("analogue")
class TestSVideo(SourceContract):
    @pytest.fixture
    def source(self) -> Source:
        return capture(input_index=1)


@pytest.mark.usefixtures("plugged")
class TestRawDongle(SourceContract):
    @pytest.fixture
    def source(self) -> Source:
        return capture(wanted="uvcvideo", kinds=("YUYV",), modes=SMALL)


@pytest.mark.usefixtures("plugged")
class TestJpegDongle(SourceContract):
    @pytest.fixture
    def source(self) -> Source:
        return capture(wanted="uvcvideo", kinds=("MJPG",), modes=SMALL)
