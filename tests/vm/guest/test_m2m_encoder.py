"""The memory-to-memory encoder on vicodec: the calls of a stateful encoder, answered by the kernel's own framework."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import Cid, EncoderCmd, EventType, Memory
from board.v4l2.abi.requests import Vidioc
from board.v4l2.buffers import DriverBuffer
from board.v4l2.card import read_formats
from board.v4l2.codec_queue import CodecQueue, Dmabuf, Returned
from board.v4l2.encoder import V4l2Encoder
from board.v4l2.encoder_node import EncoderNode, find_encoder
from board.v4l2.finder import look_around
from board.v4l2.kernel import EXCEPT, READ, WRITE, LinuxKernel
from board.v4l2.layout import KINDS, Layout
from board.v4l2.m2m_format import Sides, agree_on_coded, agree_on_raw
from board.v4l2.node import Node
from edge.model.board import EncoderFact, EncoderKind
from edge.model.errors import DeviceGone, EncoderFailed
from edge.model.frame import Encoded, Frame, Lease, Plane, Stamps, pts_of
from edge.model.picture import CaptureMode
from edge.model.video import EncodeTarget, Pixel, Trait, VideoFormat
from edge.runtime.clock import SystemClock
from tests.vm import lab
from tests.vm.capture_kit import capture, frame_of, opened
from tests.vm.fwht import Fwht, FwhtHeader

Bytes = NDArray[np.uint8]
VIDEO = VideoFormat(640, 480, Fraction(10))  # vicodec takes no less than 640x360
TARGET = EncodeTarget(2_000_000, 6_000_000, gop_s=0.5)  # a keyframe every five pictures
FACT = EncoderFact("vicodec", EncoderKind.V4L2M2M, driver="vicodec")


@pytest.fixture(scope="module", params=[False, True], ids=["single", "multi"], autouse=True)
def planar(request: pytest.FixtureRequest) -> Iterator[bool]:
    """vicodec with the single-planar and with the multi-planar interface."""
    with lab.vicodec(multiplanar=request.param):
        yield request.param


@pytest.fixture
def encoder() -> Iterator[V4l2Encoder]:
    encoder = encoder_here()
    yield encoder
    encoder.close()


def encoder_here() -> V4l2Encoder:
    return V4l2Encoder(
        FACT,
        kernel=LinuxKernel(),
        clock=SystemClock(),
        intake_for=lambda video: lambda frame: pytest.fail(f"{frame.format.pixel} is taken as it lies"),
        coding_for=lambda codec: Fwht(),
    )


def picture(video: VideoFormat, index: int) -> list[Bytes]:
    """Planes that move: a ramp with a square in it."""
    row, column = np.mgrid[: video.height, : video.width]
    luma = ((row + 2 * column + 5 * index) // 2 % 200 + 20).astype(np.uint8)
    luma[20 + index : 60 + index, 30 + 3 * index : 90 + 3 * index] = 235
    cb, cr = np.full((video.height // 2, video.width // 2), 90, np.uint8), luma[::2, ::2] // 2 + 64
    if video.pixel is Pixel.YUV420P:
        return [luma, cb, cr]
    both = np.stack((cb, cr), axis=-1).reshape(video.height // 2, video.width)
    if video.pixel is Pixel.NV12:
        return [luma, both]
    packed = (np.repeat(both, 2, axis=0), luma) if video.pixel is Pixel.UYVY422 else (luma, np.repeat(both, 2, axis=0))
    return [np.stack(packed, axis=-1).reshape(video.height, 2 * video.width)]


def frame(video: VideoFormat, index: int) -> Frame:
    captured_ns = 10**12 + index * 100_000_000 + 123_456
    planes = tuple(Plane(np.ascontiguousarray(rows).reshape(-1).data, rows.shape[1]) for rows in picture(video, index))
    return Frame(index, video, Lease(planes), Stamps(captured_ns), captured_ns)


def encoded(encoder: V4l2Encoder, video: VideoFormat, indices: range, *, key_at: int = -1) -> list[Encoded]:
    return [unit for i in indices for unit in encoder.encode(frame(video, i), force_key=i == key_at)]


def decoded(units: Sequence[Encoded], folder: Path, code: str) -> Bytes:
    """What v4l2-ctl and vicodec's decoder make of them, a row for each picture."""
    coded, raw = folder / "coded", folder / "raw"
    coded.write_bytes(b"".join(unit.data for unit in units))
    command = ["v4l2-ctl", "-d", decoder_path(), "--stream-mmap", "--stream-out-mmap", "-v", f"pixelformat={code}"]
    done = subprocess.run(
        [*command, f"--stream-from={coded}", f"--stream-to={raw}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr
    pictures = np.fromfile(raw, np.uint8)
    assert pictures.size % len(units) == 0, done.stderr
    return pictures.reshape(len(units), -1)


def decoder_path() -> str:
    kernel = LinuxKernel()
    for seen in look_around(kernel):
        if seen.card is not None and seen.card.driver == "vicodec":
            with Node(seen.path, kernel=kernel) as node:
                if "FWHT" in read_formats(node, Sides.of(seen.card).raw):
                    return seen.path
    raise AssertionError("vicodec has no decoder")


def flat(video: VideoFormat, index: int) -> Bytes:
    return np.concatenate([rows.reshape(-1) for rows in picture(video, index)])


def test_encoder_is_found_among_three_nodes_by_what_it_makes() -> None:
    found = find_encoder(LinuxKernel(), "FWHT", driver="vicodec")
    assert sum(node.driver == "vicodec" for node in lab.nodes()) == 3
    assert found.path != decoder_path()
    assert {"UYVY", "YUYV", "NV12", "YU12"} <= {kind.code for kind in found.kinds}


def test_no_node_that_makes_h264_is_told_with_the_reasons() -> None:
    with pytest.raises(DeviceGone, match=r"no vicodec that makes H264: .*makes FWHT, not H264"):
        find_encoder(LinuxKernel(), "H264", driver="vicodec")


@pytest.mark.parametrize("pixel", [Pixel.YUV420P, Pixel.NV12, Pixel.UYVY422, Pixel.YUYV422])
def test_what_is_decoded_is_what_went_in(encoder: V4l2Encoder, pixel: Pixel, tmp_path: Path) -> None:
    video = replace(VIDEO, pixel=pixel)
    encoder.open(video, TARGET)
    units = encoded(encoder, video, range(7))
    assert [unit.key for unit in units] == [True, False, False, False, False, True, False]
    assert [unit.pts for unit in units] == [pts_of(frame(video, index).stamps.captured_ns) for index in range(7)]
    code = encoder.detail()["takes"]
    for index, found in enumerate(decoded(units, tmp_path, code)):
        error = np.abs(found.astype(np.int16) - flat(video, index))
        assert error.mean() < 4, f"picture {index}"


def test_yuv420p_goes_into_a_set_up_for_uyvy(encoder: V4l2Encoder, tmp_path: Path) -> None:
    uyvy = replace(VIDEO, pixel=Pixel.UYVY422)
    encoder.open(uyvy, TARGET)
    units = [*encoded(encoder, uyvy, range(2)), *encoded(encoder, VIDEO, range(2, 4))]
    for index, found in enumerate(decoded(units, tmp_path, "UYVY")):
        assert np.abs(found.astype(np.int16) - flat(uyvy, index)).mean() < 4


def test_controls_read_back_and_those_that_are_missing_are_told(encoder: V4l2Encoder) -> None:
    encoder.open(VIDEO, replace(TARGET, gop_s=60.0))
    assert encoder.detail()["disobeyed"] == ["MPEG_VIDEO_GOP_SIZE: 16 instead of 600"]
    assert encoder.detail()["unknown_controls"] == ["MPEG_VIDEO_BITRATE"]
    assert Trait.LIVE_BITRATE not in encoder.traits


def test_keyframe_on_demand_begins_anew_where_there_is_no_control_for_it(encoder: V4l2Encoder) -> None:
    encoder.open(VIDEO, TARGET)
    units = encoded(encoder, VIDEO, range(5), key_at=3)
    assert [unit.key for unit in units] == [True, False, False, True, False]
    assert encoder.detail()["runs"] == 2


def test_another_resolution_in_mid_stream_is_another_opening(encoder: V4l2Encoder) -> None:
    for video in (VIDEO, replace(VIDEO, width=800, height=368), VIDEO):
        encoder.open(video, TARGET)
        heads = [FwhtHeader.of(unit.data) for unit in encoded(encoder, video, range(2))]
        assert [(head.width, head.height, head.key) for head in heads] == [
            (video.width, video.height, True),
            (video.width, video.height, False),
        ]


def test_size_that_the_driver_rounds_up_is_cropped(encoder: V4l2Encoder) -> None:
    video = replace(VIDEO, width=650, height=362, pixel=Pixel.UYVY422)
    encoder.open(video, TARGET)
    head = FwhtHeader.of(encoded(encoder, video, range(1))[0].data)
    assert (head.width, head.height) == (650, 362)


def test_closing_and_opening_often_leaves_nothing_behind() -> None:
    for _ in range(5):
        encoder = encoder_here()
        encoder.open(VIDEO, TARGET)
        assert encoded(encoder, VIDEO, range(1))[0].key
        encoder.close()


@pytest.fixture
def webcam() -> Iterator[None]:
    """vivid, in whose buffers vicodec reads."""
    with lab.vivid(input_types=lab.WEBCAM):
        yield


@pytest.mark.usefixtures("webcam")
def test_pictures_are_read_where_the_capture_has_put_them(encoder: V4l2Encoder, tmp_path: Path) -> None:
    with opened(capture(kinds=("UYVY",), modes=(CaptureMode(640, 360, 15),))) as source:
        units, originals = [], []
        for index in range(6):
            taken = frame_of(source)
            assert isinstance(taken.lease.native, DriverBuffer)
            if index == 0:
                encoder.open(taken.format, TARGET)
            originals.append(np.frombuffer(taken.lease.planes[0].memory, np.uint8).astype(np.int16))
            units += encoder.encode(taken, force_key=False)
            taken.lease.release()
        assert encoder.detail().get("copies_because", "") == ""
        assert not encoder.detail()["copies"]
        encoder.close()
    for found, original in zip(decoded(units, tmp_path, "UYVY"), originals, strict=True):
        assert np.abs(found - original).mean() < 4


@pytest.mark.usefixtures("webcam")
def test_pictures_whose_chroma_lies_elsewhere_are_copied(encoder: V4l2Encoder) -> None:
    """360 lines: vicodec wants NV12 of 368, with the chroma after them."""
    with opened(capture(kinds=("NV12",), modes=(CaptureMode(640, 360, 15),))) as source:
        taken = frame_of(source)
        assert (taken.format.height, taken.format.pixel) == (360, Pixel.NV12)
        encoder.open(taken.format, TARGET)
        assert encoder.encode(taken, force_key=False)[0].key
        taken.lease.release()
        assert "368 rows, not 360" in encoder.detail()["copies_because"]
        encoder.close()


@dataclass
class Pair:
    """Both queues by hand, to queue more than the synchronous encoder ever does."""

    node: Node
    layout: Layout
    raw: CodecQueue
    coded: CodecQueue

    def put(self, slot: int, index: int) -> None:
        memory = self.raw.memories(slot)[0]
        content = flat(VIDEO, index)
        memory[: content.size] = content.data
        self.raw.queue(slot, used=self.layout.needed(), stamp_us=1_000_000 + index)

    def collect(self, count: int) -> list[tuple[Returned, bytes]]:
        """So many units, each buffer given back at once."""
        found: list[tuple[Returned, bytes]] = []

        def look() -> bool:
            while (taken := self.coded.take()) is not None:
                begin, end = taken.parts[0]
                found.append((taken, bytes(self.coded.memories(taken.index)[0][begin:end])))
                if not taken.last:
                    self.coded.queue(taken.index)
            return len(found) >= count or self.coded.ended

        lab.until(f"{count} units", look)
        return found


@pytest.fixture
def pair() -> Iterator[Pair]:
    found: EncoderNode = find_encoder(LinuxKernel(), "FWHT", driver="vicodec")
    with Node(found.path, kernel=LinuxKernel()) as node:
        layout = agree_on_raw(node, found.sides, KINDS["YU12"], VIDEO)
        agree_on_coded(node, found.sides, "FWHT", VIDEO, room_bytes=1 << 19)
        raw, coded = CodecQueue(node, found.sides.raw), CodecQueue(node, found.sides.coded)
        raw.allocate(6)
        coded.allocate(2)
        node.do(Vidioc.SUBSCRIBE_EVENT, s.EventSubscription(type=EventType.EOS))
        for index in range(coded.count):
            coded.queue(index)
        raw.start()
        coded.start()
        yield Pair(node, layout, raw, coded)
        for queue in (raw, coded):
            queue.stop()
            queue.free()


def test_more_pictures_than_coded_buffers_lose_none_and_keep_their_times(pair: Pair) -> None:
    assert (pair.raw.count, pair.coded.count) == (6, 2)
    for index in range(6):
        pair.put(index, index)
    units = pair.collect(6)
    assert [taken.stamp_us for taken, _ in units] == [1_000_000 + index for index in range(6)]
    assert all(FwhtHeader.of(data).size for _, data in units)
    lab.until("the pictures' buffers", lambda: sum(pair.raw.take() is not None for _ in range(6)) or None)


def test_drain_gives_what_is_under_way_then_the_end(pair: Pair) -> None:
    for index in range(3):
        pair.put(index, index)
    pair.node.do(Vidioc.ENCODER_CMD, s.EncoderCommand(cmd=EncoderCmd.STOP))
    units = pair.collect(3)
    assert [taken.stamp_us for taken, _ in units if taken.parts[0][1]] == [1_000_000, 1_000_001, 1_000_002]
    assert units[-1][0].last
    assert pair.coded.take() is None
    assert pair.coded.ended
    assert pair.node.kernel.poll({pair.node.fd: EXCEPT}, 5)[pair.node.fd] & EXCEPT
    assert pair.node.do(Vidioc.DQEVENT, s.Event()).type == EventType.EOS


def test_drain_of_an_idle_encoder_ends_at_once(pair: Pair) -> None:
    pair.node.do(Vidioc.ENCODER_CMD, s.EncoderCommand(cmd=EncoderCmd.STOP))
    (unit,) = pair.collect(1)
    assert unit[0].last
    assert unit[1] == b""


def test_poll_tells_both_sides(pair: Pair) -> None:
    assert pair.node.kernel.poll({pair.node.fd: READ}, 0) == {}
    pair.put(0, 0)
    assert pair.node.kernel.poll({pair.node.fd: READ}, 10)[pair.node.fd] & READ
    assert pair.node.kernel.poll({pair.node.fd: WRITE}, 10)[pair.node.fd] & WRITE


def test_another_size_is_refused_while_there_are_buffers(pair: Pair, planar: bool) -> None:
    sides = find_encoder(LinuxKernel(), "FWHT", driver="vicodec").sides
    assert sides.raw.multiplanar is planar
    wish = s.Format(type=sides.raw)
    pair.node.do(Vidioc.G_FMT, wish)
    (wish.pix_mp if planar else wish.pix).width = 800
    with pytest.raises(OSError, match=r"\d") as refused:
        pair.node.do(Vidioc.S_FMT, wish)
    assert refused.value.errno == errno.EBUSY


def test_drain_by_the_session_leaves_the_node_to_the_next(encoder: V4l2Encoder, pair: Pair) -> None:
    """Every open file of the node is an encoder of its own."""
    encoder.open(VIDEO, TARGET)
    assert len(encoded(encoder, VIDEO, range(2))) == 2
    encoder.close()
    pair.put(0, 0)
    assert len(pair.collect(1)) == 1


def test_gop_is_the_drivers_range() -> None:
    path = find_encoder(LinuxKernel(), "FWHT", driver="vicodec").path
    with Node(path, kernel=LinuxKernel()) as node:
        known = node.do(Vidioc.QUERYCTRL, s.v4l2_queryctrl(id=Cid.MPEG_VIDEO_GOP_SIZE))
    assert (known.minimum, known.maximum, known.default_value) == (1, 16, 10)


def test_memory_of_another_kind_than_was_asked_for_is_refused(pair: Pair) -> None:
    foreign = CodecQueue(pair.node, find_encoder(LinuxKernel(), "FWHT").sides.raw, memory=Memory.DMABUF)
    with pytest.raises(EncoderFailed, match=r"QBUF .*Invalid argument"):
        foreign.queue(0, used=(1,), dmabufs=(Dmabuf(0, 1),))
