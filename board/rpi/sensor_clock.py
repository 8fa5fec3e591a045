"""When a picture was taken, in CLOCK_MONOTONIC."""

from __future__ import annotations

import time
from collections.abc import Callable


def time_asleep_ns() -> int:
    """How far CLOCK_BOOTTIME is ahead of CLOCK_MONOTONIC: the time that the machine has slept."""
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    boot = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    after = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    return boot - (before + after) // 2


class SensorClock:
    """libcamera documents SensorTimestamp as CLOCK_BOOTTIME, but its Raspberry Pi handlers hand the kernel's
    buffer time through, which is CLOCK_MONOTONIC. The two differ only once the machine has slept, and then
    by more than a picture is old: a time that lies ahead of now can only be boot time.
    """

    def __init__(self, *, asleep_ns: Callable[[], int] = time_asleep_ns) -> None:
        self._asleep_ns = asleep_ns

    def captured_ns(self, sensor_ns: int | None, now_ns: int) -> int:
        """Never later than `now_ns`, which is CLOCK_MONOTONIC; `now_ns` when the camera does not say."""
        if not sensor_ns:
            return now_ns
        if sensor_ns > now_ns:
            sensor_ns -= self._asleep_ns()
        return min(sensor_ns, now_ns)
