"""A browser for a module's tests, and the stages for each: the page's, and WHEP's with a page that watches it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.browser.page_stage import Stage, chromium, make_stage
from tests.browser.whep_stage import Box, serving_box, shown


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def module_browser() -> AsyncIterator[Browser]:
    async with chromium() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def browser(module_browser: Browser) -> AsyncIterator[Browser]:
    """Pages that a test leaves open are closed behind it."""
    yield module_browser
    for context in module_browser.contexts:
        await context.close()


@pytest_asyncio.fixture(loop_scope="module")
async def stage() -> AsyncIterator[Stage]:
    made = make_stage()
    async with made.serving():
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    async with serving_box(tmp_path) as box:
        yield box


@pytest_asyncio.fixture(loop_scope="module")
async def page(box: Box, browser: Browser) -> Page:
    page = await browser.new_page()
    await page.goto(box.url)
    await page.evaluate("view()")
    await shown(page, 10)
    return page
