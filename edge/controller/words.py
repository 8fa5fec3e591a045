"""Arguments of operations as words of a command line."""

from __future__ import annotations

import json
from typing import Any

from edge.model.errors import Invalid


def argument(word: str) -> tuple[str, Any]:
    """`key=value`: the value as JSON where it is JSON, else as text. Raises Invalid `bad_words`."""
    key, equals, text = word.partition("=")
    if not key or not equals:
        raise Invalid(f"{word!r}: arguments are key=value", code="bad_words")
    try:
        return key, json.loads(text)
    except ValueError:
        return key, text
