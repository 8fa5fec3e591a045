"""The figures of a run, from pictures that the test makes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.bench.network_figures import LineSample, Run, Shown


def run(shown: list[Shown], *, seconds: float = 10, line: list[LineSample] | None = None) -> Run:
    return Run(seconds=seconds, shown=shown, line=line or [], lost=0.0, sent=len(shown))


def steady(begin_s: float, end_s: float, *, late_ms: float = 50, fps: int = 30) -> list[Shown]:
    """Shown at a steady rate between two times."""
    count = round((end_s - begin_s) * fps)
    times = [begin_s + index / fps for index in range(count)]
    return [Shown(at_s - late_ms / 1000, at_s) for at_s in times]


def test_percentiles_are_of_what_was_shown_in_that_time() -> None:
    one = run(steady(0, 5, late_ms=40) + steady(5, 10, late_ms=400))
    assert one.late_ms(0.5, 0, 5) == pytest.approx(40)
    assert one.late_ms(0.5, 5, 10) == pytest.approx(400)
    assert run([]).late_ms(0.5) is None


def test_freeze_is_more_than_200_ms_without_a_new_picture() -> None:
    assert run(steady(0, 10)).freezes_s() == []
    assert run(steady(0, 4) + steady(4.15, 10)).freezes_s() == []
    [freeze] = run(steady(0, 4) + steady(4.5, 10)).freezes_s()
    assert freeze == pytest.approx(0.5 + 1 / 30)


def test_picture_that_never_comes_is_a_freeze_to_the_end() -> None:
    assert run(steady(0, 4)).freezes_s()[-1] == pytest.approx(6 + 1 / 30)
    assert run([]).freezes_s() == [10]


def test_first_picture_after_a_change_was_captured_after_it() -> None:
    late = [Shown(4.9, 5.4), Shown(5.1, 5.6)]
    assert run(late).first_after_s(5.0) == pytest.approx(0.6)
    assert run(late).first_after_s(6.0) is None


def test_settled_is_when_95_percent_of_the_rest_is_young() -> None:
    one = run(steady(0, 5) + steady(5, 6.5, late_ms=800) + steady(6.5, 10))
    assert one.settled_after_s(5.0, limit_ms=200) == pytest.approx(1.3, abs=0.2)
    assert run(steady(0, 10, late_ms=300)).settled_after_s(5.0, limit_ms=200) is None
    assert run(steady(0, 10)).settled_after_s(5.0, limit_ms=200) == pytest.approx(0, abs=0.04)


def test_rate_is_between_the_samples_of_that_time() -> None:
    line = [LineSample(at_s, int(at_s * 1e6 / 8)) for at_s in range(11)]
    assert run([], line=line).rate_bps() == pytest.approx(1e6)
    assert run([], line=line).rate_bps(3, 5) == pytest.approx(1e6)
    assert run([], line=line[:1]).rate_bps() == 0


def test_longest_queue_and_likeness_are_of_what_was_measured() -> None:
    one = replace(run([], line=[LineSample(0, 0, 30), LineSample(1, 0, 90)]), psnr_db=[40.0, 20.0, 41.0])
    assert one.longest_sender_queue_ms == 90
    assert (one.picture_db(0.05), one.picture_db(0.5)) == (20, 40)
    assert run([]).picture_db(0.5) is None
    assert run([]).longest_sender_queue_ms is None
