"""Arguments of commands: each is taken by name and type, what is left over is an error."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from edge.model.errors import Invalid
from edge.model.rect import Rect

_MISSING = object()
_LARGEST_PX = 16_384


class BadArgument(Invalid):
    """`argument` is the one at fault."""

    def __init__(self, message: str, *, argument: str, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.argument = argument


@contextlib.contextmanager
def about(argument: str) -> Iterator[None]:
    """What is Invalid in there is that argument's fault."""
    try:
        yield
    except BadArgument:
        raise
    except Invalid as error:
        raise BadArgument(str(error), argument=argument, code=error.code) from error


class Arguments:
    """Use: take each argument, then `done()`. Every error is a BadArgument and its sentence names the argument."""

    def __init__(self, args: Mapping[str, Any]) -> None:
        self._left = dict(args)

    def text(self, name: str, *, pattern: str | None = None, default: str | None = None) -> str:
        value = self._take(name, _MISSING if default is None else default)
        if not isinstance(value, str):
            raise _bad(name, f"expected text, got {_shown(value)}")
        if pattern is not None and re.fullmatch(pattern, value) is None:
            raise _bad(name, f"{_shown(value)} does not match {pattern}")
        return value

    def secret(self, name: str) -> str | None:
        """Text that no message repeats; None when it is not given."""
        value = self._take(name, None)
        if value is not None and not isinstance(value, str):
            raise _bad(name, "expected text")
        return value

    def integer(self, name: str, *, least: int, most: int, default: int | None = None) -> int:
        value = self._take(name, _MISSING if default is None else default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise _bad(name, f"expected a whole number, got {_shown(value)}")
        if not least <= value <= most:
            raise _bad(name, f"{value} is outside {least}..{most}", code="range")
        return value

    def number(self, name: str, *, least: float, most: float) -> float:
        value = self._take(name, _MISSING)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _bad(name, f"expected a number, got {_shown(value)}")
        if not least <= value <= most:
            raise _bad(name, f"{value} is outside {least:g}..{most:g}", code="range")
        return float(value)

    def part(self, name: str) -> Mapping[str, Any] | None:
        """An object; None when it is not given."""
        value = self._take(name, None)
        if value is not None and not isinstance(value, dict):
            raise _bad(name, f"expected an object, got {_shown(value)}")
        return value

    def flag(self, name: str, *, default: bool | None = None) -> bool:
        value = self._take(name, _MISSING if default is None else default)
        if not isinstance(value, bool):
            raise _bad(name, f"expected true or false, got {_shown(value)}")
        return value

    def size(self, name: str) -> tuple[int, int] | None:
        """[width, height] in pixels; None when it is not given."""
        value = self._take(name, None)
        if value is None:
            return None
        width, height = _numbers(name, value, ("width", "height"))
        return width, height

    def rects(self, name: str, *, most: int) -> tuple[Rect, ...]:
        """A list of [x, y, width, height], at most so many."""
        value = self._take(name, _MISSING)
        if not isinstance(value, list) or len(value) > most:
            raise _bad(name, f"expected a list of at most {most} rectangles, got {_shown(value)}")
        words = ("x", "y", "width", "height")
        return tuple(Rect(*_numbers(f"{name}[{index}]", one, words)) for index, one in enumerate(value))

    def done(self) -> None:
        if self._left:
            left = sorted(map(str, self._left))
            raise BadArgument(f"{', '.join(left)}: not an argument of this operation", argument=left[0])

    def _take(self, name: str, default: object) -> Any:
        value = self._left.pop(name, default)
        if value is _MISSING:
            raise _bad(name, "missing")
        return value


def _numbers(name: str, value: object, words: tuple[str, ...]) -> tuple[int, ...]:
    shape = f"[{', '.join(words)}]"
    if not isinstance(value, list) or len(value) != len(words):
        raise _bad(name, f"expected {shape}, got {_shown(value)}")
    for word, number in zip(words, value, strict=True):
        least = 0 if word in ("x", "y") else 1
        if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= _LARGEST_PX:
            raise BadArgument(
                f"{name}: {word} must be a whole number within {least}..{_LARGEST_PX}, got {_shown(number)}",
                argument=name,
            )
    return tuple(value)


def _bad(name: str, sentence: str, *, code: str | None = None) -> BadArgument:
    return BadArgument(f"{name}: {sentence}", argument=name, code=code)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
