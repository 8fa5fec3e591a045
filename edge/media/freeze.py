"""Notices a picture that no longer changes by a single bit: a frozen source, not a still scene.

A camera's noise changes every picture, so bit-identical ones mean that somebody repeats them.
"""

from __future__ import annotations

import zlib

import numpy as np

from edge.model.frame import Frame

_SPARSE_STEP = 4099  # a prime, so that samples do not line up with rows
_SUM_EVERY_NS = 100_000_000


class FreezeWatch:
    """`after_ns` of identical pictures is a freeze; 0 turns the watch off.

    While the picture moves only a sparse sample is compared; the whole luma plane is summed
    only once the sample has stood still, and then ten times a second.
    """

    def __init__(self, *, after_ns: int) -> None:
        self._after_ns = after_ns
        self._sample = b""
        self._sum: int | None = None
        self._summed_ns = 0
        self._still_since_ns: int | None = None

    def observe(self, frame: Frame) -> int | None:
        """The capture time (ns, monotonic) since which the picture has stood still, None when it moves."""
        if self._after_ns == 0:
            return None
        luma = np.frombuffer(frame.lease.planes[0].memory, np.uint8)
        captured_ns = frame.stamps.captured_ns
        if not self._same_as_before(luma, captured_ns) or self._still_since_ns is None:
            self._still_since_ns = captured_ns
            return None
        frozen = captured_ns - self._still_since_ns >= self._after_ns
        return self._still_since_ns if frozen else None

    def _same_as_before(self, luma: np.ndarray[tuple[int], np.dtype[np.uint8]], now_ns: int) -> bool:
        sample = luma[::_SPARSE_STEP].tobytes()
        if sample != self._sample:
            self._sample, self._sum = sample, None
            return False
        if self._sum is not None and now_ns - self._summed_ns < _SUM_EVERY_NS:
            return True
        before, self._sum, self._summed_ns = self._sum, zlib.crc32(luma.data), now_ns
        return before is None or before == self._sum
