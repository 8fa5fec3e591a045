"""What FFmpeg says of an error, for the sentence that we make of it. PyAV throws it away unless asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import av.logging

Saying = tuple[int, str, str]


@contextmanager
def heard() -> Iterator[Sequence[Saying]]:
    """FFmpeg's errors on this thread as they come. What it says on others meanwhile is thrown away as ever."""
    level = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    try:
        with av.logging.Capture(local=False), av.logging.Capture() as sayings:
            yield sayings
    finally:
        av.logging.set_level(level)


def reason(sayings: Sequence[Saying], error: Exception) -> str:
    """One line: what was said, each thing once, or else the error."""
    said = (" ".join(message.split()) for _, _, message in sayings)
    return "; ".join(dict.fromkeys(text for text in said if text)) or str(error)
