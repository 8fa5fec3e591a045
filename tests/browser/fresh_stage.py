"""The real page before real WebRTC sessions, whose pictures come from a process that lies when told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Page, expect

from edge.app.admission import Admission
from edge.rtc.sessions import WhepSessions
from edge.runtime.clock import SystemClock
from edge.runtime.command_bus import CommandBus
from edge.runtime.component import Context
from edge.runtime.status_board import StatusBoard
from edge.web.app import create_app
from tests.browser.page_stage import DOCUMENT, NoPictures, OneCode, RefusingWhep, Stage
from tests.browser.whep_stage import Producer, fed_sessions
from tests.invited import admission_in

_TELL_S = 0.3


@dataclass(slots=True)
class FreshStage:
    stage: Stage
    producer: Producer
    sessions: WhepSessions
    admission: Admission

    @property
    def url(self) -> str:
        return self.stage.url


@asynccontextmanager
async def fresh_stage(folder: Path, *, embed_origins: Sequence[str] = ()) -> AsyncIterator[FreshStage]:
    producer = Producer(folder / "u.sock")
    feed, sessions = fed_sessions(producer)
    board = StatusBoard()
    for section, value in {**DOCUMENT, "viewers": [], "issues": []}.items():
        board.put(section, value)
    admission = admission_in(folder)
    app = create_app(
        board=board,
        bus=CommandBus(),
        whep=sessions,
        pictures=NoPictures(),
        pairing=OneCode(),
        admission=admission,
        clock=SystemClock(),
        embed_origins=embed_origins,
    )
    stage, context = Stage(app=app, board=board, whep=RefusingWhep()), Context()
    await producer.start()
    running = [asyncio.ensure_future(part.run(context)) for part in (feed, sessions)]
    telling = asyncio.ensure_future(_keep_telling(board, sessions))
    try:
        async with stage.serving():
            yield FreshStage(stage, producer, sessions, admission)
    finally:
        telling.cancel()
        context.ask_to_stop()
        await asyncio.gather(telling, *running, return_exceptions=True)
        await producer.kill()


async def _keep_telling(board: StatusBoard, sessions: WhepSessions) -> None:
    while True:
        board.put("viewers", sessions.viewers())
        await asyncio.sleep(_TELL_S)


async def live(page: Page, *, timeout_ms: float = 20_000) -> None:
    await expect(page.locator("#badge")).to_have_attribute("data-live", "true", timeout=timeout_ms)
    await expect(page.locator("#badge-text")).to_have_text("LIVE")


async def not_live(page: Page, code: str, *, word: str = "NOT LIVE", timeout_ms: float = 10_000) -> str:
    """Waits for that; returns the reason shown."""
    await expect(page.locator("#badge")).to_have_attribute("data-reason", code, timeout=timeout_ms)
    await expect(page.locator("#badge")).to_have_attribute("data-live", "false")
    await expect(page.locator("#badge-text")).to_have_text(word)
    await expect(page.locator("#veil")).to_be_visible()
    return await page.inner_text("#reason")
