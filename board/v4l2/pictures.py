"""Frames out of filled buffers: planes found, pictures decoded, fields woven, damage counted."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from board.av.fields import Deinterlacer, Whole
from board.av.unpack import Decoder, Picture, lease_of, pixel_of
from board.v4l2.abi.codes import Field
from board.v4l2.buffers import DriverBuffer, Filled
from board.v4l2.colour import colours_of
from board.v4l2.profile import CaptureProfile
from board.v4l2.stream import Agreed, CaptureStream
from board.v4l2.tally import Tally
from edge.model.errors import Invalid, NotSupported
from edge.model.frame import Frame, Lease, Plane, Stamps
from edge.model.video import Colorimetry, Pixel, Range, VideoFormat
from edge.ports import Clock

DAMAGED = "the driver marks a picture as damaged"
_SD_525 = frozenset((480, 486))
_RGB = frozenset((Pixel.RGB24, Pixel.BGR24))
_TOP_FIRST = {  # None: as the standard has it
    Field.INTERLACED: None,
    Field.INTERLACED_TB: True,
    Field.INTERLACED_BT: False,
    Field.SEQ_TB: True,
    Field.SEQ_BT: False,
    Field.ALTERNATE: None,
}


@dataclass(frozen=True, slots=True)
class Overrule:
    """What configuration or profile know better than the driver."""

    colorimetry: Colorimetry | None = None
    range: Range | None = None

    def over(self, profile: CaptureProfile) -> Overrule:
        """Where we say nothing, what the profile says."""
        return Overrule(self.colorimetry or profile.colorimetry, self.range or profile.range)


@dataclass(frozen=True, slots=True)
class Origin:
    """The buffer that a picture comes from."""

    sequence: int
    stamps: Stamps


class Pictures:
    """One for each start of the stream. Raises NotSupported for fields that cannot be made whole.

    `decoder` is needed for a format that is not raw.
    """

    def __init__(
        self,
        *,
        agreed: Agreed,
        fps: Fraction,
        overrule: Overrule,
        clock: Clock,
        generation: int,
        tally: Tally,
        decoder: Decoder | None = None,
    ) -> None:
        if agreed.field in (Field.TOP, Field.BOTTOM):
            raise NotSupported("the driver gives one field only, which is half a picture", code="single_field")
        self.agreed = agreed
        self._fps = fps
        self._overrule = overrule
        self._clock = clock
        self._generation = generation
        self._tally = tally
        self._decoder = decoder
        self._format: VideoFormat | None = None
        self._cut = True
        self._deinterlacer: Deinterlacer[Origin] | None = None
        tally.numbers.restart()

    @property
    def interlaced(self) -> bool:
        return self.agreed.field in _TOP_FIRST

    @property
    def whole_height(self) -> int:
        height = self.agreed.layout.height
        return height * 2 if self.agreed.field == Field.ALTERNATE else height

    def frames_of(self, filled: Filled, stream: CaptureStream) -> list[Frame]:
        """None, one or more frames; the buffer is given back here unless a frame lends it."""
        buffer, memories = stream.buffer(filled), stream.memories(filled)
        if not self._whole(filled, memories):
            buffer.give_back()
            return []
        stamps = self._tally.stamps(filled.captured_ns, monotonic=filled.monotonic, now_ns=self._clock.mono_ns())
        origin = Origin(filled.sequence, stamps)
        if self._decoder is None and not self.interlaced:
            return [self._lent(memories, origin, buffer)]
        try:
            return self._made(memories, filled.field, origin)
        except Invalid as error:
            self._tally.damage.note_corrupt(str(error))
            return []
        finally:
            buffer.give_back()

    def format_of(self, pixel: Pixel) -> VideoFormat:
        """One object as long as nothing changes."""
        agreed = self.agreed
        colorimetry, reach = colours_of(
            agreed.colorspace,
            agreed.ycbcr_enc,
            agreed.quantization,
            rgb=pixel in _RGB,
            jpeg=agreed.layout.kind.codec == "mjpeg",
            height=self.whole_height,
        )
        wanted = VideoFormat(
            agreed.layout.width & ~1,
            self.whole_height & ~1,
            self._fps,
            pixel,
            self._overrule.colorimetry or colorimetry,
            self._overrule.range or reach,
        )
        if wanted != self._format:
            self._format = wanted
        return self._format or wanted

    def _whole(self, filled: Filled, memories: tuple[memoryview, ...]) -> bool:
        if filled.damaged:
            self._tally.damage.note_corrupt(DAMAGED)
            return False
        there, needed = tuple(len(memory) for memory in memories), self.agreed.layout.needed()
        if any(has < needs for has, needs in zip(there, needed, strict=True)):
            self._tally.damage.note_short(f"a picture of {sum(there)} bytes instead of {sum(needed)}")
            return False
        return True

    def _lent(self, memories: tuple[memoryview, ...], origin: Origin, buffer: DriverBuffer) -> Frame:
        layout = self.agreed.layout
        planes = layout.planes(memories)
        lease = Lease(planes, generation=self._generation, native=buffer, writable=True, give_back=buffer.give_back)
        return self._frame(lease, layout.kind.pixel or Pixel.YUV420P, origin)

    def _made(self, memories: tuple[memoryview, ...], field: int, origin: Origin) -> list[Frame]:
        """Frames with memory of their own. Raises Invalid on what is no picture."""
        layout = self.agreed.layout
        if self._decoder is None:
            return self._woven(layout.planes(memories), layout.kind.pixel or Pixel.YUV420P, field, origin)
        picture = self._decoder.decode(memories[0])
        if (picture.width, picture.height) != (layout.width, layout.height):
            raise Invalid(f"decoded to {picture.width}x{picture.height}", code="corrupt_frame")
        if not self.interlaced:
            return [self._own(picture, origin)]
        planes = lease_of(picture, generation=self._generation).planes
        return self._woven(planes, pixel_of(picture), field, origin)

    def _woven(self, planes: tuple[Plane, ...], pixel: Pixel, field: int, origin: Origin) -> list[Frame]:
        return [self._own(whole.picture, whole.tag) for whole in self._filtered(planes, pixel, field, origin)]

    def _filtered(self, planes: tuple[Plane, ...], pixel: Pixel, field: int, origin: Origin) -> list[Whole[Origin]]:
        weaver = self._deinterlacer_for(pixel)
        if self.agreed.field == Field.ALTERNATE:
            return weaver.field(planes, bottom=field == Field.BOTTOM, tag=origin)
        if self.agreed.field in (Field.SEQ_TB, Field.SEQ_BT):
            return weaver.stacked(planes, tag=origin)
        return weaver.woven(planes, tag=origin)

    def _deinterlacer_for(self, pixel: Pixel) -> Deinterlacer[Origin]:
        if self._deinterlacer is None or self._deinterlacer.pixel is not pixel:
            top_first = _TOP_FIRST[Field(self.agreed.field)]
            if top_first is None:
                top_first = self.whole_height not in _SD_525  # 525-line video begins with the bottom field
            width, height = self.agreed.layout.width, self.whole_height
            self._deinterlacer = Deinterlacer(width=width, height=height, pixel=pixel, top_first=top_first)
        return self._deinterlacer

    def _own(self, picture: Picture, origin: Origin) -> Frame:
        return self._frame(lease_of(picture, generation=self._generation), pixel_of(picture), origin)

    def _frame(self, lease: Lease, pixel: Pixel, origin: Origin) -> Frame:
        cut, self._cut = self._cut, False
        return Frame(
            seq=self._tally.numbers.next_for(origin.sequence),
            format=self.format_of(pixel),
            lease=lease,
            stamps=origin.stamps,
            utc_ns=self._clock.utc_ns(origin.stamps.captured_ns),
            discontinuity=cut,
        )
