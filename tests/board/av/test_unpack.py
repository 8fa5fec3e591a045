"""v210 as FFmpeg packs it, and decoded pictures as leases."""

from __future__ import annotations

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

from board.av.unpack import V210Decoder, lease_of, pixel_of
from edge.model.errors import Invalid
from edge.model.video import Pixel

WIDTH, HEIGHT = 100, 16
STRIDE = 384  # (100 pixels + 47) // 48 * 128


def picture() -> av.VideoFrame:
    frame = av.VideoFrame(WIDTH, HEIGHT, "yuv422p10le")
    for index, plane in enumerate(frame.planes):
        values = np.random.default_rng(index).integers(64, 940, plane.buffer_size // 2, np.uint16)
        plane.update(values.tobytes())
    return frame


def packed(frame: av.VideoFrame) -> bytes:
    encoder = VideoCodecContext.create("v210", "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv422p10le"
    encoder.framerate = 25
    (packet,) = encoder.encode(frame)
    return bytes(packet)


def samples(frame: av.VideoFrame) -> list[NDArray[np.uint16]]:
    widths = (WIDTH, WIDTH // 2, WIDTH // 2)
    return [
        np.frombuffer(memoryview(plane), np.uint16).reshape(HEIGHT, -1)[:, :width]
        for plane, width in zip(frame.planes, widths, strict=True)
    ]


def same(one: av.VideoFrame, other: av.VideoFrame) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(samples(one), samples(other), strict=True))


def test_v210_comes_back_as_ffmpegs_own_encoder_packed_it() -> None:
    frame = picture()
    content = packed(frame)
    assert len(content) == STRIDE * HEIGHT
    decoded = V210Decoder(WIDTH, HEIGHT, stride=STRIDE).decode(memoryview(content))
    assert pixel_of(decoded) is Pixel.YUV422P10
    assert same(decoded, frame)


def test_v210_in_rows_wider_than_usual_is_not_skewed() -> None:
    frame = picture()
    rows = np.frombuffer(packed(frame), np.uint8).reshape(HEIGHT, STRIDE)
    wider = np.pad(rows, ((0, 0), (0, 128))).tobytes()
    assert same(V210Decoder(WIDTH, HEIGHT, stride=STRIDE + 128).decode(memoryview(wider)), frame)


def test_each_v210_picture_stands_for_itself() -> None:
    decoder = V210Decoder(WIDTH, HEIGHT, stride=STRIDE)
    content = packed(picture())
    first = decoder.decode(memoryview(content))
    before = [one.copy() for one in samples(first)]
    decoder.decode(memoryview(bytes(len(content))))
    assert all(np.array_equal(a, b) for a, b in zip(samples(first), before, strict=True))


@pytest.mark.parametrize("length", [0, 1, 1000, STRIDE * HEIGHT - 1])
def test_a_short_v210_picture_is_corrupt_and_the_next_is_sound(length: int) -> None:
    decoder, content = V210Decoder(WIDTH, HEIGHT, stride=STRIDE), packed(picture())
    with pytest.raises(Invalid, match=f"v210 picture of {length} bytes") as refused:
        decoder.decode(memoryview(content[:length]))
    assert refused.value.code == "corrupt_frame"
    decoder.decode(memoryview(content))


def test_full_range_names_of_old_are_the_same_layouts() -> None:
    assert pixel_of(av.VideoFrame(16, 16, "yuvj420p")) is Pixel.YUV420P


def test_a_layout_that_nobody_expects_is_refused() -> None:
    with pytest.raises(Invalid, match="decoded to gray, which is not supported"):
        pixel_of(av.VideoFrame(16, 16, "gray"))


def test_a_decoded_picture_lends_its_own_memory() -> None:
    frame = picture()
    lease = lease_of(frame, generation=7)
    assert lease.generation == 7
    assert lease.native is frame
    assert lease.writable
    assert [plane.stride for plane in lease.planes] == [plane.line_size for plane in frame.planes]
    lease.planes[0].memory[0] = 42
    assert bytes(memoryview(frame.planes[0]))[0] == 42
