"""Any GStreamer encoder element as an Encoder of ours; the board's profile says which, and how it is driven."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from board.gst.layout import check_layout, packed, raw_caps
from board.gst.library import GStreamer, load_gstreamer
from board.gst.line import Line
from board.gst.session import FIRST, Session
from board.gst.settings import live_bitrate, settings_of, traits_of
from edge.model.board import EncoderFact, GstElement
from edge.model.errors import EdgeError, Fault, Invalid, NotSupported
from edge.model.frame import Encoded, Frame, Plane
from edge.model.video import Codec, EncodeTarget, Pixel, Trait, VideoFormat
from edge.ports import ENCODE_DEADLINE_S, Clock, Retarget

Intake = Callable[[Frame], Sequence[Plane]]
"""The planes of a frame in the layout for which it was made; valid until the next call."""
MakeIntake = Callable[[VideoFormat, Pixel], Intake]

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class _Opened:
    coded: VideoFormat
    target: EncodeTarget
    intake: Intake
    line: Line
    session: Session


class GstEncoder:
    """`make_intake` serves frames that the element does not take as they lie; `load` gives the library."""

    def __init__(
        self,
        *,
        fact: EncoderFact,
        make_intake: MakeIntake,
        clock: Clock,
        load: Callable[[], GStreamer] = load_gstreamer,
    ) -> None:
        """Raises Invalid when the profile does not say how GStreamer is to encode, or in a strange layout."""
        if fact.gst is None:
            raise Invalid(f"encoder {fact.name}: the board's profile names no GStreamer element")
        for pixel in (fact.gst.pixel, *fact.gst.accepts):
            check_layout(pixel)
        self._fact = fact
        self._element: GstElement = fact.gst
        self._make_intake = make_intake
        self._clock = clock
        self._load = load
        self._opened: _Opened | None = None

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
        intake = self._make_intake(coded, self._element.pixel)
        settings = settings_of(self._element, coded, target)
        line = Line(name=self.name, library=self._load(), element=self._element, codec=self.codec, settings=settings)
        try:
            line.start(raw_caps(coded, self._layout_of(video)), FIRST * ENCODE_DEADLINE_S)
            if (setting := live_bitrate(self._element, target.bitrate_bps)) is not None:
                line.set(*setting)
        except EdgeError:
            self._give_back(line)
            raise
        session = Session(
            name=self.name,
            codec=self.codec,
            line=line,
            interval_ns=round(1_000_000_000 / coded.fps),
            clock=self._clock,
        )
        self._opened = _Opened(coded, target, intake, line, session)

    def encode(self, frame: Frame, *, force_key: bool) -> Sequence[Encoded]:
        """Raises Fault when the frame is not of the size, rate and colours it was opened for."""
        opened = self._opened
        if opened is None:
            raise Fault(f"encoder {self.name} used before open")
        if frame.format.coded != opened.coded:
            raise Fault(f"encoder {self.name} opened for {opened.coded} was given {frame.format}")
        layout = self._layout_of(frame.format)
        planes = frame.lease.planes if layout is frame.format.pixel else opened.intake(frame)
        data = packed(planes, layout, opened.coded.width, opened.coded.height)
        caps = raw_caps(opened.coded, layout)
        return opened.session.encode(data, caps, frame.stamps.captured_ns, force_key=force_key)

    def retarget(self, target: EncodeTarget) -> Retarget:
        opened = self._opened
        if opened is None or not _serves(opened.target, target):
            return Retarget.NEEDS_NEW_EPOCH
        if target.bitrate_bps != opened.target.bitrate_bps:
            setting = live_bitrate(self._element, target.bitrate_bps)
            if setting is None:
                return Retarget.NEEDS_NEW_EPOCH
            opened.line.set(*setting)
            opened.target = replace(opened.target, bitrate_bps=target.bitrate_bps)
        return Retarget.LIVE

    def close(self) -> None:
        """Comes back within two seconds, whatever the driver does."""
        opened, self._opened = self._opened, None
        if opened is not None:
            self._give_back(opened.line)

    def _give_back(self, line: Line) -> None:
        if not line.close():
            _LOG.warning("encoder %s: its driver does not give it back; a thread stays behind", self.name)

    def _check(self, video: VideoFormat, target: EncodeTarget) -> None:
        size, fact = f"{video.width}x{video.height}", self._fact
        if video.width % 2 or video.height % 2 or video.width < 16 or video.height < 16:
            raise NotSupported(f"{size}: sides must be even and at least 16 pixels")
        if video.width > fact.max_width or video.height > fact.max_height:
            raise NotSupported(f"{size} is beyond the {fact.max_width}x{fact.max_height} of {self.name}")
        if not 0 < video.fps <= 240:
            raise NotSupported(f"{video.fps} frames/s is outside 0..240")
        if not 0 < target.bitrate_bps <= target.max_bitrate_bps:
            raise NotSupported(f"bitrate {target.bitrate_bps} bit/s is not within 1..{target.max_bitrate_bps}")

    def _layout_of(self, video: VideoFormat) -> Pixel:
        """In which layout frames of that format are given to the element."""
        return video.pixel if video.pixel in self._element.accepts else self._element.pixel


def _serves(opened: EncodeTarget, target: EncodeTarget) -> bool:
    """Whether what has been set up serves that target too, but for the rate."""
    same_rates = replace(target, bitrate_bps=opened.bitrate_bps, max_bitrate_bps=opened.max_bitrate_bps)
    return same_rates == opened and 0 < target.bitrate_bps <= opened.max_bitrate_bps
