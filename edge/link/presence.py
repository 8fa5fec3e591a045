"""The `link` message: who is here, since which connection, with which challenge."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass

from edge.link.letters import ClockWord
from edge.link.topics import PROTO
from edge.ports import Clock


@dataclass(frozen=True, slots=True)
class Session:
    """One connection's identity. `chal` is base64 of 16 random bytes, new each time."""

    sess: int
    chal: str


def new_session(sess: int) -> Session:
    return Session(sess, base64.b64encode(secrets.token_bytes(16)).decode())


class Presence:
    """Writes the message; the will is the same with `lost`."""

    def __init__(self, *, boot: str, version: str, slot: str, clock: Clock, clock_word: ClockWord) -> None:
        self._boot = boot
        self._version = version
        self._slot = slot
        self._clock = clock
        self._clock_word = clock_word

    def message(self, state: str, session: Session) -> bytes:
        """`state`: online, offline or lost."""
        body = {
            "v": 1,
            "state": state,
            "boot": self._boot,
            "sess": session.sess,
            "ts": self._clock.utc_ns() // 1_000_000,
            "clk": self._clock_word.word(),
            "chal": session.chal,
            "sw": self._version,
            "slot": self._slot,
            "proto": [PROTO],
        }
        return json.dumps(body).encode()
