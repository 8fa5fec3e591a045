"""Whether an encoder really does its work: it encodes real pictures, and what comes out is decoded and looked at.

Boards lie about their encoders: nodes that are stubs, hardware that reorders, delays, forgets parameter sets or
the bit rate, or gives green pictures. So nothing is believed that has not been seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from edge.media.trial_card import TrialCard
from edge.model.annexb import nal_offsets, nal_type
from edge.model.errors import EdgeError
from edge.model.frame import Encoded, Plane, pts_of
from edge.model.video import Codec, EncodeTarget, VideoFormat
from edge.ports import Clock, Decoder, Encoder

FRAMES = 24
_FORCED = 9
_WARM_UP = 3
_DELAY_LIMIT = 2
_RATE_LIMIT = 1.5
# nal_unit_type of the parameter sets that must stand before each IDR (H.264 table 7-1, H.265 table 7-1)
_PARAMETER_SETS = {Codec.H264: (7, 8), Codec.H265: (32, 33, 34)}


@dataclass(frozen=True, slots=True)
class TrialReport:
    """`pixels_per_s`: what the encoder manages, by its quicker pictures, since other work is not its fault.

    `measured_bps`: over the trial. `delay_frames`: how many pictures later one comes out. `complaints`: why it must
    not be used; empty when it is fit.
    """

    width: int
    height: int
    fps: float
    frames: int = 0
    delay_frames: int = 0
    encode_p50_ms: float = 0.0
    encode_max_ms: float = 0.0
    pixels_per_s: int = 0
    asked_bps: int = 0
    measured_bps: int = 0
    complaints: tuple[str, ...] = ()

    @property
    def fit(self) -> bool:
        return not self.complaints


@dataclass(slots=True)
class _Take:
    """What came out. `after`: by unit, the number of the picture that had gone in last."""

    start_ns: int
    period_ns: int
    frames: int
    units: list[Encoded] = field(default_factory=list)
    after: list[int] = field(default_factory=list)
    times_ns: list[int] = field(default_factory=list)

    def captured_ns(self, number: int) -> int:
        return self.start_ns + number * self.period_ns

    @property
    def numbers(self) -> list[int]:
        """By unit, which picture its time is of; -1 for a time that none had."""
        known = {pts_of(self.captured_ns(number)): number for number in range(self.frames)}
        return [known.get(unit.pts, -1) for unit in self.units]


class Trial:
    """Call it with an encoder that is not open; it is closed afterwards. Never raises: an error is a complaint."""

    def __init__(self, *, clock: Clock, make_decoder: Callable[[Codec], Decoder], frames: int = FRAMES) -> None:
        self._clock = clock
        self._make_decoder = make_decoder
        self._frames = frames

    def __call__(self, encoder: Encoder, video: VideoFormat, target: EncodeTarget) -> TrialReport:
        """Raises Unavailable or Rejected when the encoder does not open: then it was not tried."""
        encoder.open(video, target)
        card = TrialCard(video)
        take = _Take(self._clock.mono_ns(), round(1e9 / video.fps), self._frames)
        try:
            self._encode(encoder, card, take)
        except EdgeError as error:
            return _report(video, target, take, [str(error)])
        finally:
            encoder.close()
        return _report(video, target, take, list(self._complaints(encoder.codec, card, take, target, video)))

    def _encode(self, encoder: Encoder, card: TrialCard, take: _Take) -> None:
        for number in range(take.frames):
            frame = card.frame(number, take.captured_ns(number))
            begin_ns = self._clock.mono_ns()
            units = encoder.encode(frame, force_key=number == _FORCED)
            take.times_ns.append(self._clock.mono_ns() - begin_ns)
            frame.lease.release()
            take.units += units
            take.after += [number] * len(units)

    def _complaints(
        self, codec: Codec, card: TrialCard, take: _Take, target: EncodeTarget, video: VideoFormat
    ) -> Iterator[str]:
        numbers = take.numbers
        yield from _order(numbers, take.after, take.frames)
        yield from _keyframes(codec, take.units, numbers)
        yield from self._pictures(codec, card, take, numbers)
        rate_bps = _rate_bps(take.units, video)
        if rate_bps > _RATE_LIMIT * target.bitrate_bps:
            yield f"makes {rate_bps / 1e6:.1f} Mbit/s where {target.bitrate_bps / 1e6:.1f} were asked for"

    def _pictures(self, codec: Codec, card: TrialCard, take: _Take, numbers: Sequence[int]) -> Iterator[str]:
        seen: list[tuple[Plane, ...]] = []
        decoder = self._make_decoder(codec)
        try:
            for unit in take.units:
                seen += decoder.decode(unit.data)
            seen += decoder.flush()
        except EdgeError as error:
            yield f"its output {error}"
            return
        if len(seen) != len(take.units):
            yield f"{len(take.units)} units decode to {len(seen)} pictures"
            return
        for number, planes in zip(numbers, seen, strict=True):
            try:
                shown, wrong = card.read(planes)
            except ValueError as error:
                yield f"its pictures have another size: {error}"
                return
            if shown != number:
                yield f"the unit of picture {number} shows picture {shown}"
                return
            if wrong:
                yield f"picture {number} {wrong}"
                return


def _report(video: VideoFormat, target: EncodeTarget, take: _Take, complaints: Sequence[str]) -> TrialReport:
    times = take.times_ns[_WARM_UP:]
    typical_ns, quick_ns = (median(times), sorted(times)[len(times) // 4]) if times else (0, 0)
    return TrialReport(
        width=video.width,
        height=video.height,
        fps=round(float(video.fps), 3),
        frames=len(take.units),
        delay_frames=0 if complaints else _delay(take.numbers, take.after),
        encode_p50_ms=round(typical_ns / 1e6, 2),
        encode_max_ms=round(max(times, default=0) / 1e6, 2),
        pixels_per_s=round(video.width * video.height * 1e9 / quick_ns) if quick_ns else 0,
        asked_bps=target.bitrate_bps,
        measured_bps=_rate_bps(take.units, video),
        complaints=tuple(complaints),
    )


def _order(numbers: Sequence[int], after: Sequence[int], frames: int) -> Iterator[str]:
    if -1 in numbers:
        yield "puts out pictures with a time that none of those had that went in"
    elif list(numbers) != sorted(set(numbers)):
        yield f"puts out pictures in another order than they went in: {list(numbers)}"
    elif (delay := _delay(numbers, after)) > _DELAY_LIMIT:
        yield f"holds pictures back for {delay} others; {_DELAY_LIMIT} at most are borne"
    elif list(numbers) != list(range(len(numbers))) or frames - len(numbers) > _DELAY_LIMIT:
        yield f"swallows pictures: {len(numbers)} came out of {frames}"


def _delay(numbers: Sequence[int], after: Sequence[int]) -> int:
    return max((last - number for number, last in zip(numbers, after, strict=True)), default=0)


def _keyframes(codec: Codec, units: Sequence[Encoded], numbers: Sequence[int]) -> Iterator[str]:
    keys = [number for number, unit in zip(numbers, units, strict=True) if unit.key]
    if keys[:1] != [0]:
        yield "does not begin with a keyframe"
    elif len(units) > _FORCED and _FORCED not in keys:
        yield f"gives no keyframe when asked: asked at picture {_FORCED}, keyframes at {keys}"
    for number, unit in zip(numbers, units, strict=True):
        kinds = {nal_type(codec, unit.data[body]) for _, body in nal_offsets(unit.data)}
        if unit.key and not kinds.issuperset(_PARAMETER_SETS[codec]):
            yield f"the keyframe at picture {number} comes without its parameter sets"
            return


def _rate_bps(units: Sequence[Encoded], video: VideoFormat) -> int:
    """Without the first picture, which is as large as it must be."""
    rest = units[1:]
    return round(sum(len(unit.data) for unit in rest) * 8 * video.fps / len(rest)) if rest else 0
