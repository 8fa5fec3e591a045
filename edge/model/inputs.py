"""The video inputs of a box, and the rungs that their pictures are encoded into."""

from __future__ import annotations

from enum import StrEnum

TEST_PATTERN = "test-pattern"  # the source that stands in for an input's own while `test.pattern` is on


class Input(StrEnum):
    """An input by its name, which is also the name of its first rung."""

    MAIN = "main"
    SECOND = "second"


class RungName(StrEnum):
    """`archive` is for recordings, `view` for weak viewers: both show what `main` shows."""

    MAIN = "main"
    ARCHIVE = "archive"
    VIEW = "view"
    SECOND = "second"

    @property
    def input(self) -> Input:
        """Whose pictures it carries."""
        return Input.SECOND if self is RungName.SECOND else Input.MAIN

    @property
    def on_demand(self) -> bool:
        """Whether it is encoded only while somebody receives it."""
        return self in (RungName.ARCHIVE, RungName.VIEW)


def input_of(rung: str) -> Input | None:
    """Whose pictures the rung of that name carries; None when there is no such name."""
    return RungName(rung).input if rung in set(RungName) else None
