"""A technician's one-time code lets a controller enrol its public key."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edge.model.errors import EdgeError, Forbidden
from edge.ports import Clock
from edge.vault.keyring import Keyring, trusted_key

CODE_DIGITS = 8
CODE_HOLDS_S = 600.0
MAX_WRONG = 5
KEY_HOLDS_S = 2 * 365 * 86_400
Audit = Callable[[str, Mapping[str, Any]], None]


@dataclass(slots=True)
class _Code:
    digits: str
    opened_ns: int
    wrong: int = 0


class PairingDesk:
    """Implements ports.Pairing. At most one code is open; a new one replaces it.

    `broker` is where the controller meets the box. `audit` is told `pairing.opened`,
    `pairing.refused` and `pairing.done`, never the code.
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
    ) -> None:
        self._keyring = keyring
        self._box = box
        self._clock = clock
        self._broker = broker
        self._audit = audit
        self._proto = proto
        self._code: _Code | None = None

    def open_code(self) -> tuple[str, float]:
        """Eight digits to show and the seconds for which they hold."""
        digits = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
        self._code = _Code(digits, self._clock.mono_ns())
        self._audit("pairing.opened", {})
        return digits, CODE_HOLDS_S

    async def pair(self, code: str, kid: str, public_key: str) -> Mapping[str, Any]:
        """Enrol the key (base64) for every operation on this box, for two years.

        Raises Forbidden `pairing_closed`, `code_expired`, `code_wrong`, `kid_taken`; Invalid on a bad key.
        A code is used up by success; a bad key leaves it open.
        """
        try:
            self._check(code)
            await self._enrol(kid, public_key)
        except EdgeError as error:
            self._audit("pairing.refused", {"reason": error.code, "kid": kid[:64]})
            raise
        self._audit("pairing.done", {"kid": kid})
        host, port = self._broker
        return {"box": self._box, "broker": {"host": host, "port": port}, "proto": list(self._proto)}

    def _check(self, code: str) -> None:
        current = self._code
        if current is None:
            raise Forbidden("pairing is not open: show a code on the box first", code="pairing_closed")
        if self._clock.mono_ns() - current.opened_ns > CODE_HOLDS_S * 1e9:
            self._code = None
            raise Forbidden("the code is no longer valid: show a new one", code="code_expired")
        given = code.replace(" ", "").replace("-", "")
        if not hmac.compare_digest(given.encode(errors="replace"), current.digits.encode()):
            self._count_wrong(current)

    def _count_wrong(self, current: _Code) -> None:
        current.wrong += 1
        if current.wrong >= MAX_WRONG:
            self._code = None
            raise Forbidden("wrong code, too often: pairing is closed", code="pairing_closed")
        left = MAX_WRONG - current.wrong
        raise Forbidden(f"wrong code, {left} {'tries' if left > 1 else 'try'} left", code="code_wrong")

    async def _enrol(self, kid: str, public_key: str) -> None:
        not_after_s = self._clock.utc_ns() // 1_000_000_000 + KEY_HOLDS_S
        key = trusted_key(kid=kid, public=public_key, ops=("*",), boxes=(self._box,), not_after_s=not_after_s)
        used, self._code = self._code, None
        try:
            await asyncio.to_thread(self._keyring.add, key)
        except EdgeError:
            self._code = used
            raise
