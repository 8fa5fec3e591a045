"""The options of the model as a flat list: for suggestions, the documentation and the example file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from edge.config.section import Section


@dataclass(frozen=True, slots=True)
class Option:
    """`path` without array indices; `default` as the model has it; `limits` in words, may be empty."""

    path: tuple[str, ...]
    default: Any
    limits: str
    description: str


@dataclass(frozen=True, slots=True)
class Table:
    """A section of the file: its options, in order. `array` when it is an array of tables, `absent` when that is
    empty by default."""

    path: tuple[str, ...]
    array: bool
    description: str
    options: tuple[Option, ...]
    absent: bool = False


def section_of(field: FieldInfo) -> tuple[type[Section] | None, bool]:
    """(the section that this field holds, whether it is an array of them); (None, False) for an option."""
    kind = _without_none(field.annotation)
    if isinstance(kind, type) and issubclass(kind, Section):
        return kind, False
    if get_origin(kind) is tuple:
        inner = get_args(kind)[0]
        if isinstance(inner, type) and issubclass(inner, Section):
            return inner, True
    return None, False


def _without_none(kind: Any) -> Any:
    """What an optional section holds when it is there."""
    held = [part for part in get_args(kind) if part is not NoneType]
    return held[0] if get_origin(kind) is UnionType and len(held) == 1 else kind


def tables(
    model: type[Section], path: tuple[str, ...] = (), *, array: bool = False, absent: bool = False
) -> Iterator[Table]:
    """This section and all below it, outermost first."""
    fields = model.model_fields.items()
    options = tuple(_option((*path, name), field) for name, field in fields if section_of(field)[0] is None)
    yield Table(path, array, " ".join((model.__doc__ or "").split()), options, absent)
    for name, field in fields:
        section, is_array = section_of(field)
        if section is not None:
            empty = absent or (is_array and field.default == ())
            yield from tables(section, (*path, name), array=is_array, absent=empty)


def keys_at(model: type[Section], path: tuple[str | int, ...]) -> tuple[str, ...]:
    """The keys that the section at `path` knows; empty when there is no section."""
    for part in path:
        if isinstance(part, int):
            continue
        section = section_of(model.model_fields[part])[0] if part in model.model_fields else None
        if section is None:
            return ()
        model = section
    return tuple(model.model_fields)


def _option(path: tuple[str, ...], field: FieldInfo) -> Option:
    return Option(path=path, default=field.default, limits=_limits(field), description=field.description or "")


def _limits(field: FieldInfo) -> str:
    kind = field.annotation
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return _choices([str(member) for member in kind])
    if isinstance(field.default, str) and get_args(kind):
        return _choices([str(choice) for choice in get_args(kind)])
    if isinstance(field.default, bool):
        return "`true` or `false`"
    if isinstance(field.default, tuple):
        most = next((rule.max_length for rule in field.metadata if hasattr(rule, "max_length")), None)
        return f"{most} elements or fewer" if most else ""
    bounds = {name: getattr(rule, name) for rule in field.metadata for name in _BOUNDS if hasattr(rule, name)}
    return ", ".join(words.format(bounds[name]) for name, words in _BOUNDS.items() if name in bounds)


_BOUNDS = {
    "ge": "{} or more",
    "le": "{} or less",
    "multiple_of": "a multiple of {}",
    "pattern": "matches `{}`",
    "max_length": "{} characters or less",
}


def _choices(words: list[str]) -> str:
    return "one of " + ", ".join(f"`{word}`" for word in words)
