"""Messages between a viewer and the box over the session's data channel (docs/contracts/viewer.md). Pure, no I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from edge.model.errors import Invalid

VERSION = 1
MAX_BYTES = 4096
_MAX_ID = 2**53 - 1  # what JSON numbers hold in every browser
_MAX_MS = 600_000.0
_CODE = re.compile(r"[a-z][a-z0-9_]{0,31}")
_NAME = re.compile(r"[ -~]{1,64}")


@dataclass(frozen=True, slots=True)
class Ping:
    """`sent_ms` is the viewer's own clock; it goes back as it came."""

    id: int
    sent_ms: float


@dataclass(frozen=True, slots=True)
class ViewerFigures:
    """What a viewer measured over its last 10 s; delays in ms, None where it does not know.

    `uncertainty_ms` is that of the delays; `age_ms` how long ago the newest picture that is proven new was captured;
    `frozen` how many pictures were not proven new; `source` what tells the capture times (`sei`, `capture_time`).
    `reason` is the code of why the viewer says NOT LIVE, empty while it says LIVE.
    """

    live: bool
    reason: str = ""
    p50_ms: float | None = None
    p95_ms: float | None = None
    uncertainty_ms: float | None = None
    age_ms: float | None = None
    playout_ms: float | None = None
    frozen: int | None = None
    decoder: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A type of a later version: passed over and counted."""

    kind: str


Heard = Ping | ViewerFigures | Unknown


def read(text: str | bytes) -> Heard:
    """Raises Invalid: `too_large`, `not_json`, `wrong_version`, `invalid`."""
    message = _object(text)
    version = message.get("v")
    if version != VERSION or isinstance(version, bool):
        raise Invalid(f"v: this box speaks version {VERSION}", code="wrong_version")
    kind = message.get("t")
    if not isinstance(kind, str) or not _CODE.fullmatch(kind):
        raise Invalid("t: must name the type in small letters")
    if kind == "ping":
        return Ping(_whole(message, "id"), _required(message, "ts", high=float(_MAX_ID)))
    return _figures(message) if kind == "report" else Unknown(kind)


def hello(*, session: str, rung: str, role: str, version: str) -> str:
    """The box's first message."""
    return _write("hello", session=session, rung=rung, role=role, version=version)


def pong(ping: Ping, *, received_ns: int, sent_ns: int, map_us: int, utc_us: int | None) -> str:
    """Times are the box's UTC in ns, as text since JSON numbers are too small for them.

    `map_us`: how far they may be off from the capture times in the pictures; `utc_us`: how far both may be off from
    true UTC, None when not known.
    """
    times = {"rx": str(received_ns), "tx": str(sent_ns)}
    return _write("pong", id=ping.id, ts=ping.sent_ms, **times, map_us=map_us, utc_us=utc_us)


def notice(code: str, **facts: object) -> str:
    """The box tells something by itself; codes are those of docs/contracts/viewer.md."""
    return _write("notice", code=code, **facts)


def error(code: str, detail: str) -> str:
    """What was wrong with a message."""
    return _write("error", code=code, detail=detail)


def _write(kind: str, **fields: object) -> str:
    return json.dumps({"v": VERSION, "t": kind, **fields}, separators=(",", ":"))


def _object(text: str | bytes) -> Mapping[str, Any]:
    if isinstance(text, bytes):
        raise Invalid("messages are text, this one is binary", code="not_json")
    if len(text) > MAX_BYTES or len(text.encode(errors="replace")) > MAX_BYTES:
        raise Invalid(f"the message is over {MAX_BYTES} bytes", code="too_large")
    try:
        message = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as mistake:
        raise Invalid("the message is not JSON", code="not_json") from mistake
    if not isinstance(message, dict):
        raise Invalid("the message is not a JSON object", code="not_json")
    return message


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _figures(message: Mapping[str, Any]) -> ViewerFigures:
    live = message.get("live")
    if not isinstance(live, bool):
        raise Invalid("live: must be true or false")
    p50_ms = _number(message, "p50_ms")
    p95_ms = _number(message, "p95_ms", low=0.0 if p50_ms is None else p50_ms)
    if (p50_ms is None) != (p95_ms is None):
        raise Invalid("p50_ms and p95_ms come together")
    reason = _text(message, "reason", _CODE)
    if live == bool(reason):
        raise Invalid("reason: must be there when live is false, and only then")
    return ViewerFigures(
        live=live,
        reason=reason,
        p50_ms=p50_ms,
        p95_ms=p95_ms,
        uncertainty_ms=_number(message, "uncertainty_ms"),
        age_ms=_number(message, "age_ms"),
        playout_ms=_number(message, "playout_ms"),
        frozen=None if message.get("frozen") is None else _whole(message, "frozen"),
        decoder=_text(message, "decoder", _NAME),
        source=_text(message, "source", _CODE),
    )


def _whole(message: Mapping[str, Any], name: str) -> int:
    value = message.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_ID:
        raise Invalid(f"{name}: must be a whole number from 0 to {_MAX_ID}")
    return value


def _required(message: Mapping[str, Any], name: str, *, high: float) -> float:
    value = _number(message, name, high=high)
    if value is None:
        raise Invalid(f"{name}: is missing")
    return value


def _number(message: Mapping[str, Any], name: str, *, low: float = 0.0, high: float = _MAX_MS) -> float | None:
    value = message.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise Invalid(f"{name}: must be a number from {low:g} to {high:g}")
    return float(value)


def _text(message: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = message.get(name) or ""
    if not isinstance(value, str) or (value and not pattern.fullmatch(value)):
        raise Invalid(f"{name}: must match {pattern.pattern}")
    return value
