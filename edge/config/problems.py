"""What the model says is wrong, in words: `FILE: path.to.key: what was wrong (got VALUE)`."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from edge.config import toml_text
from edge.config.layers import Tree, dotted
from edge.config.model import Config
from edge.config.options import keys_at, tables
from edge.config.secrecy import is_secret, shown
from edge.config.section import Section

_MAX_VALUE = 60
_WORDS: Mapping[str, str] = {
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "path_type": "must be text",
    "tuple_type": "must be an array",
    "model_type": "must be a table",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "multiple_of": "must be a multiple of {multiple_of}",
    "string_pattern_mismatch": "must match {pattern}",
    "string_too_long": "must have {max_length} characters or less",
    "string_too_short": "must not be empty",
    "too_long": "must have {max_length} elements or fewer",
    "too_short": "must have {min_length} elements or more",
    "missing": "is missing",
    "finite_number": "must be a finite number",
}


def problems(
    error: ValidationError, tree: Tree, model: type[Section] = Config, *, origin: str | None = None
) -> list[str]:
    """One line for each, in the order of the model; `origin` names the file where there is only one."""
    return [_line(details, tree, model, origin) for details in error.errors()]


def _line(details: ErrorDetails, tree: Tree, model: type[Section], origin: str | None) -> str:
    path = details["loc"]
    if details["type"] == "extra_forbidden":
        what = _unknown(path, model)
    elif details["type"] == "value_error":
        what = str(details["ctx"]["error"]) + _got(path, details["input"])
    else:
        words = _WORDS.get(details["type"], details["msg"])
        what = words.format_map(details.get("ctx", {})) + _got(path, details["input"])
    origin = origin or tree.origin_of(tuple(str(part) for part in path))
    return f"{origin}: {dotted(path)}: {what}" if path else f"{origin}: {what}"


def _got(path: Sequence[str | int], value: Any) -> str:
    """The refused value, short; nothing for a secret or a whole table."""
    if is_secret(path) or isinstance(value, dict | list):
        return ""
    text = toml_text.value(shown(path, value))
    return f" (got {text if len(text) <= _MAX_VALUE else text[: _MAX_VALUE - 3] + '...'})"


def _unknown(path: Sequence[str | int], model: type[Section]) -> str:
    """The value of an unknown key is never shown: it may be a secret with its key mistyped."""
    near = _nearest(path, model)
    return f"unknown key; did you mean {near}?" if near else "unknown key"


def _nearest(path: Sequence[str | int], model: type[Section]) -> str | None:
    wrong = str(path[-1])
    here = difflib.get_close_matches(wrong, keys_at(model, tuple(path[:-1])), n=1)
    if here:
        return here[0]
    elsewhere = [option.path for table in tables(model) for option in table.options if option.path[-1] == wrong]
    return dotted(elsewhere[0]) if elsewhere else None


def checked(tree: Tree, refuse: Callable[[list[str]], None]) -> Config | None:
    """The configuration, or None after handing what is wrong to `refuse`."""
    try:
        # by way of JSON, where strict means TOML's types: no "80" for 80, yet text for a path
        return Config.model_validate_json(json.dumps(tree.values, default=str), strict=True)
    except ValidationError as error:
        refuse(problems(error, tree))
        return None
