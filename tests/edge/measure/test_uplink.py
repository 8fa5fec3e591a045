from __future__ import annotations

from dataclasses import replace

import pytest

from edge.measure.uplink import PAYLOAD_BYTES, Sample, Stretch, congested, stretch_of

_RATE = PAYLOAD_BYTES * 8 * 100  # a hundred payloads a second
IDLE = Stretch(200_000, 200_000, 200_000, 40.0, 42.0)
CALM = Stretch(_RATE, _RATE, _RATE, 41.0, 43.0)


def samples(count: int = 41, **changes: object) -> list[Sample]:
    """Two seconds at twenty samples a second: five payloads each, two of them on their way."""
    made = [Sample(n * 0.05, 40.0, n * 5, 2, n * 5, 0, 0) for n in range(count)]
    return [replace(one, **changes) for one in made]  # type: ignore[arg-type]


def test_steady_stretch_is_told_as_it_was() -> None:
    seen = stretch_of(_RATE, samples())
    assert seen == Stretch(_RATE, _RATE, _RATE, 40.0, 40.0, backlog_ms=20.0)
    assert not seen.starved


def test_first_quarter_does_not_count() -> None:
    made = samples()
    for n in range(10):
        made[n] = replace(made[n], rtt_ms=500.0, waiting=90)
    assert stretch_of(_RATE, made).rtt_p95_ms == 40.0


def test_what_waits_is_not_delivered() -> None:
    made = [replace(one, waiting=n) for n, one in enumerate(samples())]  # a payload in five stays behind
    seen = stretch_of(_RATE, made)
    assert seen.delivered_bps == pytest.approx(_RATE * 0.8)
    assert seen.backlog_ms == pytest.approx(310.0)  # what stood at the least all through the last third


def test_dropped_is_neither_delivered_nor_waiting() -> None:
    made = [replace(one, waiting=50, dropped=n) for n, one in enumerate(samples())]
    seen = stretch_of(_RATE, made)
    assert seen.delivered_bps == pytest.approx(_RATE * 0.8)
    assert seen.late == 0.2


def test_loss_is_the_share_sent_again() -> None:
    made = [replace(one, sent=n * 6, sent_again=n) for n, one in enumerate(samples())]
    assert stretch_of(_RATE, made).loss == pytest.approx(1 / 6)


def test_hiccup_of_this_machine_is_no_backlog() -> None:
    made = samples()
    made[-5] = replace(made[-5], waiting=200)
    assert stretch_of(_RATE, made).backlog_ms == 20.0


def test_jitter_is_between_the_middle_and_the_longest() -> None:
    made = [replace(one, rtt_ms=40.0 if n % 10 else 70.0) for n, one in enumerate(samples())]
    assert stretch_of(_RATE, made).jitter_ms == 30.0


def test_sender_that_does_not_manage_is_starved() -> None:
    made = [replace(one, offered=n * 4, sent=n * 4) for n, one in enumerate(samples())]
    assert stretch_of(_RATE, made).starved


def test_two_samples_are_enough() -> None:
    assert stretch_of(_RATE, samples(2)).offered_bps == _RATE


@pytest.mark.parametrize(
    ("change", "full"),
    [
        ({}, False),
        ({"rtt_p50_ms": 69.0}, False),
        ({"rtt_p50_ms": 71.0}, True),
        ({"backlog_ms": 139.0}, False),
        ({"backlog_ms": 141.0}, True),
        ({"loss": 0.07}, False),
        ({"loss": 0.09}, True),
        ({"late": 0.009}, False),
        ({"late": 0.011}, True),
        ({"delivered_bps": _RATE // 2}, False),
    ],
)
def test_path_is_full_by_queue_backlog_loss_or_age(change: dict[str, float], full: bool) -> None:
    """Round trip of 40 ms when idle, 2 % of loss always."""
    assert congested(replace(CALM, **change), IDLE, 0.02) is full  # type: ignore[arg-type]


def test_long_round_trips_may_grow_by_half() -> None:
    far = replace(IDLE, rtt_p50_ms=200.0)
    assert not congested(replace(CALM, rtt_p50_ms=299.0), far, 0.0)
    assert congested(replace(CALM, rtt_p50_ms=301.0), far, 0.0)
