"""A box with link, pairing desk and web server, as `edge-control` ties them together, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from edge.app.central import Central, LinkWay, Start, own_broker
from edge.config.model import MqttConfig
from edge.runtime.component import Context
from edge.runtime.issues import IssueBook
from edge.vault.enrolment import EnrolmentFile
from edge.vault.membership import Membership
from edge.vault.pairing import PairingDesk
from edge.web.app import create_app
from edge.web.server import WebServer
from tests.mqtt_box import LinkBox

_WAIT_S = 20.0


class EnrollableBox:
    """`home_port` is the box's own broker; where it is enrolled is read from `state_dir` as at any start."""

    def __init__(self, *, home_port: int, state_dir: Path) -> None:
        mqtt = MqttConfig(port=home_port)
        state_dir.mkdir(parents=True, exist_ok=True)
        file = EnrolmentFile(state_dir / "enrolment.json")
        start = Start.of(mqtt, file)
        self.route = start.route
        self.link_box = box = LinkBox(port=home_port, state_dir=state_dir, route=start.route)
        self.id = box.id
        self.url = ""
        self.membership = Membership(
            file=file,
            current=start.enrolment,
            keyring=box.keyring,
            box=box.id,
            clock=box.clock,
            way=LinkWay(start.route, link=box.link, home=own_broker(mqtt)),
            audit=box.link.audit,
        )
        self.desk = PairingDesk(
            keyring=box.keyring,
            box=box.id,
            clock=box.clock,
            broker=("127.0.0.1", home_port),
            audit=box.link.audit,
            membership=self.membership,
            address=lambda: self.url,
        )
        self.issues = IssueBook(now_text=lambda: "")
        self.central = Central(
            membership=self.membership, keyring=box.keyring, board=box.board, issues=self.issues, clock=box.clock
        )
        self.central.register(box.bus)

    @property
    def link(self) -> dict[str, Any]:
        return self.link_box.board.get("link") or {"state": "", "broker": "", "issues": []}

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        nothing: Any = None
        app = create_app(
            board=self.link_box.board,
            bus=self.link_box.bus,
            whep=nothing,
            pictures=nothing,
            pairing=self.desk,
            admission=nothing,
            clock=self.link_box.clock,
        )
        server, ctx = WebServer(app=app, host="127.0.0.1", port=0), Context()
        async with self.link_box.running():
            tasks = [asyncio.ensure_future(part.run(ctx)) for part in (server, self.central)]
            try:
                async with asyncio.timeout(_WAIT_S):
                    while server.bound_port is None:
                        await asyncio.sleep(0.01)
                self.url = f"http://127.0.0.1:{server.bound_port}"
                yield
            finally:
                ctx.ask_to_stop()
                await asyncio.gather(*tasks)

    async def until_online(self, port: int) -> None:
        await until(lambda: (self.link["state"], self.link["broker"]) == ("online", f"127.0.0.1:{port}"), "online")


async def until(true: Callable[[], bool], what: str) -> None:
    try:
        async with asyncio.timeout(_WAIT_S):
            while not true():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"never came: {what}") from None
