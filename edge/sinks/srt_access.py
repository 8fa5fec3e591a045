"""Who calls and what for: stream ids in SRT's access-control syntax, `#!::u=NAME,r=...,m=request`.

Source: docs/features/access-control.md and access_control.h of libsrt 1.5.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from edge.model.errors import Invalid

_MARK, _FLAT = "#!", "#!::"
_KEY = re.compile(r"[a-z]|[A-Za-z0-9]+_[A-Za-z0-9_]+")  # a letter, or somebody's own behind a name and a stroke
_STANDARD = frozenset("urhstm")
_KINDS = ("stream", "file", "auth")
_MODES = ("request", "publish", "bidirectional")


@dataclass(frozen=True, slots=True)
class StreamId:
    """`text` as it came; the rest is empty where it does not say, and in a stream id of free form."""

    text: str
    user: str = ""
    resource: str = ""
    kind: str = ""
    mode: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)


def parse_stream_id(text: str) -> StreamId:
    """One that does not begin with `#!` is of free form. Raises Invalid (`bad_stream_id`) naming the part."""
    if not text.startswith(_MARK):
        return StreamId(text)
    if not text.startswith(_FLAT):
        raise _bad(f"after '#!' must come '::' and key=value pairs, got {text[:8]!r}")
    keys = _pairs(text.removeprefix(_FLAT))
    return StreamId(
        text,
        user=keys.get("u", ""),
        resource=keys.get("r", ""),
        kind=_one_of("t", keys, _KINDS),
        mode=_one_of("m", keys, _MODES),
        keys=keys,
    )


def _pairs(text: str) -> dict[str, str]:
    keys: dict[str, str] = {}
    for pair in text.split(","):
        key, equals, value = pair.partition("=")
        if not (equals and value and value.isprintable()):
            raise _bad(f"{pair[:40]!r} is not key=value")
        if not _KEY.fullmatch(key) or (len(key) == 1 and key not in _STANDARD):
            raise _bad(f"key {key[:40]!r} is none of {', '.join(sorted(_STANDARD))} and not of the form name_key")
        if key in keys:
            raise _bad(f"key {key!r} stands twice")
        keys[key] = value
    return keys


def _one_of(key: str, keys: Mapping[str, str], known: tuple[str, ...]) -> str:
    value = keys.get(key, "")
    if value and value not in known:
        raise _bad(f"{key}={value[:40]!r} is not one of {', '.join(known)}")
    return value


def _bad(what: str) -> Invalid:
    return Invalid(f"SRT stream id: {what}", code="bad_stream_id")
