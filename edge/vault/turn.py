"""Time-limited TURN credentials (draft-uberti-behave-turn-rest-00; coturn's `use-auth-secret`)."""

from __future__ import annotations

import base64
import hashlib
import hmac


def time_limited(secret: str, *, name: str, until_s: int) -> tuple[str, str]:
    """(user, password) that are good until `until_s`, UTC seconds since 1970."""
    user = f"{until_s}:{name}" if name else str(until_s)
    # SHA-1 is what the servers compute; a MAC is not weakened by its collisions
    digest = hmac.digest(secret.encode(), user.encode(), hashlib.sha1)
    return user, base64.b64encode(digest).decode()
