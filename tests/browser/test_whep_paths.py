"""Chromium at the end of a path that is narrow or lossy, and as a viewer that is given less."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from edge.model.feedback import Demotion
from tests.browser.whep_stage import Box, TwoRungs, eventually, is_so, serving_two_rungs, shown

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module")
async def two_rungs(tmp_path: Path) -> AsyncIterator[TwoRungs]:
    async with serving_two_rungs(tmp_path) as box:
        yield box


async def test_chromium_tells_by_transport_feedback_how_the_path_does(box: Box, page: Page) -> None:
    answer = await page.evaluate("seen.answer")
    assert "transport-wide-cc" in answer
    assert "transport-cc" in answer
    await shown(page, 60)
    links = [line["link"] for line in box.producer.heard if "link" in line]
    reports = [link for link in links[5:] if link["delivered_bps"]]
    assert len(reports) >= 10
    assert {(link["sink"], link["role"], link["limit_bps"]) for link in reports} == {("viewer-1", "guide", None)}
    assert all(0 <= link["loss"] <= 1 and link["queue_ms"] >= 0 and link["rtt_ms"] is not None for link in reports)


class Bottleneck:
    """In front of the box's socket for one viewer: a line of `rate_bps`, whose every `lossy`th packet is lost."""

    def __init__(self, box: Box) -> None:
        [entry] = box.sessions._sessions.values()
        self._ice: Any = entry.peer._transceiver.sender.transport.transport
        self._through = self._ice._send
        self._ice._send = self._send
        self._free_s = 0.0
        self._count = 0
        self._line: set[asyncio.Task[None]] = set()
        self.rate_bps = 1e9
        self.lossy = 0

    async def _send(self, datagram: bytes) -> None:
        self._count += 1
        if self.lossy and self._count % self.lossy == 0:
            return
        now_s = time.monotonic()
        self._free_s = max(self._free_s, now_s) + len(datagram) * 8 / self.rate_bps
        task = asyncio.ensure_future(self._later(datagram, self._free_s - now_s))
        self._line.add(task)
        task.add_done_callback(self._line.discard)

    async def _later(self, datagram: bytes, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        with contextlib.suppress(ConnectionError):
            await self._through(datagram)


async def test_a_narrow_path_to_chromium_shows_as_a_queue_and_as_what_it_delivers(box: Box, page: Page) -> None:
    path = Bottleneck(box)
    await shown(page, 30)
    box.producer.heard.clear()
    path.rate_bps = 700_000

    async def seen_narrow() -> bool:
        links = [line["link"] for line in box.producer.heard if "link" in line]
        return any(each["queue_ms"] > 200 and 400_000 < each["delivered_bps"] < 1_000_000 for each in links)

    await eventually(seen_narrow)
    path.rate_bps = 1e9
    box.producer.heard.clear()

    async def seen_free() -> bool:
        links = [line["link"] for line in box.producer.heard if "link" in line]
        return any(each["queue_ms"] < 50 and each["delivered_bps"] > 1_000_000 for each in links)

    await eventually(seen_free)


async def test_what_is_lost_on_the_way_to_chromium_is_told_and_sent_again(box: Box, page: Page) -> None:
    path = Bottleneck(box)
    await shown(page, 30)
    path.lossy = 20

    async def told_and_repeated() -> bool:
        [viewer] = box.sessions.viewers()
        return viewer["loss"] > 0.02 and viewer["repeated"] >= 20

    await eventually(told_and_repeated)
    await shown(page, 60)
    [viewer] = box.sessions.viewers()
    assert viewer["loss"] < 0.15
    assert viewer["repeats_refused"] == 0
    path.lossy = 0
    await eventually(is_so(lambda: box.sessions.viewers()[0]["loss"] == 0))


async def test_a_demoted_page_goes_over_to_the_lesser_rung_and_back_without_a_new_session(
    two_rungs: TwoRungs, browser: Browser
) -> None:
    page = await browser.new_page()
    await page.goto(two_rungs.url)
    await page.evaluate("view()")
    await shown(page, 10)
    session = two_rungs.viewer["session"]
    for demoted, rung, size in ((True, "view", [320, 180]), (False, "main", [640, 360]), (True, "view", [320, 180])):
        two_rungs.demote(demoted)
        await eventually(is_so(lambda rung=rung: two_rungs.viewer["rung"] == rung))
        await page.wait_for_function(f"[picture.videoWidth, picture.videoHeight].join() === '{size[0]},{size[1]}'")
        await shown(page, 30)
        assert await page.evaluate("[picture.videoWidth, picture.videoHeight]") == size
    assert two_rungs.viewer["session"] == session
    assert "picture lost" not in two_rungs.main.keyframe_reasons() + two_rungs.view.keyframe_reasons()


async def test_a_page_with_keyframes_only_shows_them_and_then_all_again(box: Box, page: Page) -> None:
    [viewer] = box.sessions.viewers()
    box.sessions.demote("main", Demotion(viewer["name"], demoted=True))
    await eventually(is_so(lambda: "demoted" in box.producer.keyframe_reasons()))
    box.sessions.demote("main", Demotion(viewer["name"], demoted=False))
    await shown(page, 30)
    assert "promoted" in box.producer.keyframe_reasons()
