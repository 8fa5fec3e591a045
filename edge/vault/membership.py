"""To which controller this box belongs. An enrolment is tried before it is kept; until then, what was before holds."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from edge.model.errors import EdgeError, Forbidden, Invalid, NotFound
from edge.ports import Clock
from edge.vault.certificates import check_authority, check_issued, new_key, request_for
from edge.vault.enrolment import Enrolment, EnrolmentFile
from edge.vault.keyring import Keyring, TrustedKey

Audit = Callable[[str, Mapping[str, Any]], None]
_LONGEST_HOST = 253


class Way(Protocol):
    """Where the link goes; the composition root ties this to it."""

    async def attempt(self, host: str, port: int, tls: ssl.SSLContext) -> None:
        """Be online there and stay, or raise why not and be back."""
        ...

    def move(self, host: str, port: int, tls: ssl.SSLContext) -> None:
        """Go there, come what may."""
        ...

    def go_home(self) -> None:
        """To the box's own broker."""
        ...

    async def hear_again(self, *, anew: bool) -> None:
        """The keys hold now: connect once more. `anew`: it is another controller than before."""
        ...


@dataclass(frozen=True, slots=True)
class Offer:
    """What a controller offers. `certificate` is for the request that it was given; all PEM text."""

    host: str
    port: int
    ca: str
    certificate: str
    keys: tuple[TrustedKey, ...]


class Membership:
    """Owns the enrolment file; `current` is what it held. `fixed`: the configuration names the broker for good."""

    def __init__(
        self,
        *,
        file: EnrolmentFile,
        keyring: Keyring,
        box: str,
        clock: Clock,
        way: Way,
        current: Enrolment | None = None,
        fixed: bool = False,
        audit: Audit = lambda code, facts: None,
    ) -> None:
        self._file = file
        self._keyring = keyring
        self._box = box
        self._clock = clock
        self._way = way
        self._audit = audit
        self._changing = asyncio.Lock()
        self._renewal_key = ""
        self.fixed = fixed
        self.current = current

    def request(self) -> tuple[str, str]:
        """A fresh key pair: (key, certificate request), both PEM. The key never leaves the box."""
        key = new_key()
        return key, request_for(key, self._box)

    async def join(self, offer: Offer, key: str) -> None:
        """Go to that controller's broker and stay; what was before, its keys too, is forgotten then.

        Raises Forbidden `broker_configured` and `kid_taken`, Invalid about certificate and address, and what the
        link meets at the broker; in each case everything is as it was.
        """
        if self.fixed:
            raise Forbidden("the broker is set in the configuration (mqtt.host)", code="broker_configured")
        async with self._changing:
            before = self.current
            others = _without(offer.keys, self._independent())
            fresh = self._checked(Enrolment(offer.host, offer.port, offer.ca, offer.certificate, key, tuple(others)))
            await self._way.attempt(fresh.host, fresh.port, fresh.context())
            try:
                await asyncio.to_thread(self._keep, fresh, offer.keys, tuple(others.values()))
            except EdgeError:
                self._return_to(before)
                raise
            self.current = fresh
            await self._way.hear_again(anew=before is None or before.ca != fresh.ca)
        facts = {"broker": f"{fresh.host}:{fresh.port}", "kids": [key.kid for key in offer.keys]}
        self._audit("enrolment.joined", facts)

    def renewal(self) -> str:
        """A request (PEM) for the certificate that follows the present one. Raises NotFound `not_enrolled`."""
        self._enrolled()
        self._renewal_key, request = self.request()
        return request

    async def renew(self, certificate: str) -> int:
        """Take the certificate for the last `renewal`; when it ends, UTC seconds. Raises as `join` does."""
        async with self._changing:
            before = self._enrolled()
            if not self._renewal_key:
                raise NotFound("no certificate was asked for: ask the box for a request first", code="no_request")
            fresh = self._checked(replace(before, certificate=certificate, key=self._renewal_key))
            await self._way.attempt(fresh.host, fresh.port, fresh.context())
            try:
                await asyncio.to_thread(self._file.save, fresh)
            except EdgeError:
                self._return_to(before)
                raise
            self.current, self._renewal_key = fresh, ""
        self._audit("enrolment.renewed", {"until": fresh.not_after_s})
        return fresh.not_after_s

    async def leave(self) -> None:
        """Forget controller, broker, certificate and keys; no error when the box belongs to nobody."""
        async with self._changing:
            before = self.current
            if before is None:
                return
            others = self._independent()
            await asyncio.to_thread(self._file.forget)
            await asyncio.to_thread(self._keyring.replace, tuple(others.values()))
            self.current = None
            self._way.go_home()
            await self._way.hear_again(anew=True)
        self._audit("enrolment.left", {"broker": f"{before.host}:{before.port}"})

    def _enrolled(self) -> Enrolment:
        if self.current is None:
            raise NotFound("the box is enrolled at no central broker", code="not_enrolled")
        return self.current

    def _checked(self, fresh: Enrolment) -> Enrolment:
        if not 1 <= fresh.port <= 65_535 or not 1 <= len(fresh.host) <= _LONGEST_HOST or not fresh.host.isprintable():
            raise Invalid(f"{fresh.host[:80]!r}, port {fresh.port}, is no address of a broker", code="bad_broker")
        now_s = self._clock.utc_ns() / 1e9
        check_authority(fresh.ca)
        check_issued(fresh.certificate, ca=fresh.ca, key=fresh.key, name=self._box, now_s=now_s)
        return fresh

    def _independent(self) -> Mapping[str, TrustedKey]:
        """The keys that have nothing to do with the present enrolment: all, where there is none."""
        trusted, current = self._keyring.keys(), self.current
        return {key.kid: key for key in trusted if current is None or key.kid in current.independent}

    def _keep(self, fresh: Enrolment, offered: Sequence[TrustedKey], others: Sequence[TrustedKey]) -> None:
        """Blocking. A crash in between leaves keys too many, never a broker without its keys."""
        known = self._keyring.keys()
        kids = {key.kid for key in offered}
        self._keyring.replace((*(key for key in known if key.kid not in kids), *offered))
        try:
            self._file.save(fresh)
        except EdgeError:
            self._keyring.replace(known)
            raise
        self._keyring.replace((*others, *offered))

    def _return_to(self, before: Enrolment | None) -> None:
        if before is None:
            self._way.go_home()
        else:
            self._way.move(before.host, before.port, before.context())


def _without(offered: Sequence[TrustedKey], others: Mapping[str, TrustedKey]) -> Mapping[str, TrustedKey]:
    """The others but for those that are offered now. Raises Forbidden `kid_taken` where a name is another key's."""
    for key in offered:
        if key.kid in others and others[key.kid].public != key.public:
            raise Forbidden(f"key id {key.kid!r} belongs to another key", code="kid_taken")
    kids = {key.kid for key in offered}
    return {kid: key for kid, key in others.items() if kid not in kids}
