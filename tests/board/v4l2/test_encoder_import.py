"""Captured pictures that the encoder reads in place: the same kernel made of Python has capture and encoder."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from board.v4l2.abi.codes import Memory
from board.v4l2.abi.requests import Vidioc
from board.v4l2.buffers import DriverBuffer
from board.v4l2.encoder import V4l2Encoder
from board.v4l2.source import V4l2Source
from edge.model.errors import EncoderFailed
from edge.model.frame import Encoded, Frame, Lease
from edge.model.video import EncodeTarget, Pixel
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.bcm2835_codec import ENCODE, add_bcm2835_codec
from tests.board.v4l2.drivers.codec import CodecNode
from tests.board.v4l2.drivers.modes import HD720P50, SD576P50, Mode
from tests.board.v4l2.drivers.unicam import UnicamTc358743
from tests.board.v4l2.kit import first_frame, taken
from tests.board.v4l2.m2m_kit import encoder_on
from tests.raw_bars import bars_frame

TARGET = EncodeTarget(4_000_000, 6_000_000)


@pytest.fixture
def node(driver: UnicamTc358743) -> CodecNode:
    driver.plug(HD720P50)
    return add_bcm2835_codec(driver.kernel)


@pytest.fixture
def encoder(driver: UnicamTc358743, node: CodecNode) -> V4l2Encoder:
    return encoder_on(driver.kernel)


@pytest.fixture
def pictures(source: V4l2Source, clock: HandClock, node: CodecNode) -> Iterator[Iterator[Frame]]:
    source.open()
    first_frame(source, clock)
    yield (one for one in taken(source, 20, clock=clock) if isinstance(one, Frame))
    source.close()


def encode_next(encoder: V4l2Encoder, pictures: Iterator[Frame], *, force_key: bool = False) -> Encoded:
    frame = next(pictures)
    (unit,) = encoder.encode(frame, force_key=force_key)
    frame.lease.release()
    return unit


def opened_for(encoder: V4l2Encoder, pictures: Iterator[Frame]) -> None:
    frame = next(pictures)
    assert isinstance(frame.lease.native, DriverBuffer)
    encoder.open(frame.format, TARGET)
    frame.lease.release()


def descriptors() -> int:
    gc.collect()  # the memory of drivers that earlier tests have left behind
    return len(os.listdir("/proc/self/fd"))


def test_captured_pictures_are_read_in_place(encoder: V4l2Encoder, pictures: Iterator[Frame], node: CodecNode) -> None:
    opened_for(encoder, pictures)
    keys = [encode_next(encoder, pictures).key for _ in range(12)]
    assert keys == [True] + [False] * 11
    assert encoder.detail()["copies"] is False
    assert encoder.detail()["runs"] == 2
    assert 1 < len(node.runs[-1].raw_ring.imported) <= 6


def test_a_descriptor_is_kept_for_each_buffer_and_closed_at_the_end(
    encoder: V4l2Encoder, pictures: Iterator[Frame], driver: UnicamTc358743
) -> None:
    opened_for(encoder, pictures)
    encode_next(encoder, pictures)
    exported = driver.kernel.count(Vidioc.EXPBUF)
    for _ in range(20):
        encode_next(encoder, pictures)
    assert driver.kernel.count(Vidioc.EXPBUF) <= exported + 5
    encoder.close()
    before = descriptors()
    encoder.open(next(pictures).format, TARGET)
    encoder.close()
    assert descriptors() == before


@pytest.mark.parametrize("request_", [Vidioc.QBUF, Vidioc.EXPBUF, Vidioc.REQBUFS])
def test_a_driver_that_refuses_gets_copies_for_the_epoch(
    encoder: V4l2Encoder,
    pictures: Iterator[Frame],
    driver: UnicamTc358743,
    caplog: pytest.LogCaptureFixture,
    request_: Vidioc,
) -> None:
    opened_for(encoder, pictures)
    path = driver.path if request_ is Vidioc.EXPBUF else "/dev/video11"
    after = {Vidioc.QBUF: 4, Vidioc.EXPBUF: 0, Vidioc.REQBUFS: 2}[request_]
    driver.kernel.fail(request_, 22, path=path, after=after)
    assert [encode_next(encoder, pictures).key for _ in range(3)] == [True, False, False]
    assert encoder.detail()["copies"] is True
    assert "Invalid argument" in encoder.detail()["copies_because"]
    assert not encode_next(encoder, pictures, force_key=False).key
    assert encode_next(encoder, pictures, force_key=True).key
    assert encoder.detail()["copies"] is True
    assert caplog.text.count("captured pictures are copied") == 1


def test_no_import_where_the_encoder_takes_no_dmabuf(driver: UnicamTc358743, pictures: Iterator[Frame]) -> None:
    add_bcm2835_codec(driver.kernel, replace(ENCODE, imports=False))
    encoder = encoder_on(driver.kernel)
    opened_for(encoder, pictures)
    assert encode_next(encoder, pictures).key
    assert "REQBUFS" in encoder.detail()["copies_because"]


@pytest.mark.parametrize("mode", [SD576P50])
def test_rows_that_the_encoder_cannot_have_so_far_apart_are_copied(
    driver: UnicamTc358743, node: CodecNode, source: V4l2Source, clock: HandClock, mode: Mode
) -> None:
    driver.plug(mode)
    wide = replace(ENCODE, takes=dict(ENCODE.takes) | {"UYVY": 1024})
    add_bcm2835_codec(driver.kernel, wide)
    encoder = encoder_on(driver.kernel)
    source.open()
    frame = first_frame(source, clock)
    encoder.open(frame.format, TARGET)
    assert encode_next(encoder, (one for one in taken(source, 5, clock=clock) if isinstance(one, Frame))).key
    assert "rows of 2048 bytes" in encoder.detail()["copies_because"]


def test_a_picture_that_is_no_captured_buffer_is_copied_at_once_with_a_keyframe(
    encoder: V4l2Encoder, pictures: Iterator[Frame]
) -> None:
    opened_for(encoder, pictures)
    encode_next(encoder, pictures)
    frame = next(pictures)
    masked = replace(frame, lease=Lease(frame.lease.planes, give_back=frame.lease.release))
    assert encoder.encode(masked, force_key=False)[0].key
    assert (encoder.detail()["copies"], encoder.detail()["takes"]) == (True, "UYVY")
    assert not encode_next(encoder, pictures).key  # no keyframe for the sake of the copy
    assert encoder.detail()["copies"] is True
    assert encode_next(encoder, pictures, force_key=True).key
    assert encoder.detail()["copies"] is False


def test_a_slate_before_the_picture_does_not_cost_copies_for_ever(
    encoder: V4l2Encoder, pictures: Iterator[Frame]
) -> None:
    video = next(pictures).format
    slate = replace(video, pixel=Pixel.YUV420P)
    encoder.open(slate, TARGET)
    assert encoder.encode(bars_frame(slate), force_key=False)[0].key
    assert encoder.detail()["takes"] == "YU12"
    assert encode_next(encoder, pictures, force_key=True).key
    assert (encoder.detail()["copies"], encoder.detail()["takes"]) == (False, "UYVY")


def test_a_slate_before_a_picture_that_cannot_be_imported_does_not_cost_conversions(
    driver: UnicamTc358743, pictures: Iterator[Frame]
) -> None:
    add_bcm2835_codec(driver.kernel, replace(ENCODE, imports=False))
    encoder = encoder_on(driver.kernel)
    slate = replace(next(pictures).format, pixel=Pixel.YUV420P)
    encoder.open(slate, TARGET)
    encoder.encode(bars_frame(slate), force_key=False)
    assert encode_next(encoder, pictures, force_key=True).key
    assert (encoder.detail()["copies"], encoder.detail()["takes"]) == (True, "UYVY")


def test_import_that_stalls_is_not_tried_in_the_next_epoch(
    encoder: V4l2Encoder, pictures: Iterator[Frame], node: CodecNode
) -> None:
    opened_for(encoder, pictures)
    node.moods.stalls_on = Memory.DMABUF
    assert encode_next(encoder, pictures).key
    opened_for(encoder, pictures)
    assert encode_next(encoder, pictures).key
    assert (encoder.detail()["runs"], encoder.detail()["copies"]) == (1, True)


def test_a_stall_later_on_is_a_failure(encoder: V4l2Encoder, pictures: Iterator[Frame], node: CodecNode) -> None:
    opened_for(encoder, pictures)
    encode_next(encoder, pictures)
    node.moods.stalled = True
    with pytest.raises(EncoderFailed, match="no picture"):
        encode_next(encoder, pictures)


def test_a_capture_begun_anew_is_read_from_its_new_buffers(
    encoder: V4l2Encoder, pictures: Iterator[Frame], source: V4l2Source, clock: HandClock, node: CodecNode
) -> None:
    opened_for(encoder, pictures)
    for _ in range(8):
        encode_next(encoder, pictures)
    source.close()
    source.open()
    first_frame(source, clock)
    again = (one for one in taken(source, 5, clock=clock) if isinstance(one, Frame))
    for _ in range(8):
        encode_next(encoder, again)
    assert encoder.detail()["copies"] is False
    assert node.runs[-1].pictures == 16


def test_the_last_picture_of_a_capture_that_has_ended_is_copied(
    encoder: V4l2Encoder, pictures: Iterator[Frame], source: V4l2Source
) -> None:
    opened_for(encoder, pictures)
    encode_next(encoder, pictures)
    frame = next(pictures)
    source.close()
    assert encoder.encode(frame, force_key=False)[0].key
    assert "copies_because" not in encoder.detail()
    frame.lease.release()


def test_more_captured_buffers_than_the_driver_gives_slots_are_copied(
    driver: UnicamTc358743, pictures: Iterator[Frame]
) -> None:
    add_bcm2835_codec(driver.kernel, replace(ENCODE, most_buffers=2))
    encoder = encoder_on(driver.kernel)
    opened_for(encoder, pictures)
    assert len([encode_next(encoder, pictures) for _ in range(6)]) == 6
    assert "more buffers than the encoder has slots, 2" in encoder.detail()["copies_because"]
