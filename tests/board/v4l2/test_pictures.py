"""Frames out of buffers: formats, fields, decoded pictures, what is counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext

from board.av.unpack import Decoder, V210Decoder
from board.v4l2.abi.codes import Colorspace, Field
from board.v4l2.buffers import Filled
from board.v4l2.layout import KINDS, Layout
from board.v4l2.pictures import Overrule, Pictures
from board.v4l2.profile import CaptureProfile
from board.v4l2.stream import Agreed
from board.v4l2.tally import Tally
from edge.model.errors import NotSupported
from edge.model.frame import Frame
from edge.model.video import Colorimetry, Pixel, Range, VideoFormat
from tests.board.kit import HandClock

WIDTH, HEIGHT, STRIDE = 64, 48, 144
V210_STRIDE = 256


@dataclass
class Spot:
    returned: list[int]
    index: int

    def give_back(self) -> None:
        self.returned.append(self.index)


class Shelf:
    """The buffers of a stream, as far as pictures need it: memory to look at, and who gives it back."""

    def __init__(self) -> None:
        self.contents: list[bytes] = []
        self.returned: list[int] = []

    def fill(self, content: bytes, clock: HandClock, *, field: Field = Field.NONE, damaged: bool = False) -> Filled:
        clock.advance(0.02)
        self.contents.append(content)
        index = len(self.contents) - 1
        return Filled(index, index, clock.now_ns - 5_000_000, field, ((0, len(content)),), True, damaged)

    def memories(self, filled: Filled) -> tuple[memoryview, ...]:
        return (memoryview(bytearray(self.contents[filled.index])),)

    def buffer(self, filled: Filled) -> Spot:
        return Spot(self.returned, filled.index)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def pictures(
    clock: HandClock,
    *,
    code: str = "UYVY",
    field: Field = Field.NONE,
    height: int = HEIGHT,
    stride: int = STRIDE,
    colorspace: Colorspace = Colorspace.SMPTE170M,
    overrule: Overrule | None = None,
    decoder: Decoder | None = None,
) -> tuple[Pictures, Tally]:
    layout = Layout(KINDS[code], WIDTH, height, (stride,), (stride * height * 2,))
    tally = Tally()
    made = Pictures(
        agreed=Agreed(layout, field, colorspace, 0, 0),
        fps=Fraction(25),
        overrule=overrule or Overrule(),
        clock=clock,
        generation=3,
        tally=tally,
        decoder=decoder,
    )
    return made, tally


def made(some: Pictures, shelf: Shelf, filled: Filled) -> list[Frame]:
    return some.frames_of(filled, shelf)  # type: ignore[arg-type]


def scene() -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """UYVY rows with edges across and a soft slope down."""
    columns = np.random.default_rng(5).integers(40, 180, 2 * WIDTH)
    rows = (columns[None, :] + np.arange(HEIGHT)[:, None]).astype(np.uint8)
    return np.pad(rows, ((0, 0), (0, STRIDE - 2 * WIDTH)))


def luma(frame: Frame) -> Sequence[object]:
    plane = frame.lease.planes[0]
    return np.frombuffer(plane.memory, np.uint8).reshape(-1, plane.stride)[:HEIGHT, :WIDTH].tolist()


def test_a_raw_picture_is_lent_and_goes_back_with_its_lease(clock: HandClock, shelf: Shelf) -> None:
    some, tally = pictures(clock)
    filled = shelf.fill(scene().tobytes(), clock)
    (frame,) = made(some, shelf, filled)
    assert frame.format == VideoFormat(WIDTH, HEIGHT, Fraction(25), Pixel.UYVY422, Colorimetry.BT601, Range.LIMITED)
    assert [(plane.stride, len(plane.memory)) for plane in frame.lease.planes] == [(STRIDE, STRIDE * HEIGHT)]
    assert (frame.stamps.captured_ns, frame.stamps.dequeued_ns) == (filled.captured_ns, clock.now_ns)
    assert frame.utc_ns == clock.utc_ns(filled.captured_ns)
    assert (frame.lease.generation, frame.lease.writable, frame.discontinuity) == (3, True, True)
    assert shelf.returned == []
    frame.lease.release()
    assert shelf.returned == [0]
    assert tally.damage.last == ""


def test_only_the_first_is_a_cut_and_the_format_stays_one_object(clock: HandClock, shelf: Shelf) -> None:
    some, _ = pictures(clock)
    first, second = (made(some, shelf, shelf.fill(scene().tobytes(), clock))[0] for _ in range(2))
    assert (first.discontinuity, second.discontinuity) == (True, False)
    assert first.format is second.format


def test_a_cut_waits_for_the_first_sound_picture(clock: HandClock, shelf: Shelf) -> None:
    some, tally = pictures(clock)
    assert made(some, shelf, shelf.fill(scene().tobytes(), clock, damaged=True)) == []
    assert made(some, shelf, shelf.fill(scene().tobytes()[:-1], clock)) == []
    assert (tally.damage.corrupt, tally.damage.short) == (1, 1)
    assert tally.damage.last == "a picture of 6911 bytes instead of 6912"
    assert shelf.returned == [0, 1]
    assert made(some, shelf, shelf.fill(scene().tobytes(), clock))[0].discontinuity


def test_configuration_and_profile_know_better_than_the_driver() -> None:
    profile = CaptureProfile("x", colorimetry=Colorimetry.BT709, range=Range.FULL)
    assert Overrule(range=Range.LIMITED).over(profile) == Overrule(Colorimetry.BT709, Range.LIMITED)
    some, _ = pictures(HandClock(), overrule=Overrule(Colorimetry.BT709, Range.FULL))
    video = some.format_of(Pixel.UYVY422)
    assert (video.colorimetry, video.range) == (Colorimetry.BT709, Range.FULL)


@pytest.mark.parametrize("field", [Field.TOP, Field.BOTTOM])
def test_a_driver_that_gives_one_field_only_is_refused(field: Field) -> None:
    with pytest.raises(NotSupported, match="half a picture") as refused:
        pictures(HandClock(), field=field)
    assert refused.value.code == "single_field"


@pytest.mark.parametrize(
    "field",
    [Field.INTERLACED, Field.INTERLACED_TB, Field.INTERLACED_BT, Field.SEQ_TB, Field.SEQ_BT, Field.ALTERNATE],
)
def test_a_still_scene_comes_back_exactly_from_every_order_of_fields(
    clock: HandClock, shelf: Shelf, field: Field
) -> None:
    whole = scene()
    some, tally = pictures(clock, field=field, height=HEIGHT // 2 if field is Field.ALTERNATE else HEIGHT)
    top, bottom = whole[0::2], whole[1::2]
    parts = {
        Field.SEQ_TB: [(np.concatenate((top, bottom)), Field.SEQ_TB)],
        Field.SEQ_BT: [(np.concatenate((bottom, top)), Field.SEQ_BT)],
        # 48 lines count as a 625-line picture: top first
        Field.ALTERNATE: [(top, Field.TOP), (bottom, Field.BOTTOM)],
    }.get(field, [(whole, field)])
    frames: list[Frame] = []
    for _ in range(4):
        for content, code in parts:
            frames += made(some, shelf, shelf.fill(content.tobytes(), clock, field=code))
    assert len(frames) == 3
    assert shelf.returned == list(range(4 * len(parts)))
    for frame in frames:
        assert (frame.format.width, frame.format.height, frame.format.pixel) == (WIDTH, HEIGHT, Pixel.YUV422P)
        assert luma(frame) == whole[:, 1 : 2 * WIDTH : 2].tolist()
    assert [frame.discontinuity for frame in frames] == [True, False, False]
    assert frames[0].seq < frames[1].seq < frames[2].seq
    assert tally.damage.odd_stamps == 0


def test_a_woven_picture_carries_the_time_of_its_own_buffer_not_of_the_next(clock: HandClock, shelf: Shelf) -> None:
    some, _ = pictures(clock, field=Field.INTERLACED_TB)
    first = shelf.fill(scene().tobytes(), clock)
    assert made(some, shelf, first) == []
    (frame,) = made(some, shelf, shelf.fill(scene().tobytes(), clock))
    assert frame.stamps.captured_ns == first.captured_ns


def v210(height: int = HEIGHT) -> bytes:
    encoder = VideoCodecContext.create("v210", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.framerate = WIDTH, height, "yuv422p10le", 25
    frame = av.VideoFrame(WIDTH, height, "yuv422p10le")
    for plane in frame.planes:
        plane.update(np.full(plane.buffer_size // 2, 400, np.uint16).tobytes())
    (packet,) = encoder.encode(frame)
    return bytes(packet)


def test_v210_is_decoded_and_its_buffer_given_back_at_once(clock: HandClock, shelf: Shelf) -> None:
    decoder = V210Decoder(WIDTH, HEIGHT, stride=V210_STRIDE)
    some, tally = pictures(clock, code="v210", stride=V210_STRIDE, decoder=decoder)
    (frame,) = made(some, shelf, shelf.fill(v210(), clock))
    assert shelf.returned == [0]
    assert frame.format.pixel is Pixel.YUV422P10
    assert made(some, shelf, shelf.fill(v210()[:-1], clock)) == []
    assert tally.damage.short == 1
    assert shelf.returned == [0, 1]


@pytest.mark.parametrize("field", [Field.INTERLACED, Field.ALTERNATE])
def test_interlaced_v210_is_made_whole_in_eight_bits(clock: HandClock, shelf: Shelf, field: Field) -> None:
    """1080i is what SDI mostly carries: half a picture must not pass for a whole one."""
    height = HEIGHT // 2 if field is Field.ALTERNATE else HEIGHT
    decoder = V210Decoder(WIDTH, height, stride=V210_STRIDE)
    some, _ = pictures(clock, code="v210", stride=V210_STRIDE, height=height, field=field, decoder=decoder)
    frames: list[Frame] = []
    for turn in range(6):
        code = (Field.TOP, Field.BOTTOM)[turn % 2] if field is Field.ALTERNATE else field
        frames += made(some, shelf, shelf.fill(v210(height), clock, field=code))
    assert len(frames) == (2 if field is Field.ALTERNATE else 5)
    for frame in frames:
        assert (frame.format.height, frame.format.pixel) == (HEIGHT, Pixel.YUV422P)
        assert luma(frame) == [[100] * WIDTH] * HEIGHT


class WrongSize:
    """A decoder whose pictures have another size than was agreed, as broken dongles send them."""

    def decode(self, memory: memoryview) -> av.VideoFrame:
        return av.VideoFrame(WIDTH, HEIGHT // 2, "yuv420p")


def test_a_decoded_picture_of_another_size_is_corrupt(clock: HandClock, shelf: Shelf) -> None:
    some, tally = pictures(clock, code="MJPG", decoder=WrongSize())
    assert made(some, shelf, shelf.fill(b"\xff\xd8", clock)) == []
    assert tally.damage.corrupt == 1
    assert tally.damage.last == "decoded to 64x24"
    assert shelf.returned == [0]


def test_jpeg_colours_are_jfifs(clock: HandClock) -> None:
    some, _ = pictures(clock, code="MJPG", decoder=WrongSize(), colorspace=Colorspace.REC709)
    video = some.format_of(Pixel.YUV422P)
    assert (video.colorimetry, video.range) == (Colorimetry.SYCC, Range.FULL)
