"""What every table of a TOML file of ours has in common, and the kinds of value that several have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Bitrate = Annotated[int, Field(ge=100_000, le=100_000_000)]
Port = Annotated[int, Field(ge=1, le=65535)]
Side = Annotated[int, Field(ge=1, le=16_384)]
Offset = Annotated[int, Field(ge=0, le=16_384)]
SizeOption = tuple[Side, Side]
RectOption = tuple[Offset, Offset, Side, Side]


class Section(BaseModel):
    """A TOML table: frozen, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def require_inside(what: str, rects: Sequence[RectOption], of: SizeOption) -> None:
    """Raises ValueError naming the first rectangle that the picture of that size does not hold."""
    for x, y, width, height in rects:
        if x + width > of[0] or y + height > of[1]:
            raise ValueError(
                f"{what}: [{x}, {y}, {width}, {height}] does not lie inside the picture of {of[0]}x{of[1]}"
            )
