"""The web application with real board and bus, and ports that live in the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from blockbuster import blockbuster_ctx
from fastapi import FastAPI

from edge.app.admission import Admission
from edge.model.command import Lane
from edge.model.errors import Busy, Forbidden, Invalid, NotFound, SignalLost, Unavailable
from edge.model.feedback import Role
from edge.model.ice import IceServer
from edge.model.invitation import Invitation
from edge.ports import Still
from edge.runtime.command_bus import CommandBus
from edge.runtime.status_board import StatusBoard
from edge.vault.invitations import Invitations
from edge.vault.signing import SigningKey
from edge.web.app import create_app

UTC_NS = 1_767_225_600_123_456_789  # 2026-01-01T00:00:00.123456789Z


class HandClock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now_ns = 1_000_000_000_000

    def mono_ns(self) -> int:
        return self.now_ns

    def utc_ns(self, mono_ns: int | None = None) -> int:
        return UTC_NS + (self.now_ns if mono_ns is None else mono_ns) - 1_000_000_000_000

    def synchronised(self) -> bool:
        return True

    def uncertainty_us(self) -> int | None:
        return 250


@dataclass(slots=True)
class OneViewerWhep:
    """Takes an offer that starts with v=0, one viewer at a time, on the rung `main`."""

    down: bool = False
    sessions: set[str] = field(default_factory=set)
    fragments: list[str] = field(default_factory=list)
    joined: list[tuple[Role, Invitation | None]] = field(default_factory=list)

    async def offer(
        self, rung: str, sdp: str, *, role: Role = Role.GUIDE, invitation: Invitation | None = None
    ) -> tuple[str, str]:
        if self.down:
            raise Unavailable("the WebRTC process is not there")
        if rung != "main":
            raise NotFound(f"no rung {rung!r}", code="unknown_rung")
        if not sdp.startswith("v=0"):
            raise Invalid("not an SDP offer: line 1 is not v=0", code="invalid_sdp")
        if self.sessions:
            raise Busy("1 viewer is connected already")
        self.sessions.add("s1")
        self.joined.append((role, invitation))
        return "s1", "v=0\r\nanswer"

    async def trickle(self, session: str, fragment: str) -> None:
        self._known(session)
        self.fragments.append(fragment)

    async def end(self, session: str) -> None:
        self._known(session)
        self.sessions.discard(session)

    def _known(self, session: str) -> None:
        if session not in self.sessions:
            raise NotFound(f"no session {session!r}", code="unknown_session")


@dataclass(slots=True)
class StillPictures:
    current: Still | None = None

    async def still(self, input: str = "main") -> Still:
        if input != "main":
            raise NotFound(f"no input {input!r}", code="unknown_input")
        if self.current is None:
            raise SignalLost("no picture on the input: no_signal")
        return self.current


QR_TEXT = "scopecast+http://10.0.0.5:8080/box-000001#AAAAAAAAAAAAAAAAAAAAAA"


class CodePairing:
    forgotten = False

    def open_code(self) -> tuple[str, float]:
        return "482 913", 300.0

    async def pair(self, code: str, kid: str, public_key: str) -> Mapping[str, Any]:
        if code != "482 913":
            raise Forbidden("the code is wrong or was used")
        return {"box": "box-000001", "kid": kid}

    def qr_text(self) -> str:
        return QR_TEXT

    async def hello(self, exchange: str) -> Mapping[str, Any]:
        return {"box": "box-000001", "exchange": exchange[::-1]}

    async def begin(self, text: str, seal: str) -> Mapping[str, str]:
        return {"text": f"begun {text}", "seal": seal}

    async def finish(self, text: str, seal: str) -> Mapping[str, str]:
        return {"text": f"finished {text}", "seal": seal}

    async def forget(self, box: str) -> None:
        if box != "box-000001":
            raise Invalid("confirm with this box's id", code="not_confirmed")
        self.forgotten = True


@dataclass(slots=True)
class Web:
    """The application and all that it is made of."""

    app: FastAPI
    board: StatusBoard
    bus: CommandBus
    whep: OneViewerWhep
    pictures: StillPictures
    clock: HandClock
    calls: list[tuple[str, Mapping[str, Any]]]
    admission: Admission
    pairing: CodePairing

    def answer(self, op: str, outcome: Mapping[str, Any] | Exception) -> None:
        """Give the bus an operation with that outcome."""

        async def run(args: Mapping[str, Any]) -> Mapping[str, Any]:
            self.calls.append((op, args))
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        self.bus.register(op, Lane.STREAM, run)


@pytest.fixture(autouse=True)
def _no_blocking_call() -> Iterator[None]:
    with blockbuster_ctx("edge"):
        yield


@pytest.fixture
def web(tmp_path: Path) -> Web:
    board, bus, whep, pictures, clock = StatusBoard(), CommandBus(), OneViewerWhep(), StillPictures(), HandClock()
    key = SigningKey.load_or_create(tmp_path / "viewers.key")
    invitations = Invitations(key=key, clock=clock)
    admission = Admission(invitations=invitations, required="remote", path=tmp_path / "ended", clock=clock)
    pairing = CodePairing()
    app = create_app(
        board=board,
        bus=bus,
        whep=whep,
        pictures=pictures,
        pairing=pairing,
        admission=admission,
        clock=clock,
        public_host="box.example",
        ice_servers=lambda: [IceServer("stun:a:1"), IceServer("turn:b:2", "17:u", 'p"q')],
        max_streams=2,
    )
    return Web(app, board, bus, whep, pictures, clock, [], admission, pairing)


@pytest.fixture
async def client(web: Web) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=web.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
        yield client
