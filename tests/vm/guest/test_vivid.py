"""The lab's HDMI input: what vivid does when asked, seen through the project's own node."""

from __future__ import annotations

import ctypes
import errno
import subprocess

import pytest

from board.v4l2.abi import codes, structs
from board.v4l2.abi.requests import Vidioc
from board.v4l2.kernel import EXCEPT, LinuxKernel
from board.v4l2.node import Node
from tests.vm import lab

NO_SIGNAL, NO_LOCK, OUT_OF_RANGE = "No Signal", "No Lock", "Out of Range"
MODE, DROPPED = "DV Timings Signal Mode", "Percentage of Dropped Buffers"


def opened(device: lab.Vivid) -> Node:
    return Node(device.node_path, kernel=LinuxKernel())


@pytest.mark.parametrize(
    ("multiplanar", "capability"), [(1, codes.Cap.VIDEO_CAPTURE), (2, codes.Cap.VIDEO_CAPTURE_MPLANE)]
)
def test_vivid_is_single_or_multi_planar_as_asked(multiplanar: int, capability: codes.Cap) -> None:
    with lab.vivid(multiplanar=multiplanar) as device, opened(device) as node:
        caps = node.do(Vidioc.QUERYCAP, structs.Capability()).device_caps
    assert caps & (codes.Cap.VIDEO_CAPTURE | codes.Cap.VIDEO_CAPTURE_MPLANE) == capability


def test_inputs_are_those_asked_for() -> None:
    kinds = (lab.WEBCAM, lab.S_VIDEO, lab.HDMI)
    types = sum(kind << 2 * index for index, kind in enumerate(kinds))
    with lab.vivid(num_inputs=3, input_types=types) as device, opened(device) as node:
        inputs = [node.do(Vidioc.ENUMINPUT, structs.Input(index=index)) for index in range(3)]
        device.select_input(2)
        chosen = ctypes.c_int()
        node.kernel.ioctl(node.fd, Vidioc.G_INPUT, chosen)
    assert [one.name.split()[0] for one in inputs] == [b"Webcam", b"S-Video", b"HDMI"]
    standards = codes.InputCap.STD | codes.InputCap.DV_TIMINGS
    assert [one.capabilities & standards for one in inputs] == [0, codes.InputCap.STD, codes.InputCap.DV_TIMINGS]
    assert chosen.value == 2


def test_locked_signal_has_timings(hdmi: lab.Vivid) -> None:
    with opened(hdmi) as node:
        bt = node.do(Vidioc.QUERY_DV_TIMINGS, structs.DvTimings()).bt
    assert (bt.width, bt.height) == (1280, 720)


@pytest.mark.parametrize(
    ("mode", "reason"), [(NO_SIGNAL, errno.ENOLINK), (NO_LOCK, errno.ENOLCK), (OUT_OF_RANGE, errno.ERANGE)]
)
def test_signal_mode_is_the_reason_for_no_timings(hdmi: lab.Vivid, mode: str, reason: int) -> None:
    hdmi.set_control(MODE, mode)
    with opened(hdmi) as node, pytest.raises(OSError, match=r"\d") as refused:
        node.do(Vidioc.QUERY_DV_TIMINGS, structs.DvTimings())
    assert refused.value.errno == reason


def test_other_timings_are_detected_when_selected(hdmi: lab.Vivid) -> None:
    wanted = next(name for name in hdmi.menu("DV Timings") if name.startswith("1920x1080"))
    hdmi.set_control("DV Timings", wanted)
    hdmi.set_control(MODE, "Selected DV Timings")
    with opened(hdmi) as node:
        bt = node.do(Vidioc.QUERY_DV_TIMINGS, structs.DvTimings()).bt
    assert (bt.width, bt.height) == (1920, 1080)


def test_lost_signal_comes_as_an_event(hdmi: lab.Vivid) -> None:
    with opened(hdmi) as node:
        node.do(Vidioc.SUBSCRIBE_EVENT, structs.EventSubscription(type=codes.EventType.SOURCE_CHANGE))
        assert node.kernel.poll({node.fd: EXCEPT}, 0) == {}
        hdmi.set_control(MODE, NO_SIGNAL)
        assert node.kernel.poll({node.fd: EXCEPT}, 10)[node.fd] & EXCEPT
        event = node.do(Vidioc.DQEVENT, structs.Event())
    assert event.type == codes.EventType.SOURCE_CHANGE
    assert event.src_changes == 1  # V4L2_EVENT_SRC_CH_RESOLUTION


def test_edid_reads_back_as_written(hdmi: lab.Vivid) -> None:
    written = bytes((0, *[255] * 6, 0)) + bytes(range(248))
    with opened(hdmi) as node:
        for request, content in ((Vidioc.S_EDID, written), (Vidioc.G_EDID, bytes(256))):
            memory = (ctypes.c_uint8 * 256)(*content)
            edid = structs.Edid(blocks=2, edid=ctypes.cast(memory, ctypes.POINTER(ctypes.c_uint8)))
            node.do(request, edid)
    assert edid.blocks == 2
    assert _without_checksums(bytes(memory)) == _without_checksums(written)


def _without_checksums(edid: bytes) -> bytes:
    return edid[:127] + edid[128:255]


def captures(device: lab.Vivid, *, within_s: float) -> bool:
    """Whether v4l2-ctl gets three frames; it does not wait for a signal first."""
    command = ["v4l2-ctl", "-d", device.node_path, "--stream-mmap=4", "--stream-count=3", "--stream-no-query"]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=within_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def test_dropping_every_buffer_stops_frames_until_it_ends(hdmi: lab.Vivid) -> None:
    assert captures(hdmi, within_s=60)
    hdmi.set_control(DROPPED, 100)
    assert not captures(hdmi, within_s=5)
    hdmi.set_control(DROPPED, 0)
    assert captures(hdmi, within_s=60)


def test_frames_go_on_without_signal(hdmi: lab.Vivid) -> None:
    hdmi.set_control(MODE, NO_SIGNAL)
    assert captures(hdmi, within_s=60)


def test_disconnected_device_answers_with_enodev(hdmi: lab.Vivid) -> None:
    with opened(hdmi) as node:
        hdmi.set_control("Disconnect")
        with pytest.raises(OSError, match=r"\d") as refused:
            node.do(Vidioc.QUERYCAP, structs.Capability())
    assert refused.value.errno == errno.ENODEV
