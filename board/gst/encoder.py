"""Any GStreamer encoder element as an Encoder of ours; the board's profile says which, and how it is driven."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from board.gst.flight import Flight, InFlight
from board.gst.layout import check_layout, packed, raw_caps
from board.gst.library import GStreamer, load_gstreamer
from board.gst.line import Coded, Line
from board.gst.settings import live_bitrate, settings_of, traits_of
from edge.model.annexb import first_slice_offset, nal_offsets, nal_type
from edge.model.board import EncoderFact, GstElement
from edge.model.errors import EdgeError, EncoderFailed, Fault, Invalid, NotSupported
from edge.model.frame import Encoded, Frame, Plane, pts_of
from edge.model.video import Codec, EncodeTarget, Pixel, Trait, VideoFormat
from edge.ports import ENCODE_DEADLINE_S, Clock, Retarget

Intake = Callable[[Frame], Sequence[Plane]]
"""The planes of a frame in the layout for which it was made; valid until the next call."""
MakeIntake = Callable[[VideoFormat, Pixel], Intake]

_LOG = logging.getLogger(__name__)
_DEADLINE_NS = round(ENCODE_DEADLINE_S * 1e9)
_FIRST = 4
_PATIENCE_NS = 40_000_000
_SLICE_NS = 10_000_000
_MOST_INSIDE = 4
_IDR = {Codec.H264: (5,), Codec.H265: (19, 20)}  # nal_unit_type: H.264 table 7-1, H.265 table 7-1


class GstEncoder:
    """Waits two frame intervals for each frame's unit, less where the encoder has shown that it keeps some back.

    What comes later comes with a later frame. Only when nothing comes at all for ENCODE_DEADLINE_S it has stalled.
    `make_intake` serves frames that the element does not take as they lie.
    """

    def __init__(
        self,
        *,
        fact: EncoderFact,
        make_intake: MakeIntake,
        clock: Clock,
        load: Callable[[], GStreamer] = load_gstreamer,
    ) -> None:
        """Raises Invalid when the board's profile does not say how GStreamer is to encode, or in a strange layout."""
        if fact.gst is None:
            raise Invalid(f"encoder {fact.name}: the board's profile names no GStreamer element")
        for pixel in (fact.gst.pixel, *fact.gst.accepts):
            check_layout(pixel)
        self._fact = fact
        self._element: GstElement = fact.gst
        self._make_intake = make_intake
        self._clock = clock
        self._load = load
        self._line: Line | None = None
        self._forget()

    @property
    def name(self) -> str:
        return self._fact.name

    @property
    def hardware(self) -> bool:
        return self._fact.hardware

    @property
    def codec(self) -> Codec:
        return self._fact.codec

    @property
    def traits(self) -> frozenset[Trait]:
        return traits_of(self._element)

    def open(self, video: VideoFormat, target: EncodeTarget) -> None:
        """Raises Missing when GStreamer or an element is not there, Invalid for a profile that cannot be read."""
        self.close()
        self._check(video, target)
        coded = video.coded
        line = Line(
            library=self._load(),
            element=self._element,
            codec=self.codec,
            settings=settings_of(self._element, coded, target),
        )
        try:
            self._intake = self._make_intake(coded, self._element.pixel)
            line.start(raw_caps(coded, self._layout_of(video)), _FIRST * ENCODE_DEADLINE_S)
            if (setting := live_bitrate(self._element, target.bitrate_bps)) is not None:
                line.set(*setting)
        except EdgeError:
            line.close()
            raise
        self._line, self._coded, self._target = line, coded, target
        self._interval_ns = round(1_000_000_000 / coded.fps)

    def encode(self, frame: Frame, *, force_key: bool) -> Sequence[Encoded]:
        """Raises Fault when the frame is not of the size, rate and colours it was opened for."""
        line, coded, intake = self._line, self._coded, self._intake
        if line is None or coded is None or intake is None:
            raise Fault(f"encoder {self.name} used before open")
        if frame.format is not coded and frame.format.coded != coded:
            raise Fault(f"encoder {self.name} opened for {coded} was given {frame.format}")
        units = self._come(line, 0, 0)
        if len(self._flight) >= _MOST_INSIDE:
            units += self._come(line, _MOST_INSIDE - 1, self._deadline_ns)
        layout = self._layout_of(frame.format)
        planes = frame.lease.planes if layout is frame.format.pixel else intake(frame)
        data = packed(planes, layout, coded.width, coded.height)
        self._give(line, data, raw_caps(coded, layout), frame, force_key=force_key)
        patience_ns = max(_PATIENCE_NS, 2 * self._interval_ns) * (1 if self._came_ns else _FIRST)
        return units + self._come(line, self._flight.delay, patience_ns)

    def retarget(self, target: EncodeTarget) -> Retarget:
        opened, line = self._target, self._line
        if opened is None or line is None or not self._holds(opened, target):
            return Retarget.NEEDS_NEW_EPOCH
        if target.bitrate_bps != opened.bitrate_bps:
            setting = live_bitrate(self._element, target.bitrate_bps)
            if setting is None:
                return Retarget.NEEDS_NEW_EPOCH
            line.set(*setting)
        self._target = replace(opened, bitrate_bps=target.bitrate_bps)
        return Retarget.LIVE

    def close(self) -> None:
        if self._line is not None and not self._line.close():
            _LOG.warning("encoder %s: its driver does not give it back; a thread stays behind", self.name)
        self._line = None
        self._forget()

    def _forget(self) -> None:
        self._coded: VideoFormat | None = None
        self._target: EncodeTarget | None = None
        self._intake: Intake | None = None
        self._flight = Flight()
        self._begin_ns: int | None = None  # capture time of the first frame
        self._came_ns = 0  # when the last unit came
        self._interval_ns = 0

    def _check(self, video: VideoFormat, target: EncodeTarget) -> None:
        size = f"{video.width}x{video.height}"
        if video.width % 2 or video.height % 2 or video.width < 16 or video.height < 16:
            raise NotSupported(f"{size}: sides must be even and at least 16 pixels")
        if video.width > self._fact.max_width or video.height > self._fact.max_height:
            raise NotSupported(f"{size} is beyond {self._fact.max_width}x{self._fact.max_height} of {self.name}")
        if not 0 < video.fps <= 240:
            raise NotSupported(f"{video.fps} frames/s is outside 0..240")
        if not 0 < target.bitrate_bps <= target.max_bitrate_bps:
            raise NotSupported(f"bitrate {target.bitrate_bps} bit/s is not within 1..{target.max_bitrate_bps}")

    def _layout_of(self, video: VideoFormat) -> Pixel:
        """In which layout frames of that format are given to the element."""
        return video.pixel if video.pixel in self._element.accepts else self._element.pixel

    def _holds(self, opened: EncodeTarget, target: EncodeTarget) -> bool:
        """Whether what has been set up serves that target too, but for the rate."""
        alike = opened.gop_s == target.gop_s and opened.vbv_frames == target.vbv_frames
        alike = alike and (Trait.INTRA_REFRESH not in self.traits or opened.refresh is target.refresh)
        alike = alike and (Trait.SLICES not in self.traits or opened.slices == target.slices)
        return alike and target.bitrate_bps <= opened.max_bitrate_bps

    def _give(self, line: Line, data: bytes, caps: str, frame: Frame, *, force_key: bool) -> None:
        captured_ns = frame.stamps.captured_ns
        if self._begin_ns is None:
            self._begin_ns = captured_ns
        running_ns = captured_ns - self._begin_ns
        if force_key:
            line.force_key(running_ns)
        line.push(data, caps, running_ns, duration_ns=self._interval_ns)
        self._flight.give(InFlight(running_ns, pts_of(captured_ns), self._clock.mono_ns()))

    @property
    def _deadline_ns(self) -> int:
        return _DEADLINE_NS if self._came_ns else _FIRST * _DEADLINE_NS

    def _come(self, line: Line, enough: int, wait_ns: int) -> list[Encoded]:
        """What comes until no more than `enough` pictures are inside, or until the time is over."""
        units: list[Encoded] = []
        until_ns = self._clock.mono_ns() + wait_ns
        while len(self._flight) > enough:
            now_ns = self._clock.mono_ns()
            coded = line.pull(max(0, min(until_ns - now_ns, _SLICE_NS)))
            if coded is not None:
                units.append(self._unit(coded))
                continue
            if now_ns - max(self._flight.oldest_ns, self._came_ns) >= self._deadline_ns:
                raise EncoderFailed(
                    f"{self.name}: no picture within {self._deadline_ns / 1e9:g} s", code="encoder_stalled"
                )
            if now_ns >= until_ns:
                break
        return units

    def _unit(self, coded: Coded) -> Encoded:
        self._came_ns = self._clock.mono_ns()
        pts = self._flight.take(coded.running_ns)
        if pts is None:
            raise EncoderFailed(f"{self.name}: a unit came at {coded.running_ns} ns, which is the time of no frame")
        return Encoded(pts, _is_key(self.codec, coded.data), coded.data)


def _is_key(codec: Codec, data: bytes) -> bool:
    begin = first_slice_offset(codec, data)
    if begin is None:
        return False
    _, body = next(nal_offsets(data[begin : begin + 8]))
    return nal_type(codec, data[begin + body]) in _IDR[codec]
