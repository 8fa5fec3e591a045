"""The encoder is found by what it says and makes; what is not it is told with the reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from board.v4l2.abi.codes import BufType
from board.v4l2.abi.requests import Vidioc
from board.v4l2.encoder_node import find_encoder
from edge.model.errors import DeviceGone
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.bcm2835_codec import ENCODE, PATH, PISP, add_bcm2835_codec, add_jetson_stub
from tests.board.v4l2.drivers.codec import CodecNode
from tests.board.v4l2.drivers.kernel import FakeKernel
from tests.board.v4l2.drivers.sc0710 import Sc0710


@pytest.fixture
def kernel() -> FakeKernel:
    return FakeKernel(clock=HandClock())


def test_among_the_nodes_of_a_pi_the_encoder_is_taken_by_its_card(kernel: FakeKernel) -> None:
    add_bcm2835_codec(kernel)
    found = find_encoder(kernel, "H264", driver="bcm2835-codec", card="bcm2835-codec-encode")
    assert found.path == PATH
    assert found.sides.raw is BufType.VIDEO_OUTPUT_MPLANE
    assert [kind.code for kind in found.kinds] == ["UYVY", "YUYV", "NV12", "YU12"]


def test_without_a_name_the_encoder_is_taken_by_what_it_makes(kernel: FakeKernel) -> None:
    add_bcm2835_codec(kernel)
    add_jetson_stub(kernel)
    Sc0710(clock=kernel.clock, kernel=kernel)
    assert find_encoder(kernel, "H264").path == PATH
    assert kernel.open_paths == []


def test_numbers_do_not_matter(kernel: FakeKernel) -> None:
    kernel.add("/dev/video11", CodecNode(kernel, PISP))
    kernel.add("/dev/video40", CodecNode(kernel, ENCODE, numbers=(81, 1)))
    assert find_encoder(kernel, "H264", driver="bcm2835-codec").path == "/dev/video40"


def test_a_jetson_node_is_not_chosen_and_the_reason_is_kept(kernel: FakeKernel) -> None:
    add_jetson_stub(kernel)
    with pytest.raises(DeviceGone, match="no node that makes H264: /dev/video0: Inappropriate ioctl for device"):
        find_encoder(kernel, "H264")


def test_scaler_and_capture_of_a_pi_5_are_not_chosen(kernel: FakeKernel) -> None:
    kernel.add("/dev/video31", CodecNode(kernel, PISP))
    Sc0710(clock=kernel.clock, kernel=kernel)
    with pytest.raises(DeviceGone) as missing:
        find_encoder(kernel, "H264")
    assert "/dev/video31 (pispbe) makes YU12, RGB3, not H264" in str(missing.value)
    assert "/dev/video2 (Elgato 4K60 Pro MK.2) is no codec" in str(missing.value)


def test_a_codec_that_it_does_not_make_is_told(kernel: FakeKernel) -> None:
    add_bcm2835_codec(kernel)
    with pytest.raises(DeviceGone, match=r"/dev/video11 \(bcm2835-codec-encode\) makes H264, MJPG, not HEVC"):
        find_encoder(kernel, "HEVC", driver="bcm2835-codec", card="bcm2835-codec-encode")


def test_an_encoder_of_layouts_that_we_have_not_is_told(kernel: FakeKernel) -> None:
    kernel.add(PATH, CodecNode(kernel, replace(ENCODE, takes={"RGB3": 32})))
    with pytest.raises(DeviceGone, match="takes RGB3, which we have not"):
        find_encoder(kernel, "H264")


def test_a_node_lost_while_it_is_looked_at_is_told(kernel: FakeKernel) -> None:
    kernel.add(PATH, CodecNode(kernel, ENCODE))
    kernel.vanish_on(Vidioc.ENUM_FMT)
    with pytest.raises(DeviceGone, match=f"{PATH}: ENUM_FMT: No such device"):
        find_encoder(kernel, "H264")


def test_no_video_node_at_all_is_told(kernel: FakeKernel) -> None:
    with pytest.raises(DeviceGone, match="no bcm2835-codec that makes H264: there is no video node"):
        find_encoder(kernel, "H264", driver="bcm2835-codec")
