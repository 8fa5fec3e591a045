"""What the outputs panel says of how safe an SRT output is."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.browser.page_stage import Stage, open_page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

_OPEN = {"encrypted": False, "authenticated": False}
_CTR = {"encrypted": True, "authenticated": False}
_GCM = {"encrypted": True, "authenticated": True}


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        (_OPEN, ["Not encrypted"]),
        (_CTR, ["Encrypted, not authenticated"]),
        (_GCM, ["Encrypted and authenticated"]),
        ({**_CTR, "receivers": 0}, ["Encrypted, not authenticated"]),
        ({**_CTR, "receivers": [_GCM, _CTR, _CTR]}, ["Encrypted and authenticated", "Encrypted, not authenticated"]),
        ({}, []),
    ],
)
async def test_srt_output_says_in_plain_words_how_safe_it_is(
    browser: Browser, stage: Stage, detail: dict[str, Any], words: list[str]
) -> None:
    stage.board.put("sinks", [{"name": "out", "kind": "srt", "state": "live", "detail": detail}])
    page = await open_page(browser, stage.url)
    await page.click('#rail [data-panel="outputs"]')
    await expect(page.locator('[data-output="out"] [data-protection]')).to_have_text(words)
