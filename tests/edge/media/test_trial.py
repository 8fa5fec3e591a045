"""The trial against real encoders, and against each lie that an encoder may tell."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

import pytest

from board.av.catalogue import make_av_encoder
from board.av.decoder import AvDecoder
from board.av.x264 import X264Encoder
from edge.media.trial import Trial, TrialReport
from edge.model.board import EncoderFact, EncoderKind
from edge.model.errors import EncoderFailed, NotSupported
from edge.model.frame import Encoded, Frame
from edge.model.video import Codec, Colorimetry, EncodeTarget, Range, VideoFormat
from edge.ports import Encoder
from edge.runtime.clock import SystemClock

SMALL = VideoFormat(640, 360, Fraction(30))
TARGET = EncodeTarget(4_000_000, 8_000_000)


def _tried(encoder: Encoder, video: VideoFormat = SMALL, target: EncodeTarget = TARGET) -> TrialReport:
    return Trial(clock=SystemClock(), make_decoder=AvDecoder)(encoder, video, target)


class _Liar(X264Encoder):
    """x264 whose output `twist` changes: it gets (number of the picture, units) and gives units."""

    def __init__(self, twist: Callable[[int, list[Encoded]], Sequence[Encoded]]) -> None:
        super().__init__()
        self._twist = twist
        self._number = -1

    def encode(self, frame: Frame, *, force_key: bool) -> Sequence[Encoded]:
        self._number += 1
        return self._twist(self._number, list(super().encode(frame, force_key=force_key)))


class _Deaf(X264Encoder):
    def encode(self, frame: Frame, *, force_key: bool) -> Sequence[Encoded]:
        return super().encode(frame, force_key=False)


class _Greedy(X264Encoder):
    def open(self, video: VideoFormat, target: EncodeTarget) -> None:
        super().open(video, EncodeTarget(20_000_000, 20_000_000))


class _Green(X264Encoder):
    """Sees a black picture with the right number of pictures, but none of their content."""

    def encode(self, frame: Frame, *, force_key: bool) -> Sequence[Encoded]:
        for plane in frame.lease.planes[1:]:
            plane.memory[:] = bytes(plane.memory.nbytes)
        return super().encode(frame, force_key=force_key)


class _Held:
    """Hands units out `count` pictures late."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._held: list[Encoded] = []

    def __call__(self, number: int, units: list[Encoded]) -> Sequence[Encoded]:
        self._held += units
        return [self._held.pop(0)] if len(self._held) > self._count else []


def _swapped(number: int, units: list[Encoded]) -> Sequence[Encoded]:
    """Pictures 4 and 5 change places, as with a B-frame."""
    if number == 4:
        _swapped_out[:] = units
        return []
    return [*units, *_swapped_out] if number == 5 else units


_swapped_out: list[Encoded] = []


def _bare(number: int, units: list[Encoded]) -> Sequence[Encoded]:
    """Keyframes after the first lose everything before the slice."""
    return [
        replace(unit, data=unit.data[unit.data.index(b"\x00\x00\x01\x65") :]) if number and unit.key else unit
        for unit in units
    ]


@pytest.mark.parametrize(("library", "codec"), [("libx264", Codec.H264), ("libx265", Codec.H265)])
@pytest.mark.parametrize("video", [SMALL, VideoFormat(322, 242, Fraction(25), colorimetry=Colorimetry.BT601)])
def test_a_good_encoder_is_fit(library: str, codec: Codec, video: VideoFormat) -> None:
    encoder = make_av_encoder(EncoderFact("good", EncoderKind.AV, codec, library=library), speed="ultrafast")
    report = _tried(encoder, video)
    assert report.complaints == ()
    assert (report.width, report.height, report.frames, report.delay_frames) == (video.width, video.height, 24, 0)
    assert report.pixels_per_s > 0
    assert 0 < report.measured_bps < 1.5 * report.asked_bps
    assert report.encode_max_ms >= report.encode_p50_ms > 0


def test_full_range_pictures_are_judged_by_their_own_codes() -> None:
    assert _tried(X264Encoder(), replace(SMALL, range=Range.FULL)).complaints == ()


def test_one_that_holds_a_picture_back_is_fit_and_says_so() -> None:
    report = _tried(_Liar(_Held(1)))
    assert (report.complaints, report.delay_frames, report.frames) == ((), 1, 23)


@pytest.mark.parametrize(
    ("encoder", "complaint"),
    [
        (lambda: _Liar(_Held(4)), "holds pictures back for 4 others"),
        (lambda: _Liar(_swapped), "another order than they went in"),
        (
            lambda: _Liar(lambda number, units: [replace(u, pts=u.pts + 1) for u in units]),
            "a time that none of",
        ),
        (lambda: _Liar(lambda number, units: [] if number > 15 else units), "16 came out of 24"),
        (lambda: _Liar(lambda number, units: [] if number == 0 else units), "does not begin with a keyframe"),
        (lambda: _Liar(_bare), "keyframe at picture 9 comes without its parameter sets"),
        (lambda: _Liar(lambda number, units: [replace(u, data=b"\x00" * 99) for u in units]), "decode"),
        (_Deaf, "no keyframe when asked: asked at picture 9"),
        (_Greedy, "where 1.0 were asked for"),
        (_Green, r"shows the colour \(\d+, 0, 0\) where"),
    ],
)
def test_each_lie_is_found_out(encoder: Callable[[], Encoder], complaint: str) -> None:
    target = EncodeTarget(1_000_000, 20_000_000) if encoder is _Greedy else TARGET
    report = _tried(encoder(), target=target)
    assert not report.fit
    assert any(re.search(complaint, one) for one in report.complaints), report.complaints


def test_a_picture_that_is_shown_twice_is_found_out() -> None:
    last: list[Encoded] = []

    def repeated(number: int, units: list[Encoded]) -> Sequence[Encoded]:
        if number == 12:
            return [replace(last[0], pts=units[0].pts)]
        last[:] = units
        return units

    assert any("of picture 12 shows picture 11" in one for one in _tried(_Liar(repeated)).complaints)


def test_breaking_down_in_the_trial_is_a_complaint_with_its_reason() -> None:
    def broken(number: int, units: list[Encoded]) -> Sequence[Encoded]:
        if number == 5:
            raise EncoderFailed("/dev/video11: no picture within 0.5 s", code="encoder_stalled")
        return units

    assert _tried(_Liar(broken)).complaints == ("/dev/video11: no picture within 0.5 s",)


def test_what_does_not_open_was_not_tried() -> None:
    with pytest.raises(NotSupported, match="321x240"):
        _tried(X264Encoder(), VideoFormat(321, 240, Fraction(30)))
