from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from edge.media.lineup import Candidate, Lineup, Verdict
from edge.media.suspicion import Suspicion
from edge.media.trial import TrialReport
from edge.model.errors import DeviceGone, EncoderFailed, NotSupported
from edge.model.video import EncodeTarget, VideoFormat
from edge.ports import Encoder
from tests.fakes import SMALL, FakeClock, PlainEncoder
from tests.media_rungs import fact, passed

TARGET = EncodeTarget(1_000_000, 2_000_000)
MINUTE_MS = 60_000


class _Chosen(PlainEncoder):
    def __init__(self, name: str, *, open_error: Exception | None = None) -> None:
        super().__init__()
        self.name = name
        self.open_error = open_error

    def open(self, video: VideoFormat, target: EncodeTarget) -> None:
        if self.open_error is not None:
            raise self.open_error
        super().open(video, target)


class _Bench:
    """A lineup of `first` and `second` whose openings and trials end as the test says."""

    def __init__(self, suspicion: Suspicion | None = None) -> None:
        self.clock = FakeClock()
        self.open_errors: dict[str, Exception] = {}
        self.complaints: dict[str, tuple[str, ...]] = {}
        self.tried: list[str] = []
        small = replace(fact("first", hardware=True), max_width=1920, max_height=1080)
        candidates = [
            Candidate(small, lambda: self._make("first")),
            Candidate(fact("second"), lambda: self._make("second")),
        ]
        self.lineup = Lineup(candidates=candidates, trial=self._trial, clock=self.clock, suspicion=suspicion)

    def chosen(self, video: VideoFormat = SMALL) -> str:
        return self.lineup.choose(video, TARGET)[1].name

    def verdicts(self) -> list[Verdict]:
        return [standing.verdict for standing in self.lineup.standings()]

    def _make(self, name: str) -> _Chosen:
        return _Chosen(name, open_error=self.open_errors.get(name))

    def _trial(self, encoder: Encoder, video: VideoFormat, target: EncodeTarget) -> TrialReport:
        self.tried.append(encoder.name)
        encoder.open(video, target)
        return replace(passed(encoder, video, target), complaints=self.complaints.get(encoder.name, ()))


def test_the_first_that_passes_its_trial_is_chosen_open() -> None:
    bench = _Bench()
    found, encoder = bench.lineup.choose(SMALL, TARGET)
    assert (found.name, encoder.name) == ("first", "first")
    assert isinstance(encoder, PlainEncoder)
    assert encoder.opened == [SMALL]
    assert bench.verdicts() == [Verdict.FIT, Verdict.UNTRIED]


def test_each_is_tried_once() -> None:
    bench = _Bench()
    bench.lineup.prepare(SMALL, TARGET)
    bench.chosen()
    bench.chosen()
    assert bench.tried == ["first"]


def test_one_that_fails_its_trial_is_never_used() -> None:
    bench = _Bench()
    bench.complaints["first"] = ("reorders pictures", "is green")
    assert [bench.chosen(), bench.chosen()] == ["second", "second"]
    standing = bench.lineup.standing("first")
    assert (standing.verdict, standing.reason) == (Verdict.UNFIT, "reorders pictures; is green")
    assert bench.tried == ["first", "second"]


def test_one_that_is_not_there_is_passed_over_and_asked_again_for_the_next_epoch() -> None:
    bench = _Bench()
    bench.open_errors["first"] = DeviceGone("/dev/video11: no such device")
    assert bench.chosen() == "second"
    assert bench.lineup.standing("first").verdict is Verdict.ABSENT
    assert "/dev/video11" in bench.lineup.standing("first").reason
    bench.open_errors.clear()
    assert bench.chosen() == "first"
    assert bench.verdicts() == [Verdict.FIT, Verdict.FIT]


def test_a_format_beyond_one_goes_to_the_next() -> None:
    bench = _Bench()
    assert bench.chosen(VideoFormat(3840, 2160, Fraction(30))) == "second"
    standing = bench.lineup.standing("first")
    assert standing.verdict is Verdict.REFUSED
    assert standing.reason == "first takes 1920x1080 at most, not 3840x2160"
    assert bench.chosen() == "first"


def test_one_that_broke_down_is_replaced_at_once_without_a_trial() -> None:
    bench = _Bench()
    bench.chosen()
    bench.lineup.broke("first", EncoderFailed("no picture within 0.5 s", code="encoder_stalled"))
    assert bench.chosen() == "second"
    assert bench.tried == ["first"], "a picture waits: no time for a trial"
    standing = bench.lineup.standing("first")
    assert (standing.verdict, standing.reason, standing.failures) == (Verdict.FAILED, "no picture within 0.5 s", 1)


def test_one_that_broke_down_may_come_back_after_a_minute_then_after_two() -> None:
    bench = _Bench()
    bench.chosen()
    for minutes in (1, 2, 4):
        bench.lineup.broke("first", EncoderFailed("broke"))
        bench.clock.advance(minutes * MINUTE_MS - 1)
        assert bench.chosen() == "second"
        bench.clock.advance(1)
        assert bench.chosen() == "first"
    assert bench.lineup.standing("first").failures == 3


def test_when_all_broke_down_the_one_that_did_so_first_is_taken_again() -> None:
    bench = _Bench()
    bench.chosen()
    for name in ("first", "second"):
        bench.lineup.broke(name, EncoderFailed("broke"))
        bench.clock.advance(10)
    assert bench.chosen() == "first"


def test_without_any_that_works_the_error_names_each_with_its_reason() -> None:
    bench = _Bench()
    bench.complaints["first"] = ("is green",)
    bench.open_errors["second"] = DeviceGone("second is away")
    for _ in range(2):
        with pytest.raises(EncoderFailed, match=r"second is away.*first: is green"):
            bench.chosen()


def test_a_format_that_none_takes_is_rejected() -> None:
    bench = _Bench()
    bench.open_errors = {name: NotSupported(f"{name}: odd sides") for name in ("first", "second")}
    with pytest.raises(NotSupported, match="odd sides"):
        bench.chosen()
    assert bench.verdicts() == [Verdict.REFUSED, Verdict.REFUSED]


def test_one_that_took_the_process_down_when_it_was_opened_comes_last_for_a_minute(tmp_path: Path) -> None:
    note = tmp_path / "opening-main"
    bench = _Bench(Suspicion(note))
    died = False

    def dies(encoder: Encoder, video: VideoFormat, target: EncodeTarget) -> TrialReport:
        nonlocal died
        died = note.read_text() == "first"
        return passed(encoder, video, target)

    bench.lineup._trial = dies
    bench.chosen()
    assert died, "the name stands on disk while it is opened"
    assert not note.exists(), "and no longer afterwards"
    note.write_text("first")
    after = _Bench(Suspicion(note))
    assert after.chosen() == "second"
    assert after.tried == ["second"]
    assert "died while it was being opened" in after.lineup.standing("first").reason
    after.clock.advance(MINUTE_MS)
    assert after.chosen() == "first"


@pytest.mark.parametrize("content", [b"", b"nobody", b"\xff\xfe"])
def test_a_note_that_says_nothing_suspects_nobody(tmp_path: Path, content: bytes) -> None:
    note = tmp_path / "opening-main"
    note.write_bytes(content)
    assert _Bench(Suspicion(note)).chosen() == "first"


def test_a_note_that_cannot_be_written_keeps_nobody_from_encoding(tmp_path: Path) -> None:
    assert _Bench(Suspicion(tmp_path / "absent" / "opening-main")).chosen() == "first"
