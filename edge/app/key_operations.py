"""The operations `keys.get` and `keys.set`: the whole list of keys that may command this box."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from edge.app.arguments import BadArgument
from edge.model.command import Command, Lane, Op
from edge.model.errors import Invalid, Rejected
from edge.runtime.command_bus import CommandBus
from edge.vault.keyring import Keyring, TrustedKey, key_entry, parse_keys

_MOST_KEYS = 32
Audit = Callable[[str, Mapping[str, Any]], None]


class KeyOperations:
    """`dated_s` is UTC in seconds as far as it is certain: by it keys are past their end."""

    def __init__(self, *, keyring: Keyring, box: str, dated_s: Callable[[], float], audit: Audit) -> None:
        self._keyring = keyring
        self._box = box
        self._dated_s = dated_s
        self._audit = audit

    def register(self, bus: CommandBus) -> None:
        bus.register(Op.KEYS_GET, Lane.SYSTEM, self._get)
        bus.register_signed(Op.KEYS_SET, Lane.SYSTEM, self._set)

    async def _get(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """Public halves and what each may do. Nobody should sign a list because it came by this way."""
        if args:
            raise BadArgument(f"{min(args)}: no such argument", argument=min(args))
        known = self._keyring.keys()
        return {"keys": [key_entry(key) for key in known]}

    async def _set(self, command: Command) -> Mapping[str, Any]:
        """Raises Invalid; Rejected `no_key_left` where nobody could send the next `keys.set`."""
        keys = _keys_of(command.args)
        if not any(self._may_follow(key) for key in keys):
            sentence = f"keys: none of them, in date, may do {Op.KEYS_SET} on this box: nobody could command it again"
            raise Rejected(sentence, code="no_key_left")
        known = self._keyring.keys()
        before = {key.kid for key in known}
        await asyncio.to_thread(self._keyring.replace, keys)
        after = {key.kid for key in keys}
        facts = {"by": command.kid, "added": sorted(after - before), "removed": sorted(before - after)}
        self._audit("keys.changed", {**facts, "kept": sorted(after & before)})
        return {"keys": sorted(after)}

    def _may_follow(self, key: TrustedKey) -> bool:
        return key.allows(Op.KEYS_SET, self._box) and not key.ended(self._dated_s())


def _keys_of(args: Mapping[str, Any]) -> tuple[TrustedKey, ...]:
    if args.keys() != {"keys"}:
        raise BadArgument("keys: the whole list, and no other argument", argument="keys")
    keys = parse_keys(args["keys"])
    if len(keys) > _MOST_KEYS:
        raise Invalid(f"keys: {len(keys)} of them, at most {_MOST_KEYS}", code="range")
    return keys
