"""The video inputs of a box."""

from __future__ import annotations

from enum import StrEnum


class Input(StrEnum):
    """An input by its name, which is also the name of the rung that its pictures are encoded into."""

    MAIN = "main"
    SECOND = "second"
