"""TOML text of plain values (the standard library reads TOML but does not write it)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def key(text: str) -> str:
    return text if _BARE_KEY.fullmatch(text) else value(text)


def value(item: Any) -> str:
    """A number, truth value, string, or an array or inline table of such; None is left out of tables."""
    if isinstance(item, str):
        return json.dumps(str(item), ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(item, Mapping):
        pairs = (f"{key(name)} = {value(inner)}" for name, inner in item.items() if inner is not None)
        return "{" + ", ".join(pairs) + "}"
    if isinstance(item, Sequence):
        return "[" + ", ".join(value(inner) for inner in item) + "]"
    return json.dumps(item)


def document(tables: Mapping[str, Any]) -> str:
    """A whole file: options before tables; None stands as a comment, since TOML has no null."""
    return "\n".join(_lines(tables, ())).strip() + "\n"


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    for name, item in table.items():
        if item is None:
            yield f"# {key(name)} is not set"
        elif not _is_tables(item):
            yield f"{key(name)} = {value(item)}"
    for name, item in table.items():
        header = ".".join(key(part) for part in (*path, name))
        if isinstance(item, Mapping):
            yield from ("", f"[{header}]", *_lines(item, (*path, name)))
        elif _is_tables(item):
            for element in item:
                yield from ("", f"[[{header}]]", *_lines(element, (*path, name)))


def _is_tables(item: Any) -> bool:
    return isinstance(item, Mapping) or (isinstance(item, list) and bool(item) and isinstance(item[0], Mapping))
