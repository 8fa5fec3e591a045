"""The controller's side of pairing, over HTTP with the box: docs/pairing.md has the messages."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from edge.controller.central import CentralBroker
from edge.controller.home import Home, KnownBox
from edge.model.errors import Forbidden, Invalid, PeerGone
from edge.vault.authority import Purpose
from edge.vault.keyring import key_entry, trusted_key
from edge.vault.opening import CODE_DIGITS
from edge.vault.proof import SECRET_BYTES, CodeExchange, Transcript, plain_code

_SCHEME = "scopecast+"
_TIMEOUT_S = 40.0  # the box tries the broker before it answers
_MAX_ANSWER = 128 << 10
_KEY_HOLDS_S = 2 * 365 * 86_400
_NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Target:
    """Which box, and what is known of it: `box` and `secret` from its QR code, or the typed `code`."""

    url: str
    box: str = ""
    secret: bytes = field(default=b"", repr=False)
    code: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: str, code: str = "") -> Target:
        """An address with the typed code, or the whole text of a QR code. Raises Invalid `bad_url`, `bad_code`."""
        scanned = text.startswith(_SCHEME)
        parts = urlsplit(text.removeprefix(_SCHEME))
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise Invalid(f"{text}: the box's address starts with http:// or https://", code="bad_url")
        url = f"{parts.scheme}://{parts.netloc}"
        if scanned:
            return cls(url, parts.path.strip("/"), _secret_of(parts.fragment))
        digits = plain_code(code)
        if len(digits) != CODE_DIGITS or not digits.isdecimal():
            raise Invalid(f"--code: the {CODE_DIGITS} digits on the box's screen", code="bad_code")
        return cls(url, code=digits)


async def pair(target: Target, *, home: Home, central: CentralBroker | None = None) -> KnownBox:
    """Enrol this controller's key at the box, give it a certificate for `central` if there is one, and remember it.

    Raises Invalid (address, answer), PeerGone, Forbidden with the box's own code; `proof_wrong`: somebody is between.
    """
    return await asyncio.to_thread(_Conversation(target, home).run, central)


class _Conversation:
    """Blocking; one pairing."""

    def __init__(self, target: Target, home: Home) -> None:
        self._target = target
        self._home = home
        self._transcript = Transcript(target.secret)

    def run(self, central: CentralBroker | None) -> KnownBox:
        key = self._home.key()
        if self._target.code:
            self._exchange()
        nonce = base64.b64encode(secrets.token_bytes(_NONCE_BYTES)).decode()
        hello = {"v": 1, "kid": key.kid, "public_key": key.public.base64, "box": self._target.box, "nonce": nonce}
        box = self._say("begin", hello)
        name = _checked(box)
        offer: dict[str, Any] = {"v": 1, "keys": [self._entry(name)]}
        if central is not None and box.get("request"):
            offer |= self._certificate(central, name, box["request"])
        met = self._say("finish", offer)
        known = _known_box(met, name, self._target.url)
        self._home.remember(known)
        return known

    def _exchange(self) -> None:
        ours = CodeExchange.of_controller(self._target.code)
        answer = self._post("hello", {"exchange": ours.first})
        try:
            theirs = answer["exchange"]
        except (KeyError, TypeError) as error:
            raise _not_a_box(self._target.url) from error
        self._transcript = Transcript(ours.key(str(theirs)))

    def _entry(self, box: str) -> Mapping[str, Any]:
        key, until_s = self._home.key(), int(time.time()) + _KEY_HOLDS_S
        return key_entry(
            trusted_key(kid=key.kid, public=key.public.base64, ops=("*",), boxes=(box,), not_after_s=until_s)
        )

    def _certificate(self, central: CentralBroker, box: str, request: str) -> Mapping[str, Any]:
        issuer = self._home.central.issuer()
        return {
            "broker": {"host": central.host, "port": central.port},
            "ca": issuer.ca,
            "certificate": issuer.issue(request, name=box, purpose=Purpose.CLIENT),
        }

    def _say(self, step: str, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Say it with our seal; what comes back, once its seal is good."""
        text = json.dumps(message)
        answer = self._post(step, {"text": text, "seal": self._transcript.seal("controller", text)})
        try:
            said, seal = str(answer["text"]), str(answer["seal"])
            self._transcript.check("box", said, seal)
            parsed = json.loads(said)
            return dict(parsed)
        except (ValueError, KeyError, TypeError) as error:
            raise _not_a_box(self._target.url) from error

    def _post(self, step: str, body: Mapping[str, Any]) -> Any:
        url = self._target.url
        request = urllib.request.Request(  # noqa: S310  the scheme was checked
            f"{url}/api/v1/pair/{step}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
                return json.loads(answer.read(_MAX_ANSWER))
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(error.code, error.read(_MAX_ANSWER)) from error
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
            raise PeerGone(f"{url} does not answer: {getattr(error, 'reason', error)}") from error
        except ValueError as error:
            raise _not_a_box(url) from error


def _secret_of(text: str) -> bytes:
    try:
        secret = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise Invalid("the QR code's text is cut or damaged", code="bad_code") from error
    if len(secret) != SECRET_BYTES:
        raise Invalid("the QR code's text is cut or damaged", code="bad_code")
    return secret


def _checked(box: Mapping[str, Any]) -> str:
    if "eb/1" not in box.get("proto", ()):
        raise Invalid(f"the box speaks {box.get('proto')}, not eb/1", code="unknown_proto")
    return str(box.get("box"))


def _known_box(met: Mapping[str, Any], name: str, url: str) -> KnownBox:
    try:
        broker = met["broker"]
        return KnownBox(id=name, host=str(broker["host"]), port=int(broker["port"]), url=url, tls=met["tls"] is True)
    except (KeyError, TypeError, ValueError) as error:
        raise _not_a_box(url) from error


def _not_a_box(url: str) -> Invalid:
    return Invalid(f"{url} answers, but not like a box", code="not_a_box")


def _refusal(status: int, text: bytes) -> Forbidden:
    """The box's problem document (RFC 9457) as an error."""
    try:
        problem = json.loads(text)
        return Forbidden(str(problem.get("detail") or problem.get("title")), code=str(problem.get("code", "refused")))
    except (ValueError, AttributeError):
        return Forbidden(f"the box refuses with HTTP status {status}", code="refused")
