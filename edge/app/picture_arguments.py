"""The arguments of `encoder.set`, `mask.set` and `log.level`, which a desired document says in the same words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edge.app.arguments import Arguments, BadArgument
from edge.app.picture_wish import LEAST_BPS, Limits
from edge.model.picture import MASK_AREAS, Mask, Sheet, Size
from edge.runtime.log import LEVELS


def bitrate_of(args: Mapping[str, Any], limits: Limits) -> int:
    """In bit/s. Raises Invalid (`range` above the ceiling); the floor is for the wishes to hold."""
    given = Arguments(args)
    bitrate = given.integer("bitrate", least=LEAST_BPS, most=limits.ceiling_bps)
    given.done()
    return bitrate


def mask_of(args: Mapping[str, Any], *, now: Size | None) -> Mask | None:
    """`now` is the size meant where `of` is absent. Raises Invalid: `mask_outside_picture`, `picture_size_unknown`."""
    given = Arguments(args)
    rects = given.rects("rects", most=MASK_AREAS)
    of = given.size("of") or now
    given.done()
    if not rects:
        return None
    if of is None:
        sentence = "of: missing, and there is no picture whose size could be meant"
        raise BadArgument(sentence, argument="of", code="picture_size_unknown")
    return Mask((Sheet(of, rects),))


def log_level_of(given: Arguments, *, name: str = "level") -> str:
    """Raises Invalid."""
    level = given.text(name)
    if level not in LEVELS:
        raise BadArgument(f"{name}: {level!r} is not one of {', '.join(LEVELS)}", argument=name)
    return level
