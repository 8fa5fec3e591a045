from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from edge.media.epochs import Wish
from edge.media.keyframe_gate import KeyframeGate
from edge.media.ladder import LadderSpec
from edge.model import sei
from edge.model.feedback import KeyframeRequest
from edge.model.frame import AccessUnit, Frame, pts_of
from edge.model.video import Codec, Colorimetry, EncodeTarget, Pixel, Range, VideoFormat
from tests.fakes import SMALL, FakeClock, PlainEncoder, make_frame
from tests.media_rungs import encode_next, make_rung

TARGET = EncodeTarget(8_000_000, 20_000_000)


class _Bench:
    """A rung on a fake clock; `feed` encodes one frame at a time."""

    def __init__(self, *, live_retarget: bool = True) -> None:
        self.clock = FakeClock()
        self.made: list[PlainEncoder] = []
        self.units: list[AccessUnit] = []
        self.gate = KeyframeGate(clock=self.clock)
        self.live_retarget = live_retarget
        self.refuse = False
        self.rung = make_rung(self._make, clock=self.clock, publish=self.units.append, target=TARGET, gate=self.gate)

    def feed(self, frame: Frame | None = None) -> None:
        self.rung.put(frame or make_frame(self.clock))
        before = len(self.units)
        encode_next(self.rung)
        self.clock.advance(20)
        self.passed = len(self.units) - before

    @property
    def encoders(self) -> list[PlainEncoder]:
        """The first one made was for the trial."""
        return self.made[1:]

    def aim(self, target: EncodeTarget) -> None:
        self.rung.aim(Wish(target, LadderSpec(on=False)))

    def _make(self) -> PlainEncoder:
        encoder = PlainEncoder(live_retarget=self.live_retarget)
        encoder.refuses = self.refuse
        self.made.append(encoder)
        return encoder


def test_new_target_holds_from_the_next_frame_on() -> None:
    bench = _Bench()
    bench.feed()
    bench.aim(EncodeTarget(3_000_000, 6_000_000, 4.0))
    bench.feed()
    assert bench.encoders[0].targets[-1] == EncodeTarget(3_000_000, 6_000_000, 4.0)
    assert bench.rung.report().target_bps == 3_000_000


def test_each_frame_is_encoded_once_with_its_capture_time() -> None:
    bench = _Bench()
    for _ in range(5):
        bench.feed()
    assert len(bench.units) == 5
    assert [unit.seq for unit in bench.units] == [0, 1, 2, 3, 4]
    for unit in bench.units:
        assert unit.pts == pts_of(unit.stamps.captured_ns)
        found = sei.find(Codec.H264, unit.data)
        assert found is not None
        assert (found.utc_ns, found.seq, found.live) == (unit.utc_ns, unit.seq, True)
        assert found.uncertainty_us == 50


def test_frame_that_is_not_live_says_so_in_unit_and_sei() -> None:
    bench = _Bench()
    bench.feed(make_frame(bench.clock, live=False))
    found = sei.find(Codec.H264, bench.units[0].data)
    assert found is not None
    assert not found.live
    assert not bench.units[0].live


def test_discontinuity_forces_a_keyframe() -> None:
    bench = _Bench()
    bench.feed()
    bench.feed(make_frame(bench.clock, discontinuity=True))
    assert bench.encoders[0].forced == [False, True]
    assert bench.units[1].key


def test_request_through_the_gate_forces_one_keyframe() -> None:
    bench = _Bench()
    bench.feed()
    bench.clock.advance(1000)
    bench.gate.request(KeyframeRequest("viewer", "pli"))
    bench.feed()
    bench.feed()
    assert bench.encoders[0].forced == [False, True, False]


def test_new_bitrate_reaches_the_running_encoder_without_a_new_epoch() -> None:
    bench = _Bench()
    bench.feed()
    bench.aim(EncodeTarget(2_000_000, 20_000_000))
    bench.feed()
    assert len(bench.encoders) == 1
    assert bench.encoders[0].targets[-1].bitrate_bps == 2_000_000
    assert bench.units[0].epoch == bench.units[1].epoch


def test_encoder_that_cannot_follow_gets_a_successor_in_a_new_epoch() -> None:
    bench = _Bench(live_retarget=False)
    bench.feed()
    bench.aim(EncodeTarget(2_000_000, 20_000_000))
    bench.feed()
    assert len(bench.encoders) == 2
    assert bench.encoders[0].closed == 1
    assert bench.units[1].epoch > bench.units[0].epoch
    assert bench.units[1].key


def test_new_mode_is_a_new_epoch_that_starts_with_a_keyframe() -> None:
    bench = _Bench()
    bench.feed()
    other = VideoFormat(128, 96, Fraction(25))
    bench.feed(make_frame(bench.clock, video=other))
    bench.feed(make_frame(bench.clock, video=SMALL))
    assert [unit.format.video for unit in bench.units] == [SMALL, other, SMALL]
    assert len({unit.epoch for unit in bench.units}) == 3
    assert all(unit.key for unit in bench.units)


def test_change_of_layout_alone_keeps_encoder_and_epoch() -> None:
    bench = _Bench()
    for video in (replace(SMALL, pixel=Pixel.UYVY422), SMALL, replace(SMALL, pixel=Pixel.RGB24, range=Range.FULL)):
        bench.feed(make_frame(bench.clock, video=video))
    assert len(bench.encoders) == 1
    assert {unit.epoch for unit in bench.units} == {bench.units[0].epoch}
    assert bench.units[0].format.video == SMALL


@pytest.mark.parametrize("other", [replace(SMALL, range=Range.FULL), replace(SMALL, colorimetry=Colorimetry.SYCC)])
def test_change_of_coded_colour_is_a_new_epoch(other: VideoFormat) -> None:
    bench = _Bench()
    bench.feed()
    bench.feed(make_frame(bench.clock, video=other))
    assert bench.units[1].epoch > bench.units[0].epoch


def test_time_never_runs_backwards() -> None:
    bench = _Bench()
    late = make_frame(bench.clock)
    bench.clock.advance(5)
    bench.feed()
    bench.feed(late)
    assert bench.passed == 0
    assert len(bench.units) == 1


def test_cut_of_a_frame_that_came_too_late_is_owed_to_the_next() -> None:
    bench = _Bench()
    late = make_frame(bench.clock, discontinuity=True)
    bench.clock.advance(5)
    bench.feed()
    bench.feed(late)
    bench.feed()
    assert bench.units[-1].key
    assert bench.units[-1].discontinuity
    bench.feed()
    assert not bench.units[-1].discontinuity, "it is owed once"


def test_format_that_the_encoder_refuses_is_reported_and_the_next_one_encoded() -> None:
    bench = _Bench()
    bench.refuse = True
    bench.feed()
    bench.feed()
    assert bench.units == []
    assert len(bench.encoders) == 1, "it is asked once, not for each frame"
    assert "too small" in bench.rung.report().refusal
    bench.refuse = False
    bench.feed(make_frame(bench.clock, video=VideoFormat(128, 96, Fraction(25))))
    assert len(bench.units) == 1
    assert bench.rung.report().refusal == ""


def test_leases_go_back_even_when_the_frame_is_not_encoded() -> None:
    bench, back = _Bench(), []
    late = make_frame(bench.clock, give_back=lambda: back.append(1))
    bench.clock.advance(5)
    bench.feed()
    bench.feed(late)
    assert back == [1]


def test_report_names_what_runs() -> None:
    bench = _Bench()
    bench.feed()
    bench.feed()
    report = bench.rung.report()
    assert (report.encoder, report.units, report.keyframes, report.sessions) == ("plain", 2, 1, 1)
    assert report.target_bps == 8_000_000
