"""The page against a whole box with two inputs: it shows the one that was touched, and says LIVE of that one."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.page_stage import open_page
from tests.running_box import RunningBox

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]

_SETS = (
    "source.sim.width=640",
    "source.sim.height=480",
    "source.sim.fps=25",
    "second.enabled=true",
    "second.source.sim.width=320",
    "second.source.sim.height=240",
    "second.source.sim.fps=25",
)
_BACK_MS = 30_000
_WIDTH = "document.getElementById('video').videoWidth"
_NOTE_EVERY_VERDICT = """() => {
  window.seen = [];
  const [badge, video] = ['badge', 'video'].map((id) => document.getElementById(id));
  const note = () => window.seen.push([badge.dataset.live, video.videoWidth]);
  new MutationObserver(note).observe(badge, { attributeFilter: ['data-live'] });
}"""


@pytest.fixture(scope="module")
def two() -> Iterator[RunningBox]:
    with (
        tempfile.TemporaryDirectory(prefix="box-", dir="/tmp") as folder,
        RunningBox(Path(folder), *_SETS) as box,
    ):
        box.wait_live()
        yield box


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, two: RunningBox) -> AsyncIterator[Page]:
    page = await open_page(browser, two.url)
    await _live(page)
    yield page
    await page.close()


async def _live(page: Page) -> None:
    await expect(page.locator("#badge")).to_have_attribute("data-live", "true", timeout=_BACK_MS)


async def test_touched_input_is_shown_live_and_none_is_taken_for_the_other(page: Page) -> None:
    assert await page.evaluate(_WIDTH) == 640
    await page.evaluate(_NOTE_EVERY_VERDICT)
    await page.click('[data-input="second"]')
    await _live(page)
    assert await page.evaluate(_WIDTH) == 320
    seen = await page.evaluate("window.seen")
    assert seen[0][0] == "false", "the old picture is not live from the touch on"
    assert [width for live, width in seen if live == "true"] == [320]
    await page.click('[data-input="main"]')
    await expect(page.locator('[data-input="main"]')).to_have_attribute("aria-pressed", "true")
    await _live(page)
    assert await page.evaluate(_WIDTH) == 640


async def test_page_follows_the_input_that_it_shows(page: Page, two: RunningBox) -> None:
    await page.click('[data-input="second"]')
    await _live(page)
    await asyncio.to_thread(two.fault, "no_cable", None, input="main")
    try:
        await expect(page.locator('[data-input="main"] b')).to_have_text("No cable")
        await expect(page.locator("#badge")).to_have_attribute("data-live", "true")
        await asyncio.to_thread(two.fault, "no_signal", None, input="second")
        await expect(page.locator("#badge")).to_have_attribute("data-live", "false", timeout=5000)
        await expect(page.locator("#reason")).to_contain_text("No signal", timeout=5000)
    finally:
        for name in ("main", "second"):
            await asyncio.to_thread(two.fault, "clear", None, input=name)
    await _live(page)
    assert await page.evaluate(_WIDTH) == 320
