"""Writes and signs commands."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edge.controller.commands import Written
from edge.controller.counter import Counter
from edge.controller.fleet import BoxView
from edge.link.acceptance import is_sensitive
from edge.link.envelope import write_envelope
from edge.link.topics import CMD_TYPE
from edge.vault.signing import Signer

VALID_S = 60


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of a box, before it is an envelope. `key` signs; `valid_s`: how long after signing."""

    id: str
    op: str
    args: Mapping[str, Any]
    by: str
    key: Signer
    if_rev: int | None = None
    valid_s: int = VALID_S
    durable: bool = False


async def write(wish: Wish, view: BoxView, counter: Counter, *, challenged: bool = False) -> Written:
    """Signed now, with the box's challenge where it may be asked for. Raises as counter and key do."""
    now_s = int(time.time())
    exp_s = now_s + wish.valid_s
    order: dict[str, Any] = {
        "v": 1,
        "box": view.id,
        "id": wish.id,
        "ctr": await counter.next(),
        "op": wish.op,
        "args": wish.args,
        "by": wish.by,
        "iat": now_s,
        "exp": exp_s,
    }
    if wish.if_rev is not None:
        order["if_rev"] = wish.if_rev
    chal = view.chal if challenged or is_sensitive(wish.op) or not view.clock_synchronised else None
    if chal is not None:
        order["chal"] = chal
    envelope = await seal(json.dumps(order).encode(), wish.key)
    return Written(wish.id, envelope, exp_s * 1000, chal)


async def seal(payload: bytes, key: Signer, *, payload_type: str = CMD_TYPE) -> bytes:
    """The signed envelope. In a thread, as a key may be in a device of its own."""
    return await asyncio.to_thread(write_envelope, payload, kid=key.kid, sign=key.sign, payload_type=payload_type)
