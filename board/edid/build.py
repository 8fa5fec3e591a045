"""From a description to the bytes that go into the receiver."""

from __future__ import annotations

import hashlib

from board.edid.base import base_block
from board.edid.cta import cta_block
from board.edid.description import Description, description_problems
from board.edid.framing import invalid, mended


def build(description: Description) -> bytes:
    """Two blocks. Raises Invalid (edid_invalid) with a line for each problem."""
    problems = list(description_problems(description))
    if problems:
        raise invalid("\n".join(problems))
    # a digest of all else, so that a host which remembers displays by product and serial learns anew when it must
    digest = hashlib.sha256(_assemble(description, product=0, serial=0)).digest()
    product, serial = int.from_bytes(digest[:2], "big"), int.from_bytes(digest[2:6], "big")
    return _assemble(description, product=description.product or product or 1, serial=description.serial or serial or 1)


def _assemble(description: Description, *, product: int, serial: int) -> bytes:
    base, detailed = base_block(description, product=product, serial=serial)
    return mended(base + b"\0" + cta_block(description, detailed) + b"\0")
