"""A rung whose encoder breaks down, or that the board cannot afford."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from edge.media.budget import Budget, Load
from edge.media.keyframe_gate import KeyframeGate
from edge.media.relay import Relay
from edge.media.rung import Rung
from edge.model.errors import DeviceGone, EncoderFailed
from edge.model.frame import AccessUnit, Encoded, Frame, pts_of
from edge.model.video import EncodeTarget, Step, VideoFormat
from tests.fakes import SMALL, FakeClock, PlainEncoder, make_frame, make_unit
from tests.media_rungs import encode_next, make_rung

TARGET = EncodeTarget(1_000_000, 2_000_000)


class _Named(PlainEncoder):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class _Bench:
    """A rung that may choose between two encoders."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.units: list[AccessUnit] = []
        self.encoders: list[_Named] = []
        self.broken: dict[str, Exception] = {}
        self.rung = make_rung(
            lambda: self._make("plain"),
            lambda: self._make("next"),
            clock=self.clock,
            publish=self.units.append,
            target=TARGET,
        )

    def feed(self, *, discontinuity: bool = False) -> None:
        self.rung.put(make_frame(self.clock, discontinuity=discontinuity))
        encode_next(self.rung)
        self.clock.advance(20)

    def breaks(self, name: str, error: Exception) -> None:
        """Every encoder of that name, those that run included."""
        self.broken[name] = error
        for encoder in self.encoders:
            if encoder.name == name:
                encoder.breaks = error

    def mended(self) -> None:
        self.broken.clear()

    def _make(self, name: str) -> _Named:
        encoder = _Named(name)
        encoder.breaks = self.broken.get(name)
        self.encoders.append(encoder)
        return encoder


@pytest.mark.parametrize(
    "error", [EncoderFailed("stalled", code="encoder_stalled"), DeviceGone("/dev/video11 is gone")]
)
def test_the_very_picture_at_which_one_broke_down_comes_from_the_next_in_a_new_epoch(error: Exception) -> None:
    bench = _Bench()
    bench.feed()
    bench.breaks("plain", error)
    bench.feed()
    bench.feed()
    assert [unit.seq for unit in bench.units] == [0, 1, 2], "no picture is lost"
    assert [unit.key for unit in bench.units] == [True, True, False]
    assert bench.units[1].epoch > bench.units[0].epoch
    assert bench.units[2].epoch == bench.units[1].epoch
    report = bench.rung.report()
    assert (report.encoder, report.sessions, report.refusal) == ("next", 2, "")


def test_the_broken_one_is_closed() -> None:
    bench = _Bench()
    bench.feed()
    running = bench.encoders[-1]
    bench.breaks("plain", EncoderFailed("broke"))
    bench.feed()
    assert running.closed == 1


def test_what_is_no_picture_counts_as_a_breakdown() -> None:
    bench = _Bench()
    bench.feed()
    running = bench.encoders[-1]
    encode = running.encode
    running.encode = lambda frame, *, force_key: [  # type: ignore[method-assign]
        type(unit)(unit.pts, unit.key, b"\x07" * 40) for unit in encode(frame, force_key=force_key)
    ]
    bench.feed()
    assert bench.rung.report().encoder == "next"
    assert len(bench.units) == 2


def test_when_all_break_down_it_says_so_and_comes_back_within_a_second() -> None:
    bench = _Bench()
    bench.feed()
    for name in ("plain", "next"):
        bench.breaks(name, EncoderFailed(f"{name} broke"))
    for _ in range(5):
        bench.feed()
    assert len(bench.units) == 1
    assert bench.rung.report().refusal == "every encoder broke down"
    asked = len(bench.encoders)
    bench.feed()
    assert len(bench.encoders) == asked, "not for every picture"
    bench.mended()
    bench.clock.advance(1000)
    bench.feed()
    assert len(bench.units) == 2
    assert bench.units[1].key
    assert bench.rung.report().refusal == ""


def test_a_cut_at_which_the_encoder_breaks_down_is_not_forgotten() -> None:
    bench = _Bench()
    bench.feed()
    bench.breaks("plain", EncoderFailed("broke"))
    bench.feed(discontinuity=True)
    assert (bench.units[1].key, bench.units[1].discontinuity) == (True, True)


class _Skipping(PlainEncoder):
    """Leaves out every second picture, or holds each back for one."""

    def __init__(self, *, holds: bool) -> None:
        super().__init__()
        self._holds = holds
        self._held: list[Encoded] = []

    def encode(self, frame: Frame, *, force_key: bool) -> Sequence[Encoded]:
        units = list(super().encode(frame, force_key=force_key))
        if not self._holds:
            return units if len(self.forced) % 2 else []
        self._held += units
        return [self._held.pop(0)] if len(self._held) > 1 else []


def _run(encoder: PlainEncoder, cuts: Sequence[bool]) -> tuple[list[Frame], list[AccessUnit]]:
    clock, units = FakeClock(), []  # type: tuple[FakeClock, list[AccessUnit]]
    rung = make_rung(lambda: encoder, clock=clock, publish=units.append, target=TARGET)
    frames = []
    for index, cut in enumerate(cuts):
        frames.append(make_frame(clock, seq=index, live=index % 3 > 0, discontinuity=cut))
        rung.put(frames[-1])
        encode_next(rung)
        clock.advance(20)
    return frames, units


def test_a_cut_at_a_picture_that_the_encoder_leaves_out_goes_to_the_next() -> None:
    _, units = _run(_Skipping(holds=False), [False, False, False, True, False, False, False])
    assert [unit.discontinuity for unit in units] == [False, False, True, False]


def test_units_that_come_late_carry_what_belongs_to_their_own_picture() -> None:
    frames, units = _run(_Skipping(holds=True), [False, False, True, False, False])
    assert len(units) == 4
    for frame, unit in zip(frames, units, strict=False):
        assert unit.pts == pts_of(frame.stamps.captured_ns)
        assert (unit.utc_ns, unit.live, unit.discontinuity) == (frame.utc_ns, frame.live, frame.discontinuity)
        assert unit.stamps.encode_begin_ns == frame.stamps.captured_ns


class _Shared:
    """A rung `view` beside one that takes `taken` of 2 cores' 120 %."""

    def __init__(self, taken: float = 1.0) -> None:
        self.clock = FakeClock()
        self.units: list[AccessUnit] = []
        self.receivers = 1
        self.budget = Budget(cores=2)
        self.budget.enter("main", Load("x264", False, taken))
        self.made = 0
        gate, other = KeyframeGate(clock=self.clock), KeyframeGate(clock=self.clock)
        self.relay = Relay(name="view", own_gate=gate, other_gate=other, publish=self.units.append)
        self.rung: Rung = make_rung(
            self._make,
            clock=self.clock,
            publish=self.units.append,
            target=TARGET,
            gate=gate,
            budget=self.budget,
            relay=self.relay,
            name="view",
            in_use=lambda: self.receivers > 0,
        )

    def feed(self, video: VideoFormat) -> None:
        self.rung.put(make_frame(self.clock, video=video))
        if self.receivers:
            encode_next(self.rung)
        self.relay.offer(make_unit(self.clock, key=not self.units))
        self.clock.advance(20)

    def _make(self) -> PlainEncoder:
        self.made += 1
        return PlainEncoder()


BIG = VideoFormat(1280, 720, SMALL.fps)  # at 50 frames/s 22 % of a core by the trial of tests/media_rungs.py


def test_what_the_board_cannot_afford_is_shared_and_says_why() -> None:
    shared = _Shared()
    shared.feed(BIG)
    shared.feed(BIG)
    assert [unit.format.rung for unit in shared.units] == ["view", "view"]
    report = shared.rung.report()
    assert "plain needs 22%, and 100% is taken of the 120%" in report.shares
    assert (report.encoder, report.refusal, report.units) == ("", "", 0)


def test_with_room_it_has_an_encode_of_its_own() -> None:
    shared = _Shared(taken=0.5)
    shared.feed(BIG)
    assert (shared.rung.report().encoder, shared.rung.report().shares) == ("plain", "")


def test_room_that_comes_free_is_used_within_five_seconds() -> None:
    shared = _Shared()
    shared.feed(BIG)
    shared.budget.enter("main", Load("x264", False, 0.3))
    shared.feed(BIG)
    assert shared.rung.report().shares, "not asked for every picture"
    shared.clock.advance(5000)
    shared.feed(BIG)
    assert (shared.rung.report().encoder, shared.rung.report().shares) == ("plain", "")


def test_it_yields_when_the_first_rung_needs_the_room() -> None:
    shared = _Shared(taken=0.5)
    shared.feed(BIG)
    shared.budget.enter("main", Load("x264", False, 1.1))
    shared.clock.advance(5001)
    shared.feed(BIG)
    shared.feed(BIG)
    assert shared.rung.report().shares
    assert shared.rung.report().encoder == ""


def test_nothing_is_encoded_for_nobody_and_the_encoder_is_let_go() -> None:
    shared = _Shared(taken=0.1)
    shared.feed(BIG)
    shared.receivers = 0
    shared.feed(BIG)
    assert shared.rung._mailbox.take(0) is None
    shared.clock.advance(2001)
    shared.rung._rest()
    assert shared.rung.report().encoder == ""
    assert shared.budget.refusal("archive", Load("x264", False, 1.0)) == "", "its share is free again"


def test_frames_left_out_alone_keep_the_size() -> None:
    clock, units = FakeClock(), []  # type: tuple[FakeClock, list[AccessUnit]]
    rung = make_rung(PlainEncoder, clock=clock, publish=units.append, target=TARGET, fixed=Step(1, 2))
    for _ in range(4):
        rung.put(make_frame(clock))
        encode_next(rung)
        clock.advance(20)
    assert [unit.format.video for unit in units] == [replace(SMALL, fps=SMALL.fps / 2)] * 2


def test_a_reduced_rung_shows_half_the_sides_and_half_the_frames() -> None:
    clock, units = FakeClock(), []  # type: tuple[FakeClock, list[AccessUnit]]
    rung = make_rung(PlainEncoder, clock=clock, publish=units.append, target=TARGET, fixed=Step(2, 2))
    for _ in range(10):
        rung.put(make_frame(clock))
        encode_next(rung)
        clock.advance(20)
    assert len(units) == 5
    video = units[0].format.video
    assert (video.width, video.height, video.fps) == (32, 24, 25)
    assert rung.report().step == Step(2, 2)
    assert not rung.report().degraded, "it is meant to be small"
