"""The touchscreen page in Chromium against the real application, with ports that live in the test."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fastapi import FastAPI
from playwright.async_api import Browser, Page, async_playwright

from edge.model.command import Lane
from edge.model.errors import NotFound, SignalLost, Unavailable
from edge.model.feedback import Role
from edge.model.invitation import Invitation
from edge.ports import Still
from edge.runtime.clock import SystemClock
from edge.runtime.command_bus import CommandBus
from edge.runtime.component import Context
from edge.runtime.status_board import StatusBoard
from edge.web.app import create_app
from edge.web.server import WebServer
from tests.chromium import CHROMIUM, FLAGS
from tests.invited import admission_in

REFUSAL = "the WebRTC process is not there"

DOCUMENT: Mapping[str, Any] = {
    "board": {"name": "sim"},
    "box": {"id": "box-og5zhpmlrd", "name": "Theatre 4"},
    "versions": {"scopecast": "0.1.0"},
    "signal": {
        "state": "locked",
        "detail": "",
        "lock_changes": 12,
        "last_change_age_s": 754.2,
        "format": {"width": 1920, "height": 1080, "fps": 59.94, "colorimetry": "bt709", "range": "limited"},
    },
    "preset": {"name": "endoscopy", "title": "Endoscopy"},
    "mask": {"areas": 2, "withheld": ""},
    "picture": {"live": True, "reason": "", "age_ms": 12.0},
    "encoder": {
        "name": "x264",
        "hardware": False,
        "rungs": [
            {
                "name": "main",
                "codec": "h264",
                "target_bps": 8_000_000,
                "measured_bps": 7_912_345,
                "fps": 59.94,
                "keyframes": 1234,
                "sessions": 3,
            }
        ],
    },
    "sinks": [
        {"name": "webrtc", "kind": "whep", "state": "live", "epoch": 7, "delivered": 1_234_567, "dropped": 12},
        {"name": "srt", "kind": "srt", "state": "stopped", "epoch": 7, "delivered": 0, "dropped": 0},
        {
            "name": "teaching-theatre-on-the-second-floor-abc",
            "kind": "srt",
            "state": "failed",
            "epoch": 7,
            "delivered": 10,
            "dropped": 1,
            "last_error": "srt://192.0.2.7:9000: connection refused by the listener, passphrase does not fit",
        },
    ],
    "viewers": [
        {"session": "IbSCFWQFaLa9yzyfNCCXSA", "state": "connected", "rtt_ms": 23.4, "delivered": 99, "dropped": 0},
        {"session": "other", "state": "connecting", "rtt_ms": None, "delivered": 0, "dropped": 0},
    ],
    "latency": {
        "stages": {
            "capture": {"p50": 531, "p95": 4054, "p99": 7529},
            "encode": {"p50": 4067, "p95": 5712, "p99": 17615},
            "queue:teaching-theatre-on-the-second-floor-abc": {"p50": 254, "p95": 341, "p99": 373},
        },
        "box": {"p50": 5806, "p95": 10780, "p99": 14232},
    },
    "recording": {"state": "idle"},
    "link": {"state": "offline", "broker": "broker.example:8883", "since": "2026-01-01T10:00:00Z", "last_error": "x"},
    "health": {
        "status": "degraded",
        "cpu_pct": 41.3,
        "mem_pct": 22.0,
        "temperature_c": 71.5,
        "disk_free_pct": 31.1,
        "processes": {"media": {"pid": 4711, "rss_mb": 181.9, "cpu_pct": 31.0, "state": "running"}},
    },
    "issues": [
        {
            "code": "latency_budget_exceeded",
            "since": "2026-01-01T10:00:00Z",
            "severity": "error",
            "subject": "viewer-1",
            "detail": "p95 312 ms",
            "suggestion": "Lower the bitrate, or <b>move</b> to a cable. <img src=x onerror=window.hacked=1>",
        }
    ],
}


SECOND: Mapping[str, Any] = {
    "name": "second",
    "source": {"kind": "url"},
    "signal": {"state": "no_cable", "detail": "no cable is plugged in", "lock_changes": 2, "format": None},
    "picture": {"live": False, "reason": "no cable: no cable is plugged in", "age_ms": None},
    "encoder": {**DOCUMENT["encoder"], "rungs": [{**DOCUMENT["encoder"]["rungs"][0], "name": "second"}]},
    "latency": {"stages": {}, "box": {"p50": 99_000, "p95": 123_000, "p99": 150_000}},
}


def both_inputs() -> list[Mapping[str, Any]]:
    """The section `inputs` of a box that has two: the document's own, and one without a cable."""
    main = {key: DOCUMENT[key] for key in ("signal", "picture", "encoder", "latency")}
    return [{"name": "main", "source": {"kind": "sim"}, **main}, SECOND]


class RefusingWhep:
    """No WebRTC process is there."""

    def __init__(self) -> None:
        self.offers = 0
        self.rung = ""
        self.role = Role.GUIDE

    async def offer(
        self, rung: str, sdp: str, *, role: Role = Role.GUIDE, invitation: Invitation | None = None
    ) -> tuple[str, str]:
        self.offers += 1
        self.role = role
        self.rung = rung
        raise Unavailable(REFUSAL)

    async def trickle(self, session: str, fragment: str) -> None:
        raise NotFound("no such session")

    async def end(self, session: str) -> None:
        raise NotFound("no such session")


class NoPictures:
    async def still(self, input: str = "main") -> Still:
        raise SignalLost("no picture on the input")


QR_TEXT = "scopecast+http://192.168.100.200:8080/box-og5zhpmlrd#q83vEjRWeJCrze8SNFZ4kA"


class OneCode:
    def __init__(self) -> None:
        self.forgotten: list[str] = []

    def open_code(self) -> tuple[str, float]:
        return "482 913", 300.0

    def qr_text(self) -> str:
        return QR_TEXT

    async def hello(self, exchange: str) -> Mapping[str, Any]:
        return {}

    async def begin(self, text: str, seal: str) -> Mapping[str, str]:
        return {}

    async def finish(self, text: str, seal: str) -> Mapping[str, str]:
        return {}

    async def forget(self, box: str) -> None:
        self.forgotten.append(box)

    async def pair(self, code: str, kid: str, public_key: str) -> Mapping[str, Any]:
        return {}


@dataclass(slots=True)
class Stage:
    """A running web server and what stands behind it."""

    app: FastAPI
    board: StatusBoard
    whep: RefusingWhep
    pairing: OneCode = field(default_factory=OneCode)
    port: int = 0
    calls: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    refuse: Exception | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def stream_start(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._called("stream.start", args)

    async def stream_stop(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._called("stream.stop", args)

    def _called(self, op: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        if self.refuse is not None:
            raise self.refuse
        self.calls.append((op, args))
        return {}

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """The server runs, on the same port each time."""
        server, ctx = WebServer(app=self.app, host="127.0.0.1", port=self.port), Context()
        async with asyncio.TaskGroup() as group:
            group.create_task(server.run(ctx))
            while not ctx.is_ready:
                await asyncio.sleep(0.01)
            self.port = server.bound_port or 0
            try:
                yield
            finally:
                ctx.ask_to_stop()


def make_stage() -> Stage:
    board, bus, whep = StatusBoard(), CommandBus(), RefusingWhep()
    with TemporaryDirectory() as folder:  # its key is read once, and nothing is ended here
        admission = admission_in(Path(folder))
    pairing = OneCode()
    app = create_app(
        board=board,
        bus=bus,
        whep=whep,
        pictures=NoPictures(),
        pairing=pairing,
        admission=admission,
        clock=SystemClock(),
    )
    stage = Stage(app=app, board=board, whep=whep, pairing=pairing)
    bus.register("stream.start", Lane.STREAM, stage.stream_start)
    bus.register("stream.stop", Lane.STREAM, stage.stream_stop)
    for section, value in DOCUMENT.items():
        board.put(section, value)
    return stage


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    assert shutil.which(CHROMIUM), f"{CHROMIUM} is needed: apt-get install chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()


async def open_page(browser: Browser, url: str, *, width: int = 800, height: int = 480) -> Page:
    """The page, loaded, with the status document on it."""
    page = await browser.new_page(viewport={"width": width, "height": height})
    await page.goto(url)
    await page.wait_for_selector('body[data-connected="true"] #rail [data-panel="issues"]')
    return page
