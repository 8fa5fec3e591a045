"""Carries a rotation of signing keys to the boxes that are there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from edge.controller.client import Controller
from edge.controller.home import Home, KnownBox
from edge.controller.keychain import KeyState
from edge.controller.reach import Reach, reach
from edge.controller.rotation import Phase, Rotation
from edge.model.command import Op, Result, ResultState
from edge.model.errors import EdgeError, Invalid
from edge.vault.signing import Signer

LEAVES = ("link", "state", "res")
_HOLDS = timedelta(days=2 * 365)
_AT_ONCE = 32
_FIELDS = frozenset(("kid", "alg", "public", "ops", "boxes", "not_after"))
Tell = Callable[[str, str], None]


def begin(home: Home, *, kid: str | None = None) -> Rotation:
    """The rotation under way, else a new one to `kid`, to the key that was made for it, or to one made now. Blocking.

    Raises NotFound when `kid` is not here.
    """
    under_way = Rotation.load(home.path)
    if under_way is not None:
        return under_way
    coming = [key.kid for key in home.keychain.held() if key.state is KeyState.NEXT]
    new = home.keychain.find(kid).kid if kid else coming[-1] if coming else home.keychain.add().kid
    rotation = Rotation(old=home.key().kid, new=new)
    rotation.save(home.path)
    return rotation


async def carry_on(home: Home, *, tell: Tell, timeout_s: float, sole: bool = False) -> Rotation | None:
    """One round over all known boxes; `tell` hears each box with a word. None once it is over.

    What could not be reached stays for the next round. `keys.set` is the whole list of a box: one that does not
    report its list is left alone, unless this is its `sole` controller.
    """
    rotation = await asyncio.to_thread(begin, home)
    boxes = await asyncio.to_thread(home.boxes)
    names = [box.id for box in boxes]
    for phase in (Phase.ENROL, Phase.RETIRE):
        if rotation.phase(names) is phase:
            old = await asyncio.to_thread(home.keychain.signer, rotation.old)
            new = await asyncio.to_thread(home.keychain.signer, rotation.new)
            step = _Step(phase=phase, old=old, new=new, timeout_s=timeout_s, sole=sole)
            rotation = await _reach_all(home, rotation, boxes, step=step, tell=tell)
            if phase is Phase.ENROL and rotation.phase(names) is not Phase.ENROL:
                await asyncio.to_thread(home.keychain.activate, rotation.new)
    if rotation.phase(names) is not Phase.DONE:
        return rotation
    await asyncio.to_thread(home.keychain.activate, rotation.new)
    await asyncio.to_thread(Rotation.clear, home.path)
    return None


async def _reach_all(home: Home, rotation: Rotation, boxes: Sequence[KnownBox], *, step: _Step, tell: Tell) -> Rotation:
    waiting = set(rotation.waiting([box.id for box in boxes]))
    progress = _Progress(home, rotation)
    due = [box for box in boxes if box.id in waiting]
    if due:
        async with reach(home, due, key=step.old, leaves=LEAVES) as found, asyncio.TaskGroup() as group:
            for box in due:
                group.create_task(_one(step, found, box.id, progress, tell))
    return progress.rotation


class _Progress:
    """What is confirmed is on disk before anybody is told."""

    def __init__(self, home: Home, rotation: Rotation) -> None:
        self._home = home
        self.rotation = rotation
        self.room = asyncio.Semaphore(_AT_ONCE)
        self._writing = asyncio.Lock()

    async def note(self, box: str, phase: Phase) -> None:
        async with self._writing:
            self.rotation = self.rotation.enrol(box) if phase is Phase.ENROL else self.rotation.retire(box)
            await asyncio.to_thread(self.rotation.save, self._home.path)


class _Step:
    """What one box is told in this phase."""

    def __init__(self, *, phase: Phase, old: Signer, new: Signer, timeout_s: float, sole: bool) -> None:
        self.phase = phase
        self.old = old
        self._new = new
        self._timeout_s = timeout_s
        self._sole = sole

    async def take(self, controller: Controller, box: str) -> Result:
        """Under the old key while it still counts there; a box that has gone further takes the new one."""
        listed = _listed(controller.view(box).state)
        if not listed and not self._sole:
            sentence = f"{box} does not say which keys it has: --sole, if no other controller commands it"
            raise Invalid(sentence, code="keys_unseen")
        keys = _with(listed, self._new, like=self.old, box=box)
        if self.phase is Phase.RETIRE:
            keys = [entry for entry in keys if entry["kid"] != self.old.kid]
        elif not listed:
            keys = _with(keys, self.old, like=self._new, box=box)
        signers = (self.old, self._new) if self.phase is Phase.ENROL else (self._new,)
        for signer in signers:
            result = await controller.send(box, Op.KEYS_SET, {"keys": keys}, key=signer, timeout_s=self._timeout_s)
            if result.code != "unknown_key":
                break
        return result


async def _one(step: _Step, found: Reach, box: str, progress: _Progress, tell: Tell) -> None:
    async with progress.room:
        try:
            controller = found.of(box)
            await controller.box(box)
            await controller.reported(box)
            result = await step.take(controller, box)
        except EdgeError as error:
            tell(box, f"waiting: {error}")
            return
    if result.st is ResultState.DONE:
        await progress.note(box, step.phase)
        tell(box, "knows the new key" if step.phase is Phase.ENROL else "has forgotten the old key")
    else:
        tell(box, f"{result.st}: {result.code}{': ' if result.detail else ''}{result.detail}")


def _listed(state: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The key list that the box reports; empty where it does not say it whole."""
    keys = state.get("keys")
    whole = isinstance(keys, list) and all(isinstance(one, dict) and one.keys() >= _FIELDS for one in keys)
    return [{name: one[name] for name in _FIELDS} for one in keys] if whole and isinstance(keys, list) else []


def _with(keys: list[dict[str, Any]], key: Signer, *, like: Signer, box: str) -> list[dict[str, Any]]:
    """The list with that key in it, which may do what `like` may."""
    if any(entry["kid"] == key.kid for entry in keys):
        return keys
    model = next((entry for entry in keys if entry["kid"] == like.kid), {"ops": ["*"], "boxes": [box]})
    until = (datetime.now(UTC) + _HOLDS).strftime("%Y-%m-%dT%H:%M:%SZ")
    entry = {"kid": key.kid, "alg": "ed25519", "public": key.public.base64, "not_after": until}
    return [*keys, {**entry, "ops": model["ops"], "boxes": model["boxes"]}]
