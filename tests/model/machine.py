"""What may happen between a box and its controller, and what must hold whatever happens."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol
from unittest import mock

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge.link.engine import Message
from tests.model.box import BOX, UTC_AHEAD_S, ModelBox
from tests.model.broker import HOP_S, SimBroker
from tests.model.steploop import StepLoop, StepWorkers
from tests.mqtt_orders import STRANGER, order, signed

_LEAVES = st.sampled_from(["cmd", "res", "evt", "ack"])
_HOPS, _ROUNDS = st.integers(0, 6), st.integers(0, 12)
_FATES = st.sampled_from(["go on", "kill box", "kill controller", "kill broker", "cut box", "cut ctl", "lose session"])
_OPS = st.sampled_from(["quick.run", "slow.run", "bad.run"])
_HEAL_S = 1200.0


class ModelControl(Protocol):
    """The other end: `wish` is written down at once, and insisted upon by whatever process is alive."""

    @property
    def alive(self) -> bool: ...
    def start(self) -> None: ...
    def kill(self) -> None: ...
    def check_healthy(self) -> None: ...
    def wish(self, id: str, op: str, **args: Any) -> None: ...
    def finals(self, id: str) -> set[tuple[str, str]]:
        """The final states that it had of a command."""
        ...

    def order(self) -> list[tuple[int, Mapping[str, Any]]]:
        """(eseq, message) of what it took in, in the order in which it did so for good."""
        ...


class Machine(RuleBasedStateMachine):
    """Each rule is something that may happen; `teardown` lets everything heal and then looks at what came of it."""

    def __init__(self) -> None:
        super().__init__()
        logging.disable(logging.CRITICAL)
        self.folder = Path(tempfile.mkdtemp(prefix="model-", dir=_memory()))
        self.loop = StepLoop()
        self.broker = SimBroker(self.loop)
        self.patches = contextlib.ExitStack()
        self.patches.enter_context(mock.patch("edge.link.connection.Engine", self.broker.engine))
        self.patches.enter_context(mock.patch("edge.link.store.Workers", StepWorkers))
        self.broker.before_ack = self._before_ack
        self.box = ModelBox(self.loop, self.folder)
        self.controller = self.make_controller()
        self.wished: list[str] = []
        self.evil: set[str] = set()
        self.events = 0
        self.box.start()
        self.controller.start()
        self.loop.advance(2)

    def make_controller(self) -> ModelControl:
        raise NotImplementedError

    # What people and the box itself do, and what comes in between: after so many hops on the wire, so many rounds.

    @rule(op=_OPS, seconds=st.sampled_from([0.1, 3.0]), hops=_HOPS, rounds=_ROUNDS, fate=_FATES)
    def command(self, op: str, seconds: float, hops: int, rounds: int, fate: str) -> None:
        name = f"cmd-{len(self.wished)}"
        self.wished.append(name)
        self.controller.wish(name, op, seconds=seconds)
        self._after(hops, rounds, fate)

    @precondition(lambda self: self.box.link is not None)
    @rule(count=st.integers(1, 20), hops=_HOPS, rounds=_ROUNDS, fate=_FATES)
    def event(self, count: int, hops: int, rounds: int, fate: str) -> None:
        for _ in range(count):
            self.events += 1
            self.box.event(self.events)
        self._after(hops, rounds, fate)

    @rule(hops=_HOPS, rounds=_ROUNDS, fate=_FATES)
    def meanwhile(self, hops: int, rounds: int, fate: str) -> None:
        self._after(hops, rounds, fate)

    @rule(seconds=st.sampled_from([0.3, 1.0, 7.0, 80.0]))
    def wait(self, seconds: float) -> None:
        self.loop.advance(seconds)

    @rule(memory=st.sampled_from(["all", "stale", "none"]))
    def restore(self, memory: str) -> None:
        """Whatever is dead lives again."""
        if not self.broker.up:
            self.broker.revive(memory)
        for one in (self.box, self.controller):
            if not one.alive:
                one.start()

    # What else a broker may do to them.

    @rule()
    def broker_saves(self) -> None:
        self.broker.save()

    @rule(leaf=_LEAVES, count=st.integers(1, 3), fault=st.sampled_from(["swallow", "double", "hold", "release"]))
    def broker_errs(self, leaf: str, count: int, fault: str) -> None:
        if fault == "swallow":
            self.broker.swallow[leaf] += count
        elif fault == "double":
            self.broker.twice[leaf] += count
        elif fault == "hold":
            self.broker.hold(leaf)
        else:
            self.broker.release(leaf)

    # What a thief of the broker does.

    @precondition(lambda self: self.broker.up)
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        commands = [payload for topic, payload, retain in self.broker.sent if topic.endswith("/cmd") and not retain]
        if commands:
            self._say(commands[data.draw(st.integers(0, len(commands) - 1))])

    @precondition(lambda self: self.broker.up)
    @rule(kind=st.sampled_from(["forged", "unknown", "expired", "early", "other", "version", "desired", "retained"]))
    def attack(self, kind: str) -> None:
        name = f"evil-{len(self.evil)}"
        self.evil.add(name)
        now_s = int(self.loop.now_s + UTC_AHEAD_S)
        times = {"expired": (now_s - 100, now_s - 40), "early": (now_s + 86_400, now_s + 86_460)}
        iat, exp = times.get(kind, (now_s, now_s + 60))
        body = order(BOX, "quick.run", {"run": name}, id=name, ctr=(1 << 53) - 1, iat=iat, exp=exp)
        changes: dict[str, Any] = {"other": {"box": "box-another"}, "version": {"v": 2}}.get(kind, {})
        how: dict[str, Any] = {
            "forged": {"key": STRANGER},
            "unknown": {"kid": "ctl-nobody"},
            "desired": {"pt": "eb/1/desired"},
        }.get(kind, {})
        self._say(signed({**body, **changes}, **how), retain=kind == "retained")

    # What must hold at any time.

    @invariant()
    def holds(self) -> None:
        assert len(self.box.runs) == len(set(self.box.runs)), f"ran twice: {self.box.runs}"
        assert not self.evil & set(self.box.runs), f"ran: {self.evil & set(self.box.runs)}"
        self.box.check_healthy()
        self.controller.check_healthy()

    def teardown(self) -> None:
        try:
            self._heal()
            self._nothing_was_lost()
            self._each_command_has_one_end()
        finally:
            for one in (self.box, self.controller):
                if one.alive:
                    one.kill()
            self.patches.close()
            self.loop.close()
            shutil.rmtree(self.folder)
            logging.disable(logging.NOTSET)

    def _heal(self) -> None:
        self.broker.swallow.clear()
        for leaf in list(self.broker.held):
            self.broker.release(leaf)
        if not self.broker.up:
            self.broker.revive("all")
        for one in (self.box, self.controller):
            if not one.alive:
                one.start()
        self._wait_for_quiet()
        self.holds()

    def _wait_for_quiet(self) -> None:
        """At least as long as the box may wait for its broker when all was well before, then until nothing is open."""
        for _ in range(int(_HEAL_S / 20)):
            self.loop.advance(20)
            if self._is_quiet():
                return

    def _is_quiet(self) -> bool:
        last = self.box.read("SELECT value FROM meta WHERE name = 'eseq'")
        ended = all(self.controller.finals(name) for name in self.wished)
        return ended and bool(last) and [eseq for eseq, _ in self.controller.order()][-1:] == [last[0][0]]

    def _nothing_was_lost(self) -> None:
        last = self.box.read("SELECT value FROM meta WHERE name = 'eseq'")[0][0]
        took = self.controller.order()
        numbers = [eseq for eseq, _ in took]
        assert numbers == list(range(1, last + 1)), f"of 1 to {last} the controller has, in this order, {numbers}"
        told = [body["data"]["n"] for _, body in took if body["code"] == "model.event"]
        assert told == sorted(set(told))
        for life in range(1, self.box.lives + 1):
            own = [n for owner, n in self.box.told if owner == life]
            kept = [n for n in own if n in told]
            assert kept == own[: len(kept)], f"events {own} of one process, of which {kept} arrived"

    def _each_command_has_one_end(self) -> None:
        journal = dict(self.box.read("SELECT id, at_ms FROM journal"))
        for name in self.wished:
            finals = self.controller.finals(name)
            assert len(finals) == 1, f"{name} ended as {finals}"
            state = next(iter(finals))[0]
            if state in ("done", "failed"):
                assert name in self.box.runs, f"{name} is {state} and never ran"
            if state == "rejected":
                assert name not in self.box.runs, f"{name} ran and is rejected"
                assert name not in journal, f"{name} was accepted and is rejected"

    def _before_ack(self, message: Message) -> None:
        """No PUBACK for a command before what was decided about it is on disk."""
        if not message.topic.endswith("/cmd") or message.retain:
            return
        envelope = json.loads(message.payload)
        payload = envelope["p"] + "=" * (-len(envelope["p"]) % 4)
        name = json.loads(base64.urlsafe_b64decode(payload))["id"]
        known = self.box.read("SELECT COUNT(*) FROM journal WHERE id = ?", name)[0][0]
        told = self.box.read("SELECT COUNT(*) FROM outbox WHERE leaf = 'res' AND subject = ?", name)[0][0]
        assert known or told or name in self.evil, f"{name} was acknowledged and is nowhere"

    def _after(self, hops: int, rounds: int, fate: str) -> None:
        for _ in range(hops):
            self.loop.advance(HOP_S)
        self.loop.steps(rounds)
        what, _, whom = fate.partition(" ")
        if what == "kill":
            self._kill(whom)
        elif what == "cut":
            self._cut(BOX if whom == "box" else whom)
        elif what == "lose":
            self.broker.forget_session(BOX)

    def _kill(self, whom: str) -> None:
        if whom == "broker":
            self.broker.die()
        elif (one := self.box if whom == "box" else self.controller).alive:
            one.kill()

    def _cut(self, client: str) -> None:
        for name in self.broker.clients():
            if name.startswith(client):
                self.broker.cut(name)

    def _say(self, payload: bytes, *, retain: bool = False) -> None:
        self.broker.publish(f"eb/1/{BOX}/cmd", payload, retain=retain)


def _memory() -> str | None:
    """Files in memory where there is such a place: what is on disk here need not survive the machine."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None
