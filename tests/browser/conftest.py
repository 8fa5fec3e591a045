"""A browser for a module's tests, and the page's stage for each."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.page_stage import Stage, chromium, make_stage


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
