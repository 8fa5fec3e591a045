"""Carries a rollout out, wave by wave; every step is on disk before the next."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from dataclasses import replace

from edge.controller import desired
from edge.controller import rollout as rollouts
from edge.controller.client import Controller
from edge.controller.fleet import BoxView
from edge.controller.home import Home
from edge.controller.ledger import Ledger
from edge.controller.reach import Reach
from edge.controller.rollout import Course, Fate, Mark, Rollout, worse
from edge.model.command import ResultState
from edge.model.errors import EdgeError

_LOOK_S = 0.5
Tell = Callable[[str], None]


class RolloutRun:
    """`run` returns the rollout when it is over; killed and run again, it goes on where the disk says.

    `tell` hears lines for people. `reach` must hear the boxes' link and state.
    """

    def __init__(self, *, home: Home, ledger: Ledger, reach: Reach, rollout: Rollout, tell: Tell) -> None:
        self._home = home
        self._ledger = ledger
        self._reach = reach
        self._tell = tell
        self.rollout = rollout

    async def run(self) -> Rollout:
        await self._keep(self.rollout)
        while self.rollout.course is Course.RUNNING:
            wave = self.rollout.wave
            names = f": {', '.join(wave)}" if len(wave) <= 5 else ""
            self._tell(f"wave {self.rollout.passed + 1} of {len(self.rollout.waves)}, {len(wave)} box(es){names}")
            async with asyncio.TaskGroup() as group:
                for box in wave:
                    if self.rollout.fate(box).mark not in (Mark.GOOD, Mark.BAD):
                        group.create_task(self._change(box), name=f"rollout {box}")
            await self._soak(wave)
            await self._keep(self.rollout.next())
        return self.rollout

    async def _change(self, box: str) -> None:
        """Told, done and well within the time to settle; or bad, with the reason."""
        terms, fate = self.rollout.terms, self.rollout.fate(box)
        try:
            controller = self._reach.of(box)
            await controller.box(box)
            view = await controller.reported(box)
            fate = replace(fate, mark=Mark.SENT, before=fate.before or str(view.state.get("health", "ok")))
            await self._note(box, fate)
            async with asyncio.timeout(terms.settle_s):
                fate = await self._tell_box(controller, box, fate)
                fate = await self._until_well(controller, box, fate)
        except TimeoutError:
            fate = replace(fate, mark=Mark.BAD, word=self._ill(box, fate) or "not done in time")
        except EdgeError as error:
            fate = replace(fate, mark=Mark.BAD, word=str(error))
        if fate.mark is Mark.SENT:
            fate = replace(fate, mark=Mark.GOOD, word="")
        await self._note(box, fate)
        self._tell(f"  {box}: {fate.mark}{': ' if fate.word else ''}{fate.word}")

    async def _until_well(self, controller: Controller, box: str, fate: Fate) -> Fate:
        """Bad at once where the box refuses the document: that does not pass."""
        while (ill := self._ill(box, fate)) is not None:
            if desired.verdict_of(controller.view(box), fate.rev).status == "rejected":
                return replace(fate, mark=Mark.BAD, word=ill)
            await controller.news()
        return fate

    async def _tell_box(self, controller: Controller, box: str, fate: Fate) -> Fate:
        """An operation under an id that follows from rollout and box, a document under one revision: once is enough."""
        change = self.rollout.change
        key = await asyncio.to_thread(self._home.key_for, box)
        if change.op:
            name = str(uuid.uuid5(uuid.NAMESPACE_URL, f"rollout:{self.rollout.id}:{box}"))
            settle_s = self.rollout.terms.settle_s
            result = await controller.send(box, change.op, change.body, id=name, timeout_s=settle_s, key=key)
            if result.st is not ResultState.DONE:
                word = f"{result.st}: {result.code}{': ' if result.detail else ''}{result.detail}"
                return replace(fate, mark=Mark.BAD, word=word)
            return fate
        if fate.rev:
            put = await self._ledger.run(lambda db: desired.find(db, box, fate.rev))
            await controller.desire(box, put.payload, key=key)
            return fate
        rev = await desired.put(controller, box, change.body, why=self.rollout.id, key=key)
        fate = replace(fate, rev=rev)
        await self._note(box, fate)
        return fate

    def _ill(self, box: str, fate: Fate) -> str | None:
        """What is wrong with a box that was told, None when it is well."""
        if fate.mark is Mark.BAD:
            return None  # judged already
        view = self._reach.of(box).view(box)
        if not view.online:
            return f"its link is {view.link.get('state', 'not there')}"
        if worse(str(view.state.get("health", "ok")), fate.before):
            return f"its health is {view.state.get('health')}"
        return self._not_applied(view, fate.rev) if fate.rev else None

    def _not_applied(self, view: BoxView, rev: int) -> str | None:
        verdict = desired.verdict_of(view, rev)
        if verdict.status == "applied":
            return None
        return f"rev {rev} is {verdict.status}{': ' if verdict.words else ''}{verdict.words}"

    async def _soak(self, wave: tuple[str, ...]) -> None:
        """All that are good must stay so; who does not is bad."""
        until_s = time.monotonic() + self.rollout.terms.soak_s
        while True:
            for box in wave:
                fate = self.rollout.fate(box)
                if fate.mark is Mark.GOOD and (ill := self._ill(box, fate)) is not None:
                    await self._note(box, replace(fate, mark=Mark.BAD, word=ill))
                    self._tell(f"  {box}: bad: {ill}")
            left_s = until_s - time.monotonic()
            if left_s <= 0 or len(self.rollout.bad) > self.rollout.terms.most_bad:
                return
            await asyncio.sleep(min(_LOOK_S, left_s))

    async def _note(self, box: str, fate: Fate) -> None:
        await self._keep(self.rollout.with_fate(box, fate))

    async def _keep(self, rollout: Rollout) -> None:
        self.rollout = rollout
        await self._ledger.run(lambda db: rollouts.keep(db, rollout))
