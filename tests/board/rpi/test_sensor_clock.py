"""The sensor's time is monotonic time, whichever clock libcamera took it from."""

from __future__ import annotations

import pytest

from board.rpi.sensor_clock import SensorClock, time_asleep_ns

NOW = 10_000_000_000_000
HOUR = 3_600_000_000_000


@pytest.mark.parametrize(
    ("sensor_ns", "asleep_ns", "captured_ns"),
    [
        (NOW - 30_000_000, 0, NOW - 30_000_000),  # never slept: both clocks are one
        (NOW - 30_000_000, HOUR, NOW - 30_000_000),  # slept, and the time is monotonic
        (NOW - 30_000_000 + HOUR, HOUR, NOW - 30_000_000),  # slept, and the time is boot time
        (NOW + 1, 0, NOW),  # a time to come is now
        (None, HOUR, NOW),
        (0, HOUR, NOW),
    ],
)
def test_time_is_monotonic_and_never_ahead(sensor_ns: int | None, asleep_ns: int, captured_ns: int) -> None:
    assert SensorClock(asleep_ns=lambda: asleep_ns).captured_ns(sensor_ns, NOW) == captured_ns


def test_a_machine_has_not_slept_less_than_not_at_all() -> None:
    assert time_asleep_ns() > -1_000_000
