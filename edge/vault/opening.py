"""One code on the box's screen: what it is, how long it holds, how often it may be wrong."""

from __future__ import annotations

import base64
import hmac
import secrets

from edge.model.errors import Forbidden
from edge.vault.proof import SECRET_BYTES, CodeExchange, Transcript, plain_code

CODE_DIGITS = 8
CODE_HOLDS_S = 600.0
MAX_WRONG = 5
_MAX_EXCHANGES = 20
_CLOSED = "pairing_closed"


class Opening:
    """A code of eight digits to type, and a secret of 128 bits to scan. Times are monotonic ns."""

    def __init__(self, *, now_ns: int) -> None:
        self.digits = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
        self._secret = secrets.token_bytes(SECRET_BYTES)
        self._opened_ns = now_ns
        self._wrong = 0
        self._exchanges = 0
        self._exchanged: bytes | None = None
        self._seen: set[str] = set()

    @property
    def secret(self) -> str:
        """As it goes into the QR code (base64url, 22 characters)."""
        return base64.urlsafe_b64encode(self._secret).decode().rstrip("=")

    @property
    def closed(self) -> bool:
        """Whether it was wrong too often."""
        return self._wrong >= MAX_WRONG

    def expired(self, now_ns: int) -> bool:
        return now_ns - self._opened_ns > CODE_HOLDS_S * 1e9

    def check_code(self, code: str) -> None:
        """Raises Forbidden `code_wrong`, or `pairing_closed` at the last try."""
        given = plain_code(code).encode(errors="replace")
        if not hmac.compare_digest(given, self.digits.encode()):
            raise self._refused()

    def exchange(self, theirs: str) -> str:
        """Our half of SPAKE2 over the code; only the newest exchange counts. Raises Invalid, Forbidden."""
        self._exchanges += 1
        if self._exchanges > _MAX_EXCHANGES:
            self._wrong = MAX_WRONG
            raise Forbidden("too many tries: pairing is closed", code=_CLOSED)
        ours = CodeExchange.of_box(self.digits)
        self._exchanged = ours.key(theirs)
        return ours.first

    def listen(self, text: str, seal: str) -> Transcript:
        """The transcript begun by a first message, sealed by the scanned secret or by the code's exchange.

        Raises Forbidden: `code_wrong`, `pairing_closed`, `replayed` on a message that came before.
        """
        if seal in self._seen:
            raise Forbidden("that message came before", code="replayed")
        for key in (self._secret, self._exchanged):
            transcript = Transcript(key) if key is not None else None
            if transcript is not None and transcript.agrees("controller", text, seal):
                self._seen.add(seal)
                return transcript
        self._exchanged = None  # one guess for each exchange
        raise self._refused()

    def _refused(self) -> Forbidden:
        self._wrong += 1
        if self.closed:
            return Forbidden("wrong code, too often: pairing is closed", code=_CLOSED)
        left = MAX_WRONG - self._wrong
        return Forbidden(f"wrong code, {left} {'tries' if left > 1 else 'try'} left", code="code_wrong")
