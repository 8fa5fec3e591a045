"""UUID version 7: 48 bits of milliseconds, then chance (RFC 9562, 5.7)."""

from __future__ import annotations

import secrets
import uuid


def uuid7(utc_ms: int) -> str:
    """A new id that sorts by that time."""
    value = (utc_ms & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))
