"""Notices a picture that no longer changes by a single bit: a frozen source, not a still scene.

A camera's noise changes every picture, so bit-identical ones mean that somebody repeats them.
"""

from __future__ import annotations

from edge.media.layout import Bytes, first_plane, sparse_bytes
from edge.model.frame import Frame
from edge.model.video import VideoFormat

# Primes, so that what blinks in every second or fourth picture is not compared with its like
_PART_COUNTS = (13, 11, 7, 5, 3, 1)


class FreezeWatch:
    """`after_ns` of identical pictures is a freeze; 0 turns the watch off. Takes every layout.

    While the picture moves only a sparse sample is compared. Once that stands still, each frame
    one part of the first plane is compared with what it was a round ago; there are so few parts
    that all have been compared within `after_ns`.
    """

    def __init__(self, *, after_ns: int) -> None:
        self._after_ns = after_ns
        self._format: VideoFormat | None = None
        self._sample = b""
        self._parts: dict[int, bytes] = {}
        self._turn = 0
        self._still_since_ns: int | None = None

    def observe(self, frame: Frame) -> int | None:
        """The capture time (ns, monotonic) since which the picture has stood still, None when it moves."""
        if self._after_ns == 0:
            return None
        captured_ns = frame.stamps.captured_ns
        if not self._same_as_before(first_plane(frame), frame.format) or self._still_since_ns is None:
            self._still_since_ns = captured_ns
            return None
        frozen = captured_ns - self._still_since_ns >= self._after_ns
        return self._still_since_ns if frozen else None

    def _same_as_before(self, rows: Bytes, video: VideoFormat) -> bool:
        sample = sparse_bytes(rows)
        if sample != self._sample or video != self._format:
            self._sample, self._format = sample, video
            self._parts.clear()
            self._turn = 0
            return False
        count = self._part_count(video)
        index = self._turn % count
        self._turn += 1
        part = rows[len(rows) * index // count : len(rows) * (index + 1) // count].tobytes()
        before = self._parts.get(index)
        self._parts[index] = part
        if before is None or before == part:
            return True
        self._parts.clear()
        return False

    def _part_count(self, video: VideoFormat) -> int:
        """Each part is compared with itself within two rounds."""
        frames = int(self._after_ns * video.fps / 1_000_000_000)
        return next((count for count in _PART_COUNTS if count <= frames // 2), 1)
