"""The keys that may command this box, in one JSON file.

`{"v": 1, "keys": [{"kid", "alg": "ed25519", "public", "ops": [...], "boxes": [...], "not_after"}]}`;
`public` is base64, `ops` and `boxes` are patterns in which `*` stands for anything, `not_after`
is RFC 3339 in UTC.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from edge.model.errors import Fault, Forbidden, Invalid, Unavailable
from edge.vault.secret_file import replace_whole
from edge.vault.signing import PublicKey

_KID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PATTERN = re.compile(r"[a-z0-9._*-]{1,64}")
_FIELDS = frozenset(("kid", "alg", "public", "ops", "boxes", "not_after"))


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """One controller's public key and what it may do. `not_after_s`: UTC seconds since 1970."""

    kid: str
    public: PublicKey
    ops: tuple[str, ...]
    boxes: tuple[str, ...]
    not_after_s: int

    def allows(self, op: str, box: str) -> bool:
        return _any_matches(self.ops, op) and _any_matches(self.boxes, box)

    def ended(self, utc_s: float) -> bool:
        return utc_s > self.not_after_s

    def verify(self, payload_type: str, payload: bytes, signature: bytes) -> bool:
        return self.public.verify(payload_type, payload, signature)


class Keyring:
    """The trusted keys, read at construction. Raises Fault `keyring_broken` naming file and field."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._keys: dict[str, TrustedKey] = {}
        self.reload()

    def reload(self) -> None:
        """Read the file again (blocking); no file is an empty keyring."""
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            self._keys = {}
            return
        except OSError as error:
            raise Unavailable(f"cannot read {self.path}: {error.strerror}", code="key_file") from error
        try:
            self._keys = {key.kid: key for key in parse_keyring(text)}
        except Invalid as error:
            raise Fault(f"{self.path}: {error}", code="keyring_broken") from error

    def find(self, kid: str) -> TrustedKey | None:
        return self._keys.get(kid)

    def keys(self) -> tuple[TrustedKey, ...]:
        return tuple(self._keys.values())

    def add(self, key: TrustedKey) -> None:
        """Enrol or renew, durably (blocking). Raises Forbidden `kid_taken` when the name is another key's."""
        known = self._keys.get(key.kid)
        if known is not None and known.public != key.public:
            raise Forbidden(f"key id {key.kid!r} belongs to another key", code="kid_taken")
        self._write({**self._keys, key.kid: key})

    def remove(self, kid: str) -> None:
        """Forget a key, durably (blocking); no error when it is not there."""
        self._write({name: key for name, key in self._keys.items() if name != kid})

    def replace(self, keys: Iterable[TrustedKey]) -> None:
        """These and no others, durably (blocking)."""
        self._write({key.kid: key for key in keys})

    def _write(self, keys: dict[str, TrustedKey]) -> None:
        document = {"v": 1, "keys": [key_entry(key) for key in keys.values()]}
        try:
            replace_whole(self.path, json.dumps(document, indent=1).encode() + b"\n")
        except OSError as error:
            raise Unavailable(f"cannot write {self.path}: {error.strerror}", code="key_file") from error
        self._keys = keys


def parse_keyring(text: bytes) -> tuple[TrustedKey, ...]:
    """Raises Invalid saying which field is wrong and how."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"not JSON: {error}") from error
    if not isinstance(document, dict) or document.get("v") != 1:
        raise Invalid("v: must be 1")
    if document.keys() != {"v", "keys"}:
        raise Invalid("must hold v and a list keys, nothing else")
    return parse_keys(document["keys"])


def parse_keys(entries: Any) -> tuple[TrustedKey, ...]:
    """The list of a keyring's entries. Raises Invalid saying which field is wrong and how."""
    if not isinstance(entries, list):
        raise Invalid("keys: must be a list")
    keys = tuple(_parse_key(entry, f"keys[{index}]") for index, entry in enumerate(entries))
    if len({key.kid for key in keys}) != len(keys):
        raise Invalid("keys: two entries have one kid")
    return keys


def trusted_key(*, kid: str, public: str, ops: tuple[str, ...], boxes: tuple[str, ...], not_after_s: int) -> TrustedKey:
    """A checked key; `public` in base64. Raises Invalid naming the field."""
    entry = {"kid": kid, "alg": "ed25519", "public": public, "ops": list(ops), "boxes": list(boxes)}
    return _parse_key({**entry, "not_after": _rfc3339(not_after_s)}, "key")


def _parse_key(entry: Any, where: str) -> TrustedKey:
    if not isinstance(entry, Mapping) or entry.keys() != _FIELDS:
        raise Invalid(f"{where}: must hold exactly {', '.join(sorted(_FIELDS))}")
    if not isinstance(entry["kid"], str) or not _KID.fullmatch(entry["kid"]):
        raise Invalid(f"{where}.kid: 1 to 64 letters, digits, dots, dashes")
    if entry["alg"] != "ed25519":
        raise Invalid(f"{where}.alg: must be ed25519")
    if not isinstance(entry["public"], str):
        raise Invalid(f"{where}.public: must be base64 text")
    try:
        public = PublicKey.from_base64(entry["public"])
    except Invalid as error:
        raise Invalid(f"{where}.public: {error}", code=error.code) from error
    return TrustedKey(
        kid=entry["kid"],
        public=public,
        ops=_patterns(entry["ops"], f"{where}.ops"),
        boxes=_patterns(entry["boxes"], f"{where}.boxes"),
        not_after_s=_utc_s(entry["not_after"], f"{where}.not_after"),
    )


def _patterns(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise Invalid(f"{where}: must be a list of at least one pattern")
    for pattern in value:
        if not isinstance(pattern, str) or not _PATTERN.fullmatch(pattern):
            raise Invalid(f"{where}: {pattern!r} is not a pattern of lower-case letters, digits, . _ - *")
    return tuple(value)


def _utc_s(value: Any, where: str) -> int:
    try:
        moment = datetime.fromisoformat(value)
    except (ValueError, TypeError) as error:
        raise Invalid(f"{where}: must be a time in RFC 3339") from error
    if moment.tzinfo is None:
        raise Invalid(f"{where}: must name its time zone")
    return int(moment.timestamp())


def _any_matches(patterns: tuple[str, ...], name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def key_entry(key: TrustedKey) -> Mapping[str, Any]:
    """As it stands in the file, and in the arguments of `keys.set`."""
    return {
        "kid": key.kid,
        "alg": "ed25519",
        "public": key.public.base64,
        "ops": list(key.ops),
        "boxes": list(key.boxes),
        "not_after": _rfc3339(key.not_after_s),
    }


def _rfc3339(utc_s: int) -> str:
    return datetime.fromtimestamp(utc_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
