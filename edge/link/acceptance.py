"""May this command run? The checks of docs/contracts/mqtt.md in their order; the first that fails names the code.

| code | says |
|---|---|
| too_large | the message is over 64 KiB |
| malformed | the envelope or the command does not parse |
| unknown_key | no signature is by a key of our keyring |
| key_expired | the key is past its end date, by a synchronised clock |
| forbidden | the key may not do this operation on this box |
| bad_signature | the signature does not match |
| wrong_box | the command is for another box |
| unknown_version | `v` is not 1 |
| expired | not yet or no longer valid, or valid for more than 24 h |
| challenge_needed | the current `chal` is missing: sensitive operation, or our clock is not synchronised |
| stale | `ctr` is not above the last accepted of this key and lane |
| rev_mismatch | the state is no longer the one that `if_rev` names |
| unknown_operation | this box has no such operation |
| busy | the lane's queue is full: the same command may be sent again |

Between `challenge_needed` and `stale` an id that is already in the journal is a duplicate: its stored
result is sent again. Pure: no clock, no disk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from edge.link.envelope import Envelope, Order, parse_envelope, parse_order
from edge.link.signatures import Keyring, Refused, Situation, TrustedKey, signer
from edge.link.topics import CMD_TYPE
from edge.model.errors import Invalid

__all__ = ("Accepted", "Keyring", "Memory", "Refused", "Situation", "TrustedKey", "examine", "is_sensitive", "remember")

MAX_COMMAND_BYTES = 64 << 10
Judge = Callable[[str, Mapping[str, Any]], bool | None]
_EARLY_MS = 120_000
_LONGEST_MS = 24 * 3600 * 1000
_SENSITIVE = (
    *("update.*", "*.reset", "reset.*", "keys.*", "network.*"),
    *("*.delete", "delete.*", "*.unmask", "unmask.*", "mask.*", "preset.*"),
)


@dataclass(frozen=True, slots=True)
class Accepted:
    """Passed every check that needs no memory. `present`: it carries the current challenge."""

    order: Order
    kid: str
    present: bool


@dataclass(frozen=True, slots=True)
class Memory:
    """What the box remembers that matters for one command."""

    last_ctr: int | None
    rev_first: int
    rev_last: int
    knows_op: bool
    lane_full: bool = False


def _no_judge(op: str, args: Mapping[str, Any]) -> bool | None:
    return None


def examine(raw: bytes, *, keyring: Keyring, situation: Situation, judge: Judge = _no_judge) -> Accepted | Refused:
    """The checks from size to freshness. Never raises, whatever the bytes.

    `judge` says whether an operation with these arguments is sensitive as the box is now; None
    leaves it to the operation's name.
    """
    if len(raw) > MAX_COMMAND_BYTES:
        return Refused("too_large", f"{len(raw)} bytes, at most {MAX_COMMAND_BYTES}")
    try:
        envelope = parse_envelope(raw)
    except Invalid as error:
        return Refused(error.code, str(error))
    if not envelope.op:
        return Refused("malformed", "op: must name an operation", envelope.id)
    key = signer(envelope, op=envelope.op, payload_type=CMD_TYPE, keyring=keyring, situation=situation)
    if isinstance(key, Refused):
        return key
    return _address_and_time(envelope, key.kid, situation, judge)


def remember(order: Order, memory: Memory) -> Refused | None:
    """The checks that follow the one for duplicates; None when the command is to be accepted."""
    if memory.last_ctr is not None and order.ctr <= memory.last_ctr:
        return _refuse(order, "stale", f"ctr {order.ctr} is not above {memory.last_ctr}")
    if order.if_rev is not None and not memory.rev_first <= order.if_rev <= memory.rev_last:
        return _refuse(order, "rev_mismatch", f"the state is at revision {memory.rev_last}")
    if not memory.knows_op:
        return _refuse(order, "unknown_operation", f"no operation {order.op!r}")
    if memory.lane_full:
        return _refuse(order, "busy", "too many commands wait")
    return None


def is_sensitive(op: str) -> bool:
    """Whether the operation, by its name, may need the current challenge even when clocks agree."""
    return any(fnmatchcase(op, pattern) for pattern in _SENSITIVE)


def _address_and_time(envelope: Envelope, kid: str, situation: Situation, judge: Judge) -> Accepted | Refused:
    body = envelope.body
    if body.get("box") != situation.box:
        return Refused("wrong_box", "the command is for another box", envelope.id, envelope.op, signed=True)
    if body.get("v") != 1 or isinstance(body.get("v"), bool):
        return Refused("unknown_version", "v: must be 1", envelope.id, envelope.op, signed=True)
    try:
        order = parse_order(body)
    except Invalid as error:
        return Refused(error.code, str(error), envelope.id, envelope.op, signed=True)
    present = situation.is_present(order.chal)
    return _freshness(order, situation, judge, present=present) or Accepted(order, kid, present)


def _freshness(order: Order, situation: Situation, judge: Judge, *, present: bool) -> Refused | None:
    if not 0 <= order.exp_ms - order.iat_ms <= _LONGEST_MS:
        return _refuse(order, "expired", "exp must be at most 24 h after iat")
    if situation.clock_synchronised and not order.iat_ms - _EARLY_MS <= situation.now_ms <= order.exp_ms:
        return _refuse(order, "expired", "the command is not yet or no longer valid")
    if present:
        return None
    judged = judge(order.op, order.args)
    sensitive = is_sensitive(order.op) if judged is None else judged
    if sensitive or not situation.clock_synchronised:
        why = "this operation needs" if situation.clock_synchronised else "the box's clock is not synchronised: give"
        return _refuse(order, "challenge_needed", f"{why} the current chal of the link message")
    return None


def _refuse(order: Order, code: str, detail: str) -> Refused:
    return Refused(code, detail, order.id, order.op, signed=True)
