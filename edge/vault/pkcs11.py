"""A signing key inside a PKCS #11 token (a smart card, an HSM): Ed25519 by CKM_EDDSA.

Named by a URI of RFC 7512, such as `pkcs11:token=fleet;object=ctl-2026?module-path=/usr/lib/.../x.so&
pin-source=file:/run/secrets/pin`. A PIN comes from that file or from who is asked, never from the URI itself:
URIs stand in configuration, command lines and logs. Source: PKCS #11 3.0, 2.3.14 (Edwards curves).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from edge.model.errors import Fault, Forbidden, Invalid, Missing, NotFound, Unavailable
from edge.vault.secret_file import read_secret
from edge.vault.signing import PublicKey, kid_of, pae

SCHEME = "pkcs11:"
_PROXY = "p11-kit-proxy.so"  # knows every module that is configured on the machine
_POINT_BYTES = 32
# id-Ed25519 as parameters of the curve: PrintableString "edwards25519" is what tokens of PKCS #11 3.0 take
_EDWARDS25519 = bytes.fromhex("130c656477617264733235353139")
_ESCAPED = re.compile(r"%(?![0-9A-Fa-f]{2})")
AskPin = Callable[[str], str]


def no_pin(token: str) -> str:
    """For programs that can ask nobody."""
    raise Forbidden(f"the token {token} wants a PIN: name its file by pin-source in the URI", code="pin_needed")


@dataclass(frozen=True, slots=True)
class TokenUri:
    """Where the key is. `label`, `id`: of the key pair, one of them at least; `token`, `serial`: of its token."""

    token: str | None
    serial: str | None
    label: str | None
    id: bytes | None
    module: str
    pin_file: Path | None = field(repr=False)

    @property
    def where(self) -> str:
        """For people."""
        return f"token {self.token or self.serial or 'any'}, object {self.label or (self.id or b'').hex()}"


def parse_uri(text: str) -> TokenUri:
    """Raises Invalid `bad_key_uri` naming what is wrong; the text itself is not repeated."""
    if not text.startswith(SCHEME):
        raise Invalid("a key in a token is named by pkcs11:...", code="bad_key_uri")
    path, _, query = text[len(SCHEME) :].partition("?")
    given, asked = _attributes(path, ";"), _attributes(query, "&")
    if "pin-value" in asked or "pin-value" in given:
        raise Invalid("pin-value would show the PIN to everybody: use pin-source=file:PATH", code="bad_key_uri")
    label, id_text = given.get("object"), given.get("id")
    if label is None and id_text is None:
        raise Invalid("the URI must name the key by object= or id=", code="bad_key_uri")
    return TokenUri(
        token=given.get("token"),
        serial=given.get("serial"),
        label=label,
        id=None if id_text is None else id_text.encode("latin-1", "replace"),
        module=asked.get("module-path") or _module_named(asked.get("module-name")),
        pin_file=_pin_file(asked.get("pin-source")),
    )


class TokenKey:
    """A `Signer` whose secret half never leaves its token. One signature at a time."""

    def __init__(self, *, session: Any, private: Any, mechanism: Any, public: PublicKey, where: str) -> None:
        self._session = session
        self._private = private
        self._mechanism = mechanism
        self._public = public
        self._where = where
        self._lock = threading.Lock()

    @classmethod
    def open(cls, uri: str, *, ask_pin: AskPin = no_pin, make: bool = False) -> TokenKey:
        """The key at that place; with `make` one is made there when there is none. Blocking.

        Raises Invalid (URI), Missing (library, module), NotFound (token, key), Forbidden (PIN), Unavailable.
        """
        at = parse_uri(uri)
        api = _library()
        try:
            token = _token(api, at)
            session = _session(api, token, _pin(at, str(token.label), ask_pin), writes=make)
            private, public = _pair(api, session, at, make=make)
            point = _point(api, public)
        except api.PKCS11Error as error:
            raise _refusal(api, at, error) from error
        return cls(session=session, private=private, mechanism=api.Mechanism.EDDSA, public=point, where=at.where)

    @property
    def public(self) -> PublicKey:
        return self._public

    @property
    def kid(self) -> str:
        return kid_of(self._public)

    def sign(self, payload_type: str, payload: bytes) -> bytes:
        """64 bytes of Ed25519 over the PAE, made in the token. Raises Unavailable when it is gone."""
        api = _library()
        with self._lock:
            try:
                return bytes(self._private.sign(pae(payload_type, payload), mechanism=self._mechanism))
            except api.PKCS11Error as error:
                raise Unavailable(f"{self._where}: does not sign: {_word(error)}", code="key_device") from error

    def __repr__(self) -> str:
        return f"TokenKey({self.kid})"


def _attributes(text: str, separator: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, text.split(separator)):
        name, equals, value = part.partition("=")
        if not equals or _ESCAPED.search(value) or name in found:
            raise Invalid(f"the attribute {name!r} of the URI cannot be read", code="bad_key_uri")
        found[name] = unquote(value, encoding="latin-1") if name == "id" else unquote(value)
    return found


def _module_named(name: str | None) -> str:
    """RFC 7512, 2.3: the file's name without its ending."""
    return f"{name}.so" if name else _PROXY


def _pin_file(source: str | None) -> Path | None:
    if source is None:
        return None
    if source.startswith("|"):
        raise Invalid("pin-source: a command is not run; name a file", code="bad_key_uri")
    return Path(urlsplit(source).path if source.startswith("file:") else source)


def _pin(at: TokenUri, token: str, ask_pin: AskPin) -> str:
    if at.pin_file is None:
        return ask_pin(token.strip())
    try:
        return read_secret(at.pin_file).decode().strip()
    except OSError as error:
        raise Unavailable(f"cannot read the PIN's file {at.pin_file}: {error.strerror}", code="key_file") from error
    except UnicodeDecodeError as error:
        raise Fault(f"{at.pin_file} holds no PIN", code="key_broken") from error


def _library() -> Any:
    try:
        import pkcs11
    except ImportError as error:
        raise Missing("keys in tokens need python-pkcs11: pip install 'scopecast[pkcs11]'", code="missing") from error
    return pkcs11


def _token(api: Any, at: TokenUri) -> Any:
    try:
        module = api.lib(at.module)
    except (RuntimeError, OSError) as error:
        raise Missing(f"cannot load the PKCS #11 module {at.module}", code="missing") from error
    serial = at.serial.encode() if at.serial else None
    tokens = list(module.get_tokens(token_label=at.token, token_serial=serial))
    if len(tokens) != 1:
        found = "no such token" if not tokens else "more than one token fits, name it by token= or serial="
        raise NotFound(f"{at.where}: {found}", code="key_device")
    return tokens[0]


def _session(api: Any, token: Any, pin: str, *, writes: bool) -> Any:
    try:
        return token.open(rw=writes, user_pin=pin)
    except api.UserAlreadyLoggedIn:  # a process logs in to a token once, for all its sessions
        return token.open(rw=writes)


def _pair(api: Any, session: Any, at: TokenUri, *, make: bool) -> tuple[Any, Any]:
    wanted = {"label": at.label, "id": at.id}
    search = {"key_type": api.KeyType.EC_EDWARDS, **{name: value for name, value in wanted.items() if value}}
    try:
        private = session.get_key(object_class=api.ObjectClass.PRIVATE_KEY, **search)
        return private, session.get_key(object_class=api.ObjectClass.PUBLIC_KEY, **search)
    except api.NoSuchKey:
        if not make:
            raise
    parameters = session.create_domain_parameters(
        api.KeyType.EC_EDWARDS, {api.Attribute.EC_PARAMS: _EDWARDS25519}, local=True
    )
    public, private = parameters.generate_keypair(
        store=True, mechanism=api.Mechanism.EC_EDWARDS_KEY_PAIR_GEN, label=at.label, id=at.id
    )
    return private, public


def _point(api: Any, public: Any) -> PublicKey:
    """32 bytes, which some tokens wrap in a DER OCTET STRING (04 20)."""
    raw = bytes(public[api.Attribute.EC_POINT])
    wrapped = len(raw) == _POINT_BYTES + 2 and raw[:2] == b"\x04\x20"
    return PublicKey(raw[2:] if wrapped else raw)


def _refusal(api: Any, at: TokenUri, error: Exception) -> Exception:
    if isinstance(error, api.PinIncorrect | api.PinLenRange | api.PinInvalid | api.PinLocked | api.PinExpired):
        return Forbidden(f"{at.where}: {_word(error)}", code="pin_wrong")
    if isinstance(error, api.NoSuchKey):
        return NotFound(f"{at.where}: no Ed25519 key there", code="unknown_key")
    if isinstance(error, api.MultipleObjectsReturned):
        return NotFound(f"{at.where}: more than one key fits, name it by id=", code="unknown_key")
    return Unavailable(f"{at.where}: {_word(error)}", code="key_device")


def _word(error: Exception) -> str:
    """The standard's own name for what went wrong; arguments of errors are not repeated."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", type(error).__name__).lower()
