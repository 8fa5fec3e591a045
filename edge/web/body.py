"""Request bodies: bounded in size and time, checked by hand, refused with the name of what was wrong."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from fastapi import Request
from starlette.requests import ClientDisconnect

from edge.model.errors import Invalid, PeerGone
from edge.web.problems import Refusal

MAX_BODY_BYTES = 1 << 20
_READ_S = 10.0


async def read_body(request: Request, *, timeout_s: float = _READ_S) -> bytes:
    """The whole body. Raises Refusal `too_large` or `timed_out`."""
    chunks, size = [], 0
    try:
        async with asyncio.timeout(timeout_s):
            async for chunk in request.stream():
                size += len(chunk)
                if size > MAX_BODY_BYTES:
                    raise too_large()
                chunks.append(chunk)
    except TimeoutError:
        raise Refusal(408, "timed_out", f"the body did not arrive within {timeout_s:g} s") from None
    except ClientDisconnect as error:
        raise PeerGone("the caller left before the body was complete") from error
    return b"".join(chunks)


def too_large() -> Refusal:
    return Refusal(413, "too_large", f"the body is over {MAX_BODY_BYTES} bytes")


async def read_json(request: Request) -> Mapping[str, Any]:
    """The body as a JSON object. Raises Invalid."""
    raw = await read_body(request)
    try:
        value = json.loads(raw, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise Invalid(f"body must be a JSON object, not {type(value).__name__}")
    return value


async def read_text(request: Request, *, media_type: str, what: str) -> str:
    """The body as UTF-8 text of that media type. Raises Refusal `unsupported_media_type`, Invalid."""
    sent = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if sent != media_type:
        raise Refusal(415, "unsupported_media_type", f"{what} must be {media_type}, not {sent or 'without a type'}")
    try:
        text = (await read_body(request)).decode()
    except UnicodeDecodeError as error:
        raise Invalid(f"{what} is not UTF-8: {error}") from error
    if not text.strip():
        raise Invalid(f"{what} is empty")
    return text


def text_field(body: Mapping[str, Any], name: str, *, pattern: re.Pattern[str]) -> str:
    """Raises Invalid when the field is missing, no text or not of that pattern."""
    value = body.get(name)
    if not isinstance(value, str):
        raise Invalid(f"{name}: must be text" if name in body else f"{name}: is missing")
    if not pattern.fullmatch(value):
        raise Invalid(f"{name}: must match {pattern.pattern}")
    return value


def number_field(body: Mapping[str, Any], name: str, *, low: float, high: float, path: str = "") -> float:
    """Raises Invalid when the field is missing, no number or out of [low, high]."""
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Invalid(f"{path}{name}: must be a number" if name in body else f"{path}{name}: is missing")
    if not low <= value <= high:
        raise Invalid(f"{path}{name}: must be from {low:g} to {high:g}")
    return float(value)


def object_field(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The field, {} when it is missing. Raises Invalid when it is no object."""
    value = body.get(name, {})
    if not isinstance(value, dict):
        raise Invalid(f"{name}: must be an object")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
