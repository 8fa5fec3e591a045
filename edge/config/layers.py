"""Layers of settings laid over one another, remembering which layer set what."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.model.errors import Invalid

KeyPath = tuple[str, ...]
DEFAULTS = "default"


def dotted(path: Sequence[str | int]) -> str:
    return ".".join(str(part) for part in path)


@dataclass(slots=True)
class Tree:
    """Settings as nested tables; `origins` says which layer last set each key."""

    values: dict[str, Any]
    origins: dict[KeyPath, str] = field(default_factory=dict)

    def lay(self, values: Mapping[str, Any], origin: str) -> None:
        """Lay a layer over what is there: tables merge, everything else (arrays too) replaces."""
        self._lay_into(self.values, values, (), origin)

    def _lay_into(self, target: dict[str, Any], values: Mapping[str, Any], at: KeyPath, origin: str) -> None:
        for key, value in values.items():
            path = (*at, key)
            if isinstance(value, Mapping):
                table = target.get(key)
                target[key] = dict(table) if isinstance(table, Mapping) else {}
                self._lay_into(target[key], value, path, origin)
            else:
                target[key] = value
                self._note(path, origin)

    def set(self, path: KeyPath, value: Any, origin: str) -> None:
        """Set one key; a number in the path counts the elements of an array from 0. Raises Invalid."""
        node: Any = self.values
        for depth, part in enumerate(path[:-1]):
            if not isinstance(node, list) and not isinstance(node.get(part), dict | list):
                node[part] = {}
            index = _index(node, part, path[: depth + 1])
            node[index] = node = deepcopy(node[index])
        node[_index(node, path[-1], path)] = value
        self._note(path, origin)

    def origin_of(self, path: KeyPath) -> str:
        """The layer that set this key, the table around it or, last of all, something inside it."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.origins:
                return self.origins[path[:end]]
        inside = [origin for key, origin in self.origins.items() if key[: len(path)] == path]
        return inside[-1] if inside else DEFAULTS

    def _note(self, path: KeyPath, origin: str) -> None:
        for key in [key for key in self.origins if key[: len(path)] == path]:
            del self.origins[key]
        self.origins[path] = origin


def _index(node: Any, part: str, path: KeyPath) -> Any:
    if not isinstance(node, list):
        return part
    if not part.isdecimal() or int(part) >= len(node):
        raise Invalid(f"{dotted(path)}: the array has {len(node)} element(s), counted from 0", code="config")
    return int(part)


def read_toml(path: Path) -> Mapping[str, Any]:
    """The tables of a TOML file. Raises Invalid naming file and, for a syntax error, its place."""
    try:
        return toml_of(path.read_bytes(), str(path))
    except OSError as error:
        raise Invalid(f"{path}: cannot be read: {error.strerror}", code="config") from error


def toml_of(content: bytes, where: str) -> Mapping[str, Any]:
    """Raises Invalid as `read_toml` does, with `where` for the file."""
    try:
        return tomllib.loads(content.decode())
    except UnicodeDecodeError as error:
        raise Invalid(f"{where}: is not UTF-8 text (byte {error.start})", code="config") from error
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"{where}: is not TOML: {error}", code="config") from error


def parse_set(text: str) -> tuple[KeyPath, Any]:
    """`a.b.c=value`: the key path, and the value as TOML or, where that is none, as a bare string."""
    key, equals, value = text.partition("=")
    path = tuple(part.strip() for part in key.split("."))
    if not equals or not all(path):
        raise Invalid(f"{key.strip() or '(nothing)'}: must be KEY=VALUE, as in web.port=8080", code="config")
    return path, _toml_value(value.strip())


def _toml_value(text: str) -> Any:
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return parsed["value"] if len(parsed) == 1 else text
