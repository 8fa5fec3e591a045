"""Envelopes that must not run, sent through a real broker to a real process."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.durability.stand import Stand
from tests.mqtt_orders import STRANGER, order, sign, signed
from tests.mqtt_peer import Peer

_WARM_UP = 500


@dataclass(frozen=True, slots=True)
class EnvelopeFigures:
    """`sent` by kind. `growth_mb`: of the process's resident memory, after a warm-up of the same kinds."""

    sent: Mapping[str, int]
    seconds: float
    run: int
    crashes: int
    growth_mb: float
    stored: int
    still_obeys: bool


class Hostile:
    """Makes them. What it replays was obeyed once, before."""

    def __init__(self, box: str, chance: random.Random) -> None:
        self._box = box
        self._chance = chance
        self.obeyed = [self._good(f"good-{n}") for n in range(20)]
        self._kinds: dict[str, Callable[[], bytes]] = {
            "replayed": lambda: self._chance.choice(self.obeyed),
            "forged": lambda: self._good("evil", key=STRANGER),
            "expired": lambda: self._good("evil", at_s=-86_400),
            "misaddressed": lambda: self._good("evil", box="box-another1"),
            "mutated": self._mutated,
        }
        self.kinds = tuple(self._kinds)

    def envelope(self, kind: str) -> bytes:
        return self._kinds[kind]()

    def _good(self, run: str, *, at_s: int = 0, box: str = "", **how: Any) -> bytes:
        now_s = int(time.time()) + at_s
        body = order(box or self._box, "count.stream", {"run": run}, iat=now_s, exp=now_s + 60)
        return signed(body, **how)

    def _mutated(self) -> bytes:
        """A good one of a new id with a few bytes changed: in the envelope's text or in its payload."""
        now_s = int(time.time())
        payload = json.dumps(order(self._box, "count.stream", {"run": "evil"}, iat=now_s, exp=now_s + 60)).encode()
        good = sign(payload)
        if self._chance.random() < 0.5:
            good["p"] = sign(self._changed(payload))["p"]
            return json.dumps(good).encode()
        raw = json.dumps(good).encode()
        at = raw.index(b'"p": "') + 6 + self._chance.randrange(40)
        return raw[:at] + self._changed(raw[at : at + 40]) + raw[at + 40 :]

    def _changed(self, raw: bytes) -> bytes:
        changed = bytearray(raw)
        for _ in range(self._chance.randint(1, 4)):
            changed[self._chance.randrange(len(changed))] ^= self._chance.randint(1, 255)
        return bytes(changed) if bytes(changed) != raw else raw[:-1]


async def measure_envelopes(folder: Path, *, count: int, seed: int) -> EnvelopeFigures:
    chance = random.Random(seed)  # noqa: S311
    async with Stand(folder) as stand, Peer(port=stand.broker.port, box=stand.box_id, leaves=("link",)) as peer:
        await peer.online()
        hostile = Hostile(stand.box_id, chance)
        for raw in hostile.obeyed:
            await peer.say("cmd", raw)
        await stand.until(lambda: len(stand.runs()) == len(hostile.obeyed), "the good ones", timeout_s=30)
        await _flood(peer, hostile, _WARM_UP, chance)
        before_mb, begun_s = _rss_mb(stand.box.pid), time.monotonic()
        sent = await _flood(peer, hostile, count, chance)
        obeys = await _obeys(stand, peer, hostile)
        return EnvelopeFigures(
            sent=sent,
            seconds=time.monotonic() - begun_s,
            run=sum(run != "last" for run in stand.runs()) - len(hostile.obeyed),
            crashes=int(stand.box.ended is not None),
            growth_mb=_rss_mb(stand.box.pid) - before_mb,
            stored=int(stand.box_disk("SELECT COUNT(*) FROM outbox")[0][0]),
            still_obeys=obeys,
        )


async def _flood(peer: Peer, hostile: Hostile, count: int, chance: random.Random) -> Mapping[str, int]:
    sent = dict.fromkeys(hostile.kinds, 0)
    waiting: list[asyncio.Future[int]] = []
    for _ in range(count):
        kind = chance.choice(hostile.kinds)
        sent[kind] += 1
        waiting.append(await peer.send("cmd", hostile.envelope(kind)))
        if len(waiting) >= 64:
            await asyncio.gather(*waiting)
            waiting.clear()
    await asyncio.gather(*waiting)
    return sent


async def _obeys(stand: Stand, peer: Peer, hostile: Hostile) -> bool:
    """A good command after all that is done: what came before it has been judged by then."""
    now_s = int(time.time())
    await peer.command("count.stream", {"run": "last"}, iat=now_s, exp=now_s + 3600)
    await stand.until(lambda: "last" in stand.runs(), "a good command runs", timeout_s=600)
    return True


def _rss_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 1e6
