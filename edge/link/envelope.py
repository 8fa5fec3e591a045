"""The signed envelope and the command inside. Pure; exact bytes are signed, so nothing is canonicalised.

`{"pt": "eb/1/cmd", "p": base64url(payload), "sigs": [{"kid", "alg": "ed25519", "s": base64url}]}`
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from edge.link.topics import CMD_TYPE, MAX_INT
from edge.model.errors import Invalid

_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_OP = re.compile(r"[a-z0-9_.-]{1,64}")
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_MAX_SIGNATURES = 8
_MS_FROM = 100_000_000_000  # as seconds the year 5138, as milliseconds 1973


@dataclass(frozen=True, slots=True)
class Signature:
    kid: str
    alg: str
    value: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Envelope:
    """`payload` is what was signed; `body` the same, parsed, not yet to be trusted."""

    payload: bytes = field(repr=False)
    signatures: tuple[Signature, ...]
    body: Mapping[str, Any] = field(repr=False)

    @property
    def id(self) -> str | None:
        """The command's id where one can be read."""
        value = self.body.get("id")
        return value if isinstance(value, str) and _ID.fullmatch(value) else None

    @property
    def op(self) -> str:
        """The operation named; empty when none can be read."""
        value = self.body.get("op")
        return value if isinstance(value, str) and _OP.fullmatch(value) else ""


@dataclass(frozen=True, slots=True)
class Order:
    """A command as its signer wrote it. `iat_ms`, `exp_ms`: UTC milliseconds since 1970."""

    id: str
    ctr: int
    op: str
    args: Mapping[str, Any]
    by: str
    iat_ms: int
    exp_ms: int
    if_rev: int | None = None
    chal: str | None = None


def parse_json_object(raw: bytes) -> Mapping[str, Any]:
    """Strict JSON whose top is an object: no NaN, no infinity, no name twice, no half characters.

    Raises Invalid `malformed`.
    """
    try:
        value = json.loads(
            raw.decode(), parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_without_repeats
        )
    except (ValueError, RecursionError) as error:
        raise Invalid("not JSON in UTF-8", code="malformed") from error
    if not isinstance(value, dict):
        raise Invalid("not a JSON object", code="malformed")
    if _HALF.search(raw):
        _check_text(value)
    return value


def parse_envelope(raw: bytes, *, payload_type: str = CMD_TYPE) -> Envelope:
    """Raises Invalid `malformed` naming what is wrong, also when the envelope holds another type."""
    outer = parse_json_object(raw)
    if outer.get("pt") != payload_type:
        raise Invalid(f"pt: must be {payload_type}", code="malformed")
    payload = _base64url(outer.get("p"), "p")
    entries = outer.get("sigs")
    if not isinstance(entries, list) or not 1 <= len(entries) <= _MAX_SIGNATURES:
        raise Invalid(f"sigs: must be a list of 1 to {_MAX_SIGNATURES}", code="malformed")
    signatures = tuple(_signature(entry, f"sigs[{index}]") for index, entry in enumerate(entries))
    return Envelope(payload, signatures, parse_json_object(payload))


def parse_order(body: Mapping[str, Any]) -> Order:
    """The fields of a command payload, strictly typed. Raises Invalid `malformed` naming the field."""
    args = body.get("args", {})
    if not isinstance(args, dict):
        raise Invalid("args: must be an object", code="malformed")
    return Order(
        id=_text(body, "id", _ID),
        ctr=_integer(body, "ctr"),
        op=_text(body, "op", _OP),
        args=args,
        by=_optional_text(body, "by") or "",
        iat_ms=_milliseconds(_integer(body, "iat")),
        exp_ms=_milliseconds(_integer(body, "exp")),
        if_rev=None if body.get("if_rev") is None else _integer(body, "if_rev"),
        chal=_optional_text(body, "chal"),
    )


def write_envelope(
    payload: bytes, *, kid: str, sign: Callable[[str, bytes], bytes], payload_type: str = CMD_TYPE
) -> bytes:
    """The envelope's bytes; `sign` takes payload type and payload."""
    entry = {"kid": kid, "alg": "ed25519", "s": _to_base64url(sign(payload_type, payload))}
    return json.dumps({"pt": payload_type, "p": _to_base64url(payload), "sigs": [entry]}).encode()


def _signature(entry: Any, where: str) -> Signature:
    if not isinstance(entry, dict):
        raise Invalid(f"{where}: must be an object", code="malformed")
    kid, alg = entry.get("kid"), entry.get("alg")
    if not isinstance(kid, str) or not isinstance(alg, str) or len(kid) > 64:
        raise Invalid(f"{where}: kid and alg must be text", code="malformed")
    return Signature(kid, alg, _base64url(entry.get("s"), f"{where}.s"))


def _base64url(value: Any, where: str) -> bytes:
    """With or without padding, as both are in use (RFC 4648, 5)."""
    if not isinstance(value, str):
        raise Invalid(f"{where}: must be base64url text", code="malformed")
    try:
        padded = value.rstrip("=") + "=" * (-len(value.rstrip("=")) % 4)
        return base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid(f"{where}: not base64url", code="malformed") from error


def _to_base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is too large")
    return value


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of a name that is there twice, two readers may take two different values."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def _check_text(value: Any) -> None:
    """Half a character is no text: nothing could write it down or send it on."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError) as error:
        raise Invalid("half a character (a lone surrogate)", code="malformed") from error


def _text(body: Mapping[str, Any], name: str, shape: re.Pattern[str]) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise Invalid(f"{name}: must be text of the form {shape.pattern}", code="malformed")
    return value


def _optional_text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is not None and (not isinstance(value, str) or len(value) > 128):
        raise Invalid(f"{name}: must be text of at most 128 characters", code="malformed")
    return value


def _integer(body: Mapping[str, Any], name: str) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < MAX_INT:
        raise Invalid(f"{name}: must be a whole number from 0 to 2^53 - 1", code="malformed")
    return value


def _milliseconds(value: int) -> int:
    """Times may come in seconds, as in other signed tokens, or in milliseconds, as `ts` here."""
    return value if value >= _MS_FROM else value * 1000
