"""A technician's one-time code lets a controller enrol its keys, and brings the box to the controller's broker.

docs/pairing.md has the messages and what they protect against.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from edge.model.errors import EdgeError, Forbidden, Invalid
from edge.ports import Clock
from edge.vault.keyring import Keyring, TrustedKey, parse_keys, trusted_key
from edge.vault.membership import Membership, Offer
from edge.vault.opening import CODE_HOLDS_S, MAX_WRONG, Opening
from edge.vault.proof import Transcript
from edge.vault.signing import PublicKey

__all__ = ["CODE_HOLDS_S", "MAX_WRONG", "PairingDesk"]
KEY_HOLDS_S = 2 * 365 * 86_400
_NONCE_BYTES = 16
_MOST_KEYS = 16
_MOST_TEXT = 64 << 10
Audit = Callable[[str, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class _Begun:
    """A conversation that has begun: who speaks, and the key pair made for it."""

    transcript: Transcript
    kid: str
    public: PublicKey
    key: str = field(repr=False)


class PairingDesk:
    """Implements ports.Pairing. At most one code is open; a new one replaces it.

    `broker` is where the controller meets a box that is enrolled at no central broker; without a `membership` it never
    is. `address` is the box's own, for the QR code. `audit` is told `pairing.opened`, `pairing.refused`,
    `pairing.done` and `pairing.forgotten`, never a code.
    """

    def __init__(
        self,
        *,
        keyring: Keyring,
        box: str,
        clock: Clock,
        broker: tuple[str, int],
        audit: Audit = lambda code, facts: None,
        proto: tuple[str, ...] = ("eb/1",),
        membership: Membership | None = None,
        address: Callable[[], str] = lambda: "http://127.0.0.1:8080",
    ) -> None:
        self._keyring = keyring
        self._box = box
        self._clock = clock
        self._broker = broker
        self._audit = audit
        self._proto = proto
        self._membership = membership
        self._address = address
        self._open: Opening | None = None
        self._begun: _Begun | None = None

    def open_code(self) -> tuple[str, float]:
        """Eight digits to show and the seconds for which they hold."""
        self._open, self._begun = Opening(now_ns=self._clock.mono_ns()), None
        self._audit("pairing.opened", {})
        return self._open.digits, CODE_HOLDS_S

    def qr_text(self) -> str:
        """What the QR code says: the box's address, its id and the secret. Raises Forbidden `pairing_closed`."""
        return f"scopecast+{self._address()}/{self._box}#{self._opening().secret}"

    async def pair(self, code: str, kid: str, public_key: str) -> Mapping[str, Any]:
        """Enrol the key (base64) for every operation on this box, for two years.

        Raises Forbidden `pairing_closed`, `code_expired`, `code_wrong`, `kid_taken`; Invalid on a bad key.
        A code is used up by success; a bad key leaves it open.
        """
        with _Refusals(self, kid):
            self._opening().check_code(code)
            await self._use_up(self._enrol, self._key_for(kid, public_key))
        self._audit("pairing.done", {"kid": kid})
        return {"box": self._box, "broker": self._meeting(), "proto": list(self._proto)}

    async def hello(self, exchange: str) -> Mapping[str, Any]:
        """Our half of SPAKE2 over the code. Raises Forbidden `pairing_closed`, `code_expired`; Invalid."""
        with _Refusals(self):
            ours = await asyncio.to_thread(self._opening().exchange, exchange)
        return {"box": self._box, "exchange": ours}

    async def begin(self, text: str, seal: str) -> Mapping[str, str]:
        """Who the controller is; answers with who we are and what certificate we ask for.

        Raises Forbidden: `pairing_closed`, `code_expired`, `code_wrong`, `replayed`, `wrong_box`; Invalid.
        """
        with _Refusals(self):
            transcript = self._opening().listen(text, seal)
            said = _parsed(text)
            if said.get("box") not in ("", self._box):
                raise Forbidden(f"this box is {self._box}, not the one that was asked for", code="wrong_box")
            kid, public = _text(said, "kid"), PublicKey.from_base64(_text(said, "public_key"))
            key, answer = await asyncio.to_thread(self._introduction)
            self._begun = _Begun(transcript, kid, public, key)
        return {"text": answer, "seal": transcript.seal("box", answer)}

    async def finish(self, text: str, seal: str) -> Mapping[str, str]:
        """Take what the controller offers: keys, and a certificate for a central broker, which is tried first.

        Raises Forbidden, Invalid, Unavailable: in each case everything is as it was, and the code holds on.
        """
        with _Refusals(self):
            self._opening()
            begun, self._begun = self._begun, None
            if begun is None:
                raise Forbidden("begin comes before finish", code="pairing_order")
            begun.transcript.check("controller", text, seal)
            said = _parsed(text)
            keys = self._keys(said, begun)
            await self._use_up(self._take_in, said, keys, begun)
        self._audit("pairing.done", {"kid": begun.kid, "kids": [key.kid for key in keys]})
        answer = json.dumps({"v": 1, "box": self._box, "broker": self._meeting(), "tls": self._central})
        return {"text": answer, "seal": begun.transcript.seal("box", answer)}

    async def forget(self, box: str) -> None:
        """Leave the controller's broker and forget its keys. `box` is our own id, so that nobody does it by mistake.

        Raises Invalid `not_confirmed`, NotFound.
        """
        if box != self._box:
            raise Invalid("confirm with this box's id", code="not_confirmed")
        if self._membership is not None:
            await self._membership.leave()
        self._audit("pairing.forgotten", {})

    def refused(self, error: EdgeError, kid: str = "") -> None:
        """Note a refusal; the code is none any more when it was wrong too often."""
        if self._open is not None and self._open.closed:
            self._open = self._begun = None
        self._audit("pairing.refused", {"reason": error.code, **({"kid": kid[:64]} if kid else {})})

    @property
    def _central(self) -> bool:
        return self._membership is not None and self._membership.current is not None

    def _opening(self) -> Opening:
        if self._open is None:
            raise Forbidden("pairing is not open: show a code on the box first", code="pairing_closed")
        if self._open.expired(self._clock.mono_ns()):
            self._open = self._begun = None
            raise Forbidden("the code is no longer valid: show a new one", code="code_expired")
        return self._open

    async def _use_up(self, work: Callable[..., Any], *what: Any) -> None:
        """The code works once: while `work` goes on nobody else has it, and after a failure it holds again."""
        used, self._open = self._open, None
        try:
            await work(*what)
        except BaseException:
            self._open = self._open or used
            raise

    def _introduction(self) -> tuple[str, str]:
        """Blocking: a fresh private key, and the answer with the request for its certificate."""
        wants = self._membership is not None and not self._membership.fixed
        key, request = self._membership.request() if self._membership is not None and wants else ("", "")
        answer = {
            "v": 1,
            "box": self._box,
            "nonce": base64.b64encode(secrets.token_bytes(_NONCE_BYTES)).decode(),
            "request": request,
            "broker": self._meeting(),
            "proto": list(self._proto),
        }
        return key, json.dumps(answer)

    def _meeting(self) -> Mapping[str, Any]:
        current = self._membership.current if self._membership is not None else None
        host, port = (current.host, current.port) if current is not None else self._broker
        return {"host": host, "port": port}

    async def _take_in(self, said: Mapping[str, Any], keys: tuple[TrustedKey, ...], begun: _Begun) -> None:
        if not said.get("certificate"):
            for key in keys:
                await asyncio.to_thread(self._keyring.add, key)
            return
        if self._membership is None:
            raise Forbidden("this box goes to no central broker", code="broker_configured")
        broker = said.get("broker")
        if not isinstance(broker, Mapping) or type(broker.get("port")) is not int:
            raise Invalid("broker: must hold host and port", code="bad_broker")
        where = (_text(broker, "host"), broker["port"])
        await self._membership.join(Offer(*where, _text(said, "ca"), _text(said, "certificate"), keys), begun.key)

    def _keys(self, said: Mapping[str, Any], begun: _Begun) -> tuple[TrustedKey, ...]:
        entries = said.get("keys")
        if not isinstance(entries, list) or not 1 <= len(entries) <= _MOST_KEYS:
            raise Invalid(f"keys: must be a list of 1 to {_MOST_KEYS}")
        keys = parse_keys(entries)
        if not any(key.kid == begun.kid and key.public == begun.public for key in keys):
            raise Invalid("keys: the controller's own key is not among them")
        return keys

    def _key_for(self, kid: str, public_key: str) -> TrustedKey:
        not_after_s = self._clock.utc_ns() // 1_000_000_000 + KEY_HOLDS_S
        return trusted_key(kid=kid, public=public_key, ops=("*",), boxes=(self._box,), not_after_s=not_after_s)

    async def _enrol(self, key: TrustedKey) -> None:
        await asyncio.to_thread(self._keyring.add, key)


class _Refusals:
    """Tells the desk of every EdgeError that leaves the block."""

    def __init__(self, desk: PairingDesk, kid: str = "") -> None:
        self._desk = desk
        self._kid = kid

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, EdgeError):
            self._desk.refused(error, self._kid)


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Invalid("the message is not JSON") from error
    if not isinstance(said, dict) or said.get("v") != 1:
        raise Invalid("the message must be an object with v 1")
    return said


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _MOST_TEXT:
        raise Invalid(f"{name}: must be text")
    return value
