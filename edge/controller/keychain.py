"""The keys a controller signs with, wherever they are: which ones it has and which one is in use.

`keys.json` in its home: `{"active": kid, "keys": [{"kid", "public", "source", "state", "made"}]}`; `source` is
a file beside it or a `pkcs11:` URI. No secret is in it. Blocking.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from edge.controller.folder import Folder
from edge.model.errors import Fault, Invalid, NotFound, Unavailable
from edge.vault.pkcs11 import SCHEME, AskPin, TokenKey, no_pin
from edge.vault.signing import PublicKey, Signer, SigningKey

_FILE = "keys.json"
_FIRST = "key.pem"


class KeyState(StrEnum):
    """`next`: made, not yet in use. `retired`: used no more; kept, as old signatures may be asked about."""

    ACTIVE = "active"
    NEXT = "next"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class HeldKey:
    """`public` is base64, `made` RFC 3339."""

    kid: str
    public: str
    source: str
    state: KeyState
    made: str


class Keychain:
    """Raises Fault `home_broken` on a damaged file, Unavailable when the disk or the device refuses."""

    def __init__(self, folder: Folder, *, ask_pin: AskPin = no_pin) -> None:
        self._folder = folder
        self._ask_pin = ask_pin
        self._open: dict[str, Signer] = {}

    def held(self) -> tuple[HeldKey, ...]:
        """In the order in which they were made. The first is made when there is none yet."""
        held = self._read()
        return held if held else (self._begin(),)

    def active(self) -> Signer:
        return self.signer(next(key.kid for key in self.held() if key.state is KeyState.ACTIVE))

    def find(self, kid: str) -> HeldKey:
        """Raises NotFound `unknown_key`."""
        found = [key for key in self.held() if key.kid == kid]
        if not found:
            raise NotFound(f"no key {kid} is here: edgectl keys list", code="unknown_key")
        return found[0]

    def signer(self, kid: str) -> Signer:
        """Opened once. Raises also Fault `key_broken` when its source holds another key now."""
        if kid not in self._open:
            held = self.find(kid)
            signer = self._signer_at(held.source)
            if signer.public.base64 != held.public:
                raise Fault(f"{held.source} holds another key than {kid}", code="key_broken")
            self._open[kid] = signer
        return self._open[kid]

    def add(self, uri: str | None = None, *, make: bool = False) -> HeldKey:
        """A key for later: a new file, or the one that a token has (or is told to make). Raises Invalid `key_known`."""
        if uri is None:
            source = f"keys/{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(4)}.pem"
            signer: Signer = SigningKey.load_or_create(self._folder.path / source)
        else:
            signer, source = TokenKey.open(uri, ask_pin=self._ask_pin, make=make), uri
        new = _held(signer, source, KeyState.NEXT)
        with self._folder.locked():
            held = self.held()
            if any(key.kid == signer.kid for key in held):
                raise Invalid(f"the key {signer.kid} is here already", code="key_known")
            self._write((*held, new))
        return new

    def activate(self, kid: str) -> None:
        """From now on this one signs; the one before is retired."""
        self.find(kid)
        with self._folder.locked():
            held = [replace(k, state=KeyState.RETIRED) if k.state is KeyState.ACTIVE else k for k in self.held()]
            self._write(replace(key, state=KeyState.ACTIVE) if key.kid == kid else key for key in held)

    def retire(self, kid: str) -> None:
        """Raises Invalid `key_in_use` for the active one."""
        with self._folder.locked():
            if self.find(kid).state is KeyState.ACTIVE:
                raise Invalid(f"{kid} signs now: rotate to another key first", code="key_in_use")
            self._write(replace(k, state=KeyState.RETIRED) if k.kid == kid else k for k in self.held())

    def _begin(self) -> HeldKey:
        first = _held(SigningKey.load_or_create(self._folder.path / _FIRST), _FIRST, KeyState.ACTIVE)
        self._write((first,))
        return first

    def _signer_at(self, source: str) -> Signer:
        if source.startswith(SCHEME):
            return TokenKey.open(source, ask_pin=self._ask_pin)
        path = self._folder.path / source
        if not path.exists():
            raise Unavailable(f"the key file {path} is gone", code="key_file")
        return SigningKey.load_or_create(path)

    def _read(self) -> tuple[HeldKey, ...]:
        document = self._folder.read(_FILE)
        try:
            entries = document["keys"] if document else ()
            held = tuple(HeldKey(**{**entry, "state": KeyState(entry["state"])}) for entry in entries)
            for key in held:
                PublicKey.from_base64(key.public)
        except (ValueError, KeyError, TypeError, Invalid) as error:
            raise self._folder.damaged(_FILE, error) from error
        if held and [key.state for key in held].count(KeyState.ACTIVE) != 1:
            raise self._folder.damaged(_FILE, "not one active key")
        return held

    def _write(self, held: Iterable[HeldKey]) -> None:
        self._folder.write(_FILE, {"v": 1, "keys": [asdict(key) for key in held]})


def _held(signer: Signer, source: str, state: KeyState) -> HeldKey:
    made = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return HeldKey(signer.kid, signer.public.base64, source, state, made)
