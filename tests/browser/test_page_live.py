"""The page against a whole box: LIVE is said when it is true, and only then."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.page_stage import open_page
from tests.running_box import RunningBox

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]

LOAD_MS = 10_000  # 5 s on a machine with nothing else to do
BACK_MS = 30_000
_FRAMES = "document.getElementById('video').getVideoPlaybackQuality().totalVideoFrames"


@pytest.fixture(autouse=True)
def _sound_box(running_box: RunningBox) -> Iterator[None]:
    """Each test begins and ends with a box whose picture is live."""
    running_box.wait_live()
    yield
    running_box.wait_until(lambda: running_box.command("sim.fault", fault="clear")[0] == 200, what="faults are over")
    running_box.wait_live()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, running_box: RunningBox) -> AsyncIterator[Page]:
    page = await open_page(browser, running_box.url)
    await _live(page, timeout_ms=LOAD_MS)
    await page.evaluate("window.mark = 1")
    yield page
    await page.close()


async def _live(page: Page, *, timeout_ms: float = BACK_MS) -> None:
    await expect(page.locator("#badge")).to_have_attribute("data-live", "true", timeout=timeout_ms)
    await expect(page.locator("#badge-text")).to_have_text("LIVE")
    await expect(page.locator("#veil")).to_be_hidden()


async def _not_live(page: Page, *, timeout_ms: float = 5000) -> str:
    """Waits for NOT LIVE; returns the reason shown."""
    await expect(page.locator("#badge")).to_have_attribute("data-live", "false", timeout=timeout_ms)
    await expect(page.locator("#badge-text")).to_have_text("NOT LIVE")
    return await page.inner_text("#reason")


async def test_live_picture_has_a_delay_that_reaches_the_box(page: Page, running_box: RunningBox) -> None:
    delay = page.locator("#delay")
    await expect(delay).not_to_have_attribute("data-glass-ms", "")
    assert 0 < float(await delay.get_attribute("data-glass-ms") or 0) < 500
    await asyncio.to_thread(
        running_box.wait_until,
        lambda: any(viewer["glass_to_glass_ms"] for viewer in running_box.status()["viewers"]),
        what="a viewer's report is in the status",
    )


async def test_viewer_that_cannot_show_the_live_picture_raises_an_issue(page: Page, running_box: RunningBox) -> None:
    await page.evaluate("document.getElementById('video').pause()")
    assert await _not_live(page)
    name = await asyncio.to_thread(_alarmed_viewer, running_box)
    assert name in {viewer["name"] for viewer in running_box.status()["viewers"]}
    await page.evaluate("document.getElementById('video').play()")
    await _live(page)
    await asyncio.to_thread(running_box.wait_until, lambda: not _issues(running_box), what="the issue is over")


def _issues(box: RunningBox) -> list[Any]:
    return [issue for issue in box.status()["issues"] if issue["code"] == "viewer_not_live"]


def _alarmed_viewer(box: RunningBox) -> str:
    box.wait_until(lambda: bool(_issues(box)), what="the viewer's alarm is an issue")
    return str(_issues(box)[0]["subject"])


@pytest.mark.parametrize("kind", ["no_signal", "freeze", "stall"])
async def test_fault_shows_not_live_and_live_again_when_over(page: Page, running_box: RunningBox, kind: str) -> None:
    await asyncio.to_thread(running_box.fault, kind, 3.0)
    assert await _not_live(page)
    await _live(page)
    assert await page.evaluate("window.mark") == 1


@pytest.mark.parametrize("name", ["media", "rtc"])
async def test_killed_process_shows_not_live_and_live_again_without_reload(
    page: Page, running_box: RunningBox, name: str
) -> None:
    os.kill(running_box.pids[name], signal.SIGKILL)
    assert await _not_live(page)
    await _live(page)
    assert await page.evaluate("window.mark") == 1


async def test_an_encoder_that_stalls_is_replaced_under_the_viewers_eyes(page: Page, running_box: RunningBox) -> None:
    before = await page.evaluate(_FRAMES)
    await asyncio.to_thread(running_box.fault, "encoder_stalls", 3.0)
    await asyncio.to_thread(
        running_box.wait_until,
        lambda: running_box.status()["encoder"]["name"] == "x264",
        what="the next encoder has taken over",
    )
    async with asyncio.timeout(BACK_MS / 1000):
        while await page.evaluate(_FRAMES) <= before + 60:
            await asyncio.sleep(0.1)
    await _live(page)
    assert await page.evaluate("window.mark") == 1


async def test_killed_control_leaves_the_picture_alone(page: Page, running_box: RunningBox) -> None:
    changes = """() => {
      window.changes = [];
      const note = () => window.changes.push(document.getElementById('reason').textContent);
      new MutationObserver(note).observe(document.getElementById('stage'), { attributeFilter: ['data-live'] });
    }"""
    await page.evaluate(changes)
    before = await page.evaluate(_FRAMES)
    old = running_box.pids["control"]
    os.kill(old, signal.SIGKILL)
    await expect(page.locator("body")).to_have_attribute("data-connected", "false")
    await expect(page.locator("body")).to_have_attribute("data-connected", "true", timeout=BACK_MS)
    assert await page.evaluate(_FRAMES) > before
    assert await page.evaluate("window.changes.length") <= 2, await page.evaluate("window.changes")
    await _live(page)


async def test_stopped_media_process_is_not_live_though_still_there(page: Page, running_box: RunningBox) -> None:
    media = running_box.pids["media"]
    os.kill(media, signal.SIGSTOP)
    try:
        assert await _not_live(page)
    finally:
        os.kill(media, signal.SIGCONT)
    await _live(page)


async def test_hidden_page_does_not_stay_live(page: Page) -> None:
    await page.evaluate(
        "Object.defineProperty(document, 'hidden', { get: () => window.away, configurable: true }); window.away = true;"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    assert await _not_live(page) == "The page is hidden"
    await page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    await _live(page)


async def test_stopped_output_says_so_and_starts_again(page: Page) -> None:
    await page.click('#rail [data-panel="outputs"]')
    await page.click('[data-output="webrtc"] [data-action="stop"]')
    await _not_live(page)
    await expect(page.locator("#reason")).to_contain_text("stopped")
    await page.click('[data-output="webrtc"] [data-action="start"]')
    await _live(page)


async def test_page_that_leaves_frees_its_place(page: Page, running_box: RunningBox) -> None:
    await page.goto("about:blank")
    await asyncio.to_thread(
        running_box.wait_until, lambda: running_box.status()["viewers"] == [], what="no viewer is left"
    )
