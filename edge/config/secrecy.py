"""What of a setting may be shown to people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

HIDDEN = "***"
_SECRET_KEY = re.compile(r"pass|secret|token|credential|private|(^|_)(key|psk|pin)($|_)", re.IGNORECASE)
_SECRET_QUERY = re.compile(r"([?&][^=&#]*(?:pass|pwd|secret|token|key|auth|cred|sig)[^=&#]*=)[^&#]*", re.IGNORECASE)
_USER_PASSWORD = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^/@:\s]*:)[^\s]+@", re.IGNORECASE)


def is_secret(path: Sequence[str | int]) -> bool:
    """Whether the key by its name holds a secret; one that names a file with it, or asks for it, does not."""
    names = [part for part in path if isinstance(part, str)]
    plain = bool(names) and (names[-1].endswith("_file") or names[-1].startswith("require_"))
    return bool(names) and bool(_SECRET_KEY.search(names[-1])) and not plain


def shown(path: Sequence[str | int], value: Any) -> Any:
    """The value as people may see it: secrets and passwords inside addresses are starred out."""
    if is_secret(path):
        return HIDDEN
    if isinstance(value, str):
        return _USER_PASSWORD.sub(rf"\g<1>{HIDDEN}@", _SECRET_QUERY.sub(rf"\g<1>{HIDDEN}", value))
    if isinstance(value, dict):
        return {key: shown((*path, key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [shown(path, inner) for inner in value]
    return value
