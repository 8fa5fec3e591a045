"""What every table of a TOML file of ours has in common, and the kinds of value that several have."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Bitrate = Annotated[int, Field(ge=100_000, le=100_000_000)]
Port = Annotated[int, Field(ge=1, le=65535)]
Side = Annotated[int, Field(ge=1, le=16_384)]
Offset = Annotated[int, Field(ge=0, le=16_384)]
SizeOption = tuple[Side, Side]
_ORIGIN = re.compile(r"(https?)://(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:]+\])(?::([1-9][0-9]{0,4}))?")
_OWN_PORTS = {"http": "80", "https": "443"}
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


def require_origin(text: str) -> None:
    """Raises ValueError where that is not the origin of a site as browsers write it (RFC 6454)."""
    origin = _ORIGIN.fullmatch(text)
    if origin is None:
        raise ValueError(f"{text!r} is not a site: https://HOST or https://HOST:PORT, in small letters, nothing behind")
    if origin[2] == _OWN_PORTS[origin[1]]:
        raise ValueError(f"{text!r} must not name port {origin[2]}, which browsers leave out")
