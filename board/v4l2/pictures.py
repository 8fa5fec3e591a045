"""Frames out of filled buffers: planes found, pictures decoded, fields woven, damage counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from board.av.fields import Deinterlacer, Whole
from board.av.unpack import Decoder, lease_of, pixel_of
from board.v4l2.abi.codes import Field
from board.v4l2.buffers import Filled
from board.v4l2.colour import colours_of
from board.v4l2.profile import CaptureProfile
from board.v4l2.stream import Agreed, CaptureStream
from edge.model.errors import Fault, Invalid, NotSupported
from edge.model.frame import Frame, Lease, Plane, Stamps
from edge.model.video import Colorimetry, Pixel, Range, VideoFormat
from edge.ports import Clock

_OLDEST_NS = 2_000_000_000
_AHEAD_NS = 20_000_000  # drivers that stamp the nominal time run ahead by a tick of their timer
_SD_525 = frozenset((480, 486))
_RGB = frozenset((Pixel.RGB24, Pixel.BGR24))
_SEQUENCES = 1 << 32
_WEAVES = {
    Field.INTERLACED: None,
    Field.INTERLACED_TB: True,
    Field.INTERLACED_BT: False,
    Field.SEQ_TB: True,
    Field.SEQ_BT: False,
    Field.ALTERNATE: None,
}


@dataclass(slots=True)
class Damage:
    """What could not be shown, counted since the source was made."""

    short: int = 0
    corrupt: int = 0
    passed: int = 0
    odd_stamps: int = 0
    last: str = ""


@dataclass(slots=True)
class FrameNumbers:
    """Our frame numbers: they rise for ever, and keep the driver's gaps."""

    number: int = -1
    _driver: int | None = None

    def restart(self) -> None:
        self._driver = None

    def next_for(self, driver: int) -> int:
        step = 1 if self._driver is None else (driver - self._driver) % _SEQUENCES
        self._driver = driver
        self.number += step if 0 < step < 1000 else 1
        return self.number


@dataclass(frozen=True, slots=True)
class Overrule:
    """What configuration or profile know better than the driver."""

    colorimetry: Colorimetry | None = None
    range: Range | None = None

    def over(self, profile: CaptureProfile) -> Overrule:
        """Where we say nothing, what the profile says."""
        return Overrule(self.colorimetry or profile.colorimetry, self.range or profile.range)


@dataclass(slots=True)
class Pictures:
    """One for each start of the stream. Raises NotSupported for fields that cannot be made whole."""

    agreed: Agreed
    fps: Fraction
    overrule: Overrule
    clock: Clock
    generation: int
    damage: Damage
    sequence: FrameNumbers
    decoder: Decoder | None = None
    _format: VideoFormat | None = None
    _cut: bool = True
    _deinterlacer: Deinterlacer | None = None
    _stamps: dict[int, Stamps] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sequence.restart()
        code = self.agreed.field
        if code in (Field.TOP, Field.BOTTOM):
            raise NotSupported("the driver gives one field only, which is half a picture", code="single_field")
        if code in _WEAVES and self.interlaced:
            self._deinterlacer = self._make_deinterlacer()

    @property
    def interlaced(self) -> bool:
        return self.agreed.field in _WEAVES and self.agreed.layout.kind.pixel is not None

    @property
    def whole_height(self) -> int:
        height = self.agreed.layout.height
        return height * 2 if self.agreed.field == Field.ALTERNATE else height

    def frames_of(self, filled: Filled, stream: CaptureStream) -> Iterator[Frame]:
        """None, one or more frames; the buffer is given back here unless a frame lends it."""
        layout = self.agreed.layout
        buffer = stream.buffer(filled)
        give_back = buffer.give_back
        memories = stream.memories(filled)
        if filled.damaged:
            self.damage.corrupt += 1
            give_back()
        elif layout.kind.codec:
            yield from self._decoded(memories[0], filled, give_back)
        elif sum(filled.used) < layout.picture_bytes():
            self.damage.short += 1
            self.damage.last = f"a picture of {sum(filled.used)} bytes instead of {layout.picture_bytes()}"
            give_back()
        elif self._deinterlacer is not None:
            yield from self._progressive(layout.planes(memories), filled, give_back)
        else:
            planes = layout.planes(memories)
            lease = Lease(planes, generation=self.generation, native=buffer, writable=True, give_back=give_back)
            pixel = layout.kind.pixel or Pixel.YUV420P
            yield self._frame(lease, self.format_of(pixel), self._stamps_of(filled), filled.sequence)

    def format_of(self, pixel: Pixel, *, jpeg: bool = False) -> VideoFormat:
        """One object as long as nothing changes."""
        agreed = self.agreed
        colorimetry, reach = colours_of(
            agreed.colorspace,
            agreed.ycbcr_enc,
            agreed.quantization,
            rgb=pixel in _RGB,
            jpeg=jpeg,
            height=self.whole_height,
        )
        wanted = VideoFormat(
            agreed.layout.width & ~1,
            self.whole_height & ~1,
            self.fps,
            pixel,
            self.overrule.colorimetry or colorimetry,
            self.overrule.range or reach,
        )
        if self._format is None or wanted != self._format:
            self._format = wanted
        return self._format

    def _frame(self, lease: Lease, video: VideoFormat, stamps: Stamps, driver_sequence: int) -> Frame:
        cut, self._cut = self._cut, False
        return Frame(
            seq=self.sequence.next_for(driver_sequence),
            format=video,
            lease=lease,
            stamps=stamps,
            utc_ns=self.clock.utc_ns(stamps.captured_ns),
            discontinuity=cut,
        )

    def _stamps_of(self, filled: Filled) -> Stamps:
        """The driver's time stamp where it is CLOCK_MONOTONIC and can be true; else the time of taking it."""
        now = self.clock.mono_ns()
        age_ns = now - filled.captured_ns
        if not (filled.monotonic and -_AHEAD_NS <= age_ns <= _OLDEST_NS):
            self.damage.odd_stamps += 1
            age_ns = 0
        return Stamps(captured_ns=now - max(0, age_ns), dequeued_ns=now)

    def _decoded(self, memory: memoryview, filled: Filled, give_back: Callable[[], None]) -> Iterator[Frame]:
        stamps = self._stamps_of(filled)
        try:
            if self.decoder is None:
                raise Fault(f"no decoder for {self.agreed.layout.kind.code}")
            picture = self.decoder.decode(memory)
            pixel = pixel_of(picture)
        except Invalid as error:
            self.damage.corrupt += 1
            self.damage.last = str(error)
            return
        finally:
            give_back()
        jpeg = self.agreed.layout.kind.codec == "mjpeg"
        yield self._frame(
            lease_of(picture, generation=self.generation), self.format_of(pixel, jpeg=jpeg), stamps, filled.sequence
        )

    def _progressive(self, planes: tuple[Plane, ...], filled: Filled, give_back: Callable[[], None]) -> Iterator[Frame]:
        self._stamps[filled.sequence] = self._stamps_of(filled)
        for old in list(self._stamps)[:-8]:
            del self._stamps[old]
        try:
            wholes = list(self._filtered(planes, filled))
        finally:
            give_back()
        for whole in wholes:
            stamps = self._stamps.get(whole.tag) or self._stamps[filled.sequence]
            video = self.format_of(Pixel(whole.picture.format.name))
            yield self._frame(
                lease_of(whole.picture, generation=self.generation), video, stamps, self._picture_number(whole.tag)
            )

    def _filtered(self, planes: tuple[Plane, ...], filled: Filled) -> Iterator[Whole]:
        if self._deinterlacer is None:
            raise Fault("fields without a deinterlacer")
        if self.agreed.field == Field.ALTERNATE:
            return self._deinterlacer.field(planes, bottom=filled.field == Field.BOTTOM, tag=filled.sequence)
        if self.agreed.field in (Field.SEQ_TB, Field.SEQ_BT):
            return self._deinterlacer.stacked(planes, tag=filled.sequence)
        return self._deinterlacer.woven(planes, tag=filled.sequence)

    def _picture_number(self, sequence: int) -> int:
        """Drivers number fields; two make a picture."""
        return sequence // 2 if self.agreed.field == Field.ALTERNATE else sequence

    def _make_deinterlacer(self) -> Deinterlacer:
        pixel = self.agreed.layout.kind.pixel or Pixel.YUV420P
        top_first = _WEAVES[Field(self.agreed.field)]
        if top_first is None:
            top_first = self.whole_height not in _SD_525  # 525-line video begins with the bottom field
        width, height = self.agreed.layout.width, self.whole_height
        return Deinterlacer(width=width, height=height, pixel=pixel, top_first=top_first)
