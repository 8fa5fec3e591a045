"""What differs between two JSON documents, by JSON pointers (RFC 6901). Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Change:
    """`old` and `new` as JSON text, None where there is nothing."""

    path: str
    old: str | None
    new: str | None

    def __str__(self) -> str:
        if self.old is None:
            return f"+ {self.path} {self.new}"
        return f"- {self.path} {self.old}" if self.new is None else f"~ {self.path} {self.old} -> {self.new}"


def differences(old: Any, new: Any) -> list[Change]:
    """Leaf by leaf, in the order of names. Lists are compared whole: their places mean something."""
    return list(_walk("", old, new))


def _walk(path: str, old: Any, new: Any) -> Iterator[Change]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in sorted(old.keys() | new.keys()):
            pointer = f"{path}/{str(name).replace('~', '~0').replace('/', '~1')}"
            yield from _walk(pointer, old.get(name, _ABSENT), new.get(name, _ABSENT))
    elif not _same(old, new):
        yield Change(path or "/", _text(old), _text(new))


def _same(old: Any, new: Any) -> bool:
    """JSON tells true from 1, Python does not."""
    return _text(old) == _text(new)


def _text(value: Any) -> str | None:
    return None if value is _ABSENT else json.dumps(value, ensure_ascii=False, sort_keys=True)
