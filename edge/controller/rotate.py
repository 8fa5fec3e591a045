"""Carries a rotation of signing keys to the boxes that are there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from edge.controller.client import Controller
from edge.controller.home import Home, KnownBox
from edge.controller.keychain import KeyState
from edge.controller.reach import Reach, reach
from edge.controller.rotation import Phase, Rotation
from edge.model.command import Op, Result, ResultState
from edge.model.errors import EdgeError, Invalid
from edge.vault.keyring import Keyring, TrustedKey, key_entry, trusted_key
from edge.vault.signing import Signer

LEAVES = ("link", "res")
_HOLDS_S = 2 * 365 * 86_400
_AT_ONCE = 32
Tell = Callable[[str, str], None]


def begin(home: Home, *, kid: str | None = None) -> Rotation:
    """The rotation under way, else a new one to `kid`, to the key that was made for it, or to one made now. Blocking.

    Raises NotFound when `kid` is not here.
    """
    under_way = Rotation.load(home.folder)
    if under_way is not None:
        return under_way
    coming = [key.kid for key in home.keychain.held() if key.state is KeyState.NEXT]
    new = home.keychain.find(kid).kid if kid else coming[-1] if coming else home.keychain.add().kid
    rotation = Rotation(old=home.key().kid, new=new)
    rotation.save(home.folder)
    return rotation


async def carry_on(home: Home, *, tell: Tell, timeout_s: float, sole: bool = False) -> Rotation | None:
    """One round over all known boxes; `tell` hears each box with a word. None once it is over.

    What could not be reached stays for the next round. `keys.set` is the whole list of a box: one with keys of
    controllers that are not known here is left alone, unless this is its `sole` controller.
    """
    rotation = await asyncio.to_thread(begin, home)
    boxes = await asyncio.to_thread(home.boxes)
    names = [box.id for box in boxes]
    for phase in (Phase.ENROL, Phase.RETIRE):
        if rotation.phase(names) is phase:
            old = await asyncio.to_thread(home.keychain.signer, rotation.old)
            new = await asyncio.to_thread(home.keychain.signer, rotation.new)
            others = (await asyncio.to_thread(Keyring, home.others_path)).keys()
            step = _Step(phase=phase, old=old, new=new, others=others, timeout_s=timeout_s, sole=sole)
            rotation = await _reach_all(home, rotation, boxes, step=step, tell=tell)
            if phase is Phase.ENROL and rotation.phase(names) is not Phase.ENROL:
                await asyncio.to_thread(home.keychain.activate, rotation.new)
    if rotation.phase(names) is not Phase.DONE:
        return rotation
    await asyncio.to_thread(home.keychain.activate, rotation.new)
    await asyncio.to_thread(Rotation.clear, home.folder)
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
            await asyncio.to_thread(self.rotation.save, self._home.folder)


class _Step:
    """What one box is told in this phase. Only what this home knows is ever signed: answers are not signed,
    and whoever has the broker could put a key of his own into one."""

    def __init__(
        self, *, phase: Phase, old: Signer, new: Signer, others: Sequence[TrustedKey], timeout_s: float, sole: bool
    ) -> None:
        self.phase = phase
        self.old = old
        self._new = new
        self._others = others
        self._timeout_s = timeout_s
        self._sole = sole

    async def take(self, controller: Controller, box: str) -> Result:
        """Under the old key while it still counts there; a box that has gone further takes the new one."""
        for signer in (self.old, self._new) if self.phase is Phase.ENROL else (self._new,):
            known = await controller.send(box, Op.KEYS_GET, key=signer, timeout_s=self._timeout_s)
            if known.code != "unknown_key":
                break
        self._check(box, known)
        keys = {"keys": self._list(box)}
        return await controller.send(box, Op.KEYS_SET, keys, key=signer, timeout_s=self._timeout_s)

    def _check(self, box: str, known: Result) -> None:
        """No other controller is locked out unseen."""
        if self._sole:
            return
        listed = known.payload.get("keys")
        if known.st is not ResultState.DONE or not isinstance(listed, list):
            sentence = (
                f"{box} does not say which keys it has ({known.code}): --sole, if no other controller commands it"
            )
            raise Invalid(sentence, code="keys_unseen")
        ours = {self.old.kid, self._new.kid, *(key.kid for key in self._others)}
        strange = sorted({str(one.get("kid")) for one in listed if isinstance(one, Mapping)} - ours)
        if strange:
            sentence = f"{box} has keys that are not known here, {', '.join(strange)}: edgectl keys trust, or --sole"
            raise Invalid(sentence, code="keys_unseen")

    def _list(self, box: str) -> list[Mapping[str, Any]]:
        own = (self.old, self._new) if self.phase is Phase.ENROL else (self._new,)
        until_s = int(time.time()) + _HOLDS_S
        keys = [
            trusted_key(kid=k.kid, public=k.public.base64, ops=("*",), boxes=(box,), not_after_s=until_s) for k in own
        ]
        theirs = [key for key in self._others if any(fnmatchcase(box, one) for one in key.boxes)]
        return [key_entry(key) for key in (*keys, *theirs)]


async def _one(step: _Step, found: Reach, box: str, progress: _Progress, tell: Tell) -> None:
    async with progress.room:
        try:
            controller = found.of(box)
            await controller.box(box)
            result = await step.take(controller, box)
        except EdgeError as error:
            tell(box, f"waiting: {error}")
            return
    if result.st is ResultState.DONE:
        await progress.note(box, step.phase)
        tell(box, "knows the new key" if step.phase is Phase.ENROL else "has forgotten the old key")
    else:
        tell(box, f"{result.st}: {result.code}{': ' if result.detail else ''}{result.detail}")
