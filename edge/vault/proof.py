"""Both sides of a pairing prove that they know one secret, each over everything that was said, and neither sends it.

The secret is the 128 bits of a QR code, or what SPAKE2 (Abdalla and Pointcheval, 2005) makes of a short code:
whoever stands between can guess the code once for each try, and cannot go on guessing afterwards.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from hashlib import sha256
from typing import Any, Self

from spake2.spake2 import SPAKE2_A, SPAKE2_B

from edge.model.errors import Forbidden, Invalid

SECRET_BYTES = 16
_BOX, _CONTROLLER = b"scopecast box", b"scopecast controller"


class Transcript:
    """Seals what is said under one key; each seal covers all that was said before it, in order."""

    def __init__(self, key: bytes) -> None:
        self._key = sha256(b"scopecast pairing 1" + key).digest()
        self._said = b""

    def seal(self, who: str, text: str) -> str:
        """Note that `who` said that; gives the seal to send with it (base64)."""
        body = text.encode()
        self._said += b"%d %b %d %b " % (len(who), who.encode(), len(body), body)
        return base64.b64encode(hmac.digest(self._key, self._said, "sha256")).decode()

    def agrees(self, who: str, text: str, seal: str) -> bool:
        """Note that `who` said that, if the seal is good; whether it is."""
        before = self._said
        good = hmac.compare_digest(self.seal(who, text).encode(), seal.encode(errors="replace"))
        if not good:
            self._said = before
        return good

    def check(self, who: str, text: str, seal: str) -> None:
        """The same; raises Forbidden `proof_wrong` where the seal is not good."""
        if not self.agrees(who, text, seal):
            raise Forbidden("the other side does not know the code, or was changed on its way", code="proof_wrong")


class CodeExchange:
    """One side of SPAKE2 over a short code. Use: send `first`, then `key` of what came. Used once."""

    def __init__(self, side: Any, code: str) -> None:
        self._spake = side(code.encode(), idA=_CONTROLLER, idB=_BOX)
        self.first = base64.b64encode(self._spake.start()).decode()

    @classmethod
    def of_controller(cls, code: str) -> Self:
        return cls(SPAKE2_A, code)

    @classmethod
    def of_box(cls, code: str) -> Self:
        return cls(SPAKE2_B, code)

    def key(self, theirs: str) -> bytes:
        """32 bytes that only who knows the code has too. Raises Invalid `bad_exchange` on anything malformed."""
        try:
            key: bytes = self._spake.finish(base64.b64decode(theirs, validate=True))
        except (binascii.Error, UnicodeError) as error:
            raise Invalid("the exchange is not base64", code="bad_exchange") from error
        except Exception as error:  # spake2 raises many kinds, bare assertions among them, on hostile bytes
            raise Invalid("the exchange is not one of SPAKE2", code="bad_exchange") from error
        return key


def plain_code(code: str) -> str:
    """As people type it, without its gaps."""
    return code.replace(" ", "").replace("-", "")
