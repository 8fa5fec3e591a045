"""What the page does without a picture: commands, texts, honesty, reconnection."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from edge.model.errors import NotFound
from edge.model.feedback import Role
from tests.browser.page_stage import REFUSAL, Stage, both_inputs, make_stage, open_page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def _badge(page: Page) -> Any:
    return await page.evaluate("({...document.getElementById('badge').dataset})")


async def test_not_live_is_shown_with_the_reason_when_there_is_no_video(browser: Browser, stage: Stage) -> None:
    page = await open_page(browser, stage.url)
    await expect(page.locator("#badge-text")).to_have_text("NOT LIVE")
    await expect(page.locator("#badge")).to_have_attribute("data-live", "false")
    await expect(page.locator("#veil")).to_be_visible()
    await expect(page.locator("#reason")).to_have_text(REFUSAL.capitalize().replace("webrtc", "WebRTC"))


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        ({"areas": 2, "withheld": ""}, "2 areas"),
        ({"areas": 1, "withheld": ""}, "1 area"),
        ({"areas": 0, "withheld": ""}, "nothing"),
        ({"areas": 1, "withheld": "made for 640x480"}, "picture withheld"),
    ],
)
async def test_preset_and_masks_stand_in_the_signal_panel(
    browser: Browser, stage: Stage, mask: dict[str, object], words: str
) -> None:
    stage.board.put("mask", mask)
    page = await open_page(browser, stage.url)
    if await page.get_attribute("#main", "data-panel") != "signal":
        await page.click('#rail [data-panel="signal"]')
    rows = page.locator("#panel-body dl > div")
    await expect(rows.filter(has_text="Preset").locator("dd")).to_have_text("Endoscopy")
    await expect(rows.filter(has_text="Masked").locator("dd")).to_have_text(words)


async def test_refused_viewer_tries_again_with_growing_waits(browser: Browser, stage: Stage) -> None:
    page = await open_page(browser, stage.url)
    async with asyncio.timeout(20):
        while stage.whep.offers < 4:
            await asyncio.sleep(0.05)
    assert await page.evaluate("performance.getEntriesByType('navigation').length") == 1
    assert stage.whep.role is Role.OBSERVER


async def test_browser_that_does_not_tell_what_it_shows_says_that_it_cannot_verify(
    browser: Browser, stage: Stage
) -> None:
    context = await browser.new_context()
    await context.add_init_script("delete HTMLVideoElement.prototype.requestVideoFrameCallback")
    page = await context.new_page()
    await page.goto(stage.url)
    await expect(page.locator("#reason")).to_have_text("This browser cannot verify the picture's time")
    assert (await _badge(page))["live"] == "false"
    await expect(page.locator("#badge-text")).to_have_text("UNVERIFIED")
    assert stage.whep.offers == 0


async def test_start_and_stop_post_their_commands(browser: Browser, stage: Stage) -> None:
    page = await open_page(browser, stage.url)
    await page.click('#rail [data-panel="outputs"]')
    await page.click('[data-output="webrtc"] [data-action="stop"]')
    await page.click('[data-output="srt"] [data-action="start"]')
    async with asyncio.timeout(10):
        while len(stage.calls) < 2:
            await asyncio.sleep(0.02)
    assert stage.calls == [("stream.stop", {"sink": "webrtc"}), ("stream.start", {"sink": "srt"})]
    await expect(page.locator("#notice")).to_be_hidden()


async def test_one_input_needs_no_choice(browser: Browser, stage: Stage) -> None:
    stage.board.put("inputs", both_inputs()[:1])
    page = await open_page(browser, stage.url)
    await expect(page.locator("#input-text")).to_have_text("1920x1080 59.94 BT.709 limited")
    await expect(page.locator("#inputs")).to_be_hidden()


async def test_touch_on_an_input_shows_that_one(browser: Browser, stage: Stage) -> None:
    stage.board.put("inputs", both_inputs())
    page = await open_page(browser, stage.url)
    first, second = page.locator('[data-input="main"]'), page.locator('[data-input="second"]')
    await expect(first.locator("b")).to_have_text("1920x1080 59.94")
    await expect(second.locator("b")).to_have_text("No cable")
    await expect(first).to_have_attribute("aria-pressed", "true")
    await second.click()
    await expect(second).to_have_attribute("aria-pressed", "true")
    await expect(first).to_have_attribute("aria-pressed", "false")
    async with asyncio.timeout(10):
        while stage.whep.rung != "second":
            await asyncio.sleep(0.02)
    await expect(page.locator('#rail [data-panel="signal"] b')).to_have_text("No cable")
    await page.click('#rail [data-panel="latency"]')
    await expect(page.locator("#panel-body")).to_contain_text("123 ms")


async def test_input_that_is_no_more_gives_way_to_the_first(browser: Browser, stage: Stage) -> None:
    stage.board.put("inputs", both_inputs())
    page = await open_page(browser, stage.url)
    await page.click('[data-input="second"]')
    async with asyncio.timeout(10):
        while stage.whep.rung != "second":
            await asyncio.sleep(0.02)
    stage.board.put("inputs", both_inputs()[:1])
    await expect(page.locator("#inputs")).to_be_hidden()
    async with asyncio.timeout(10):
        while stage.whep.rung != "main":
            await asyncio.sleep(0.02)


async def test_refused_command_is_told_in_words(browser: Browser, stage: Stage) -> None:
    stage.refuse = NotFound("no sink 'srt'", code="unknown_sink")
    page = await open_page(browser, stage.url)
    await page.click('#rail [data-panel="outputs"]')
    await page.click('[data-output="srt"] [data-action="start"]')
    await expect(page.locator("#notice-text")).to_have_text("Start srt: no sink 'srt' (unknown_sink)")
    await page.click("#notice-close")
    await expect(page.locator("#notice")).to_be_hidden()


async def test_button_under_a_finger_survives_an_update(browser: Browser, stage: Stage) -> None:
    page = await open_page(browser, stage.url)
    await page.click('#rail [data-panel="outputs"]')
    button = await page.query_selector('[data-output="srt"] button')
    assert button is not None
    sinks = [dict(sink) for sink in stage.board.get("sinks")]
    sinks[1] = {**sinks[1], "state": "live", "delivered": 5}
    stage.board.put("sinks", sinks)
    await expect(page.locator('[data-output="srt"]')).to_have_attribute("data-state", "live")
    assert await button.evaluate("e => e.isConnected")
    stage.board.put("sinks", sinks[1:])  # another output moves into its place: the finger must not hit that one
    await expect(page.locator('[data-output="webrtc"]')).to_have_count(0)
    assert await button.evaluate("e => !e.isConnected || e.dataset.sink === 'srt'")


async def test_text_from_elsewhere_is_never_markup(browser: Browser, stage: Stage) -> None:
    page = await open_page(browser, stage.url)
    await page.click('#rail [data-panel="issues"]')
    await expect(page.locator(".advice")).to_contain_text("<b>move</b>")
    assert await page.evaluate("document.querySelectorAll('#panel-body img, #panel-body .advice b').length") == 0
    assert await page.evaluate("window.hacked") is None


async def test_page_asks_nobody_but_the_box_and_breaks_no_policy(browser: Browser, stage: Stage) -> None:
    page = await browser.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    await page.goto(stage.url)
    await page.wait_for_selector("#rail [data-panel]")
    for panel in ("signal", "viewers", "latency", "box", "controller", "issues"):
        await page.click(f'#rail [data-panel="{panel}"]')
    assert [url for url in asked if not url.startswith(stage.url)] == []
    assert [text for text in said if "503" not in text] == []  # the refused offer is the only complaint


async def test_lost_box_is_said_and_found_again_without_reload(browser: Browser) -> None:
    stage = make_stage()
    async with stage.serving():
        page = await open_page(browser, stage.url)
        await page.evaluate("window.mark = 1")
    await expect(page.locator("#box-id")).to_have_text("not answering")
    await expect(page.locator("#badge")).to_have_attribute("data-live", "false")
    stage.board.put("box", {"id": "box-000002", "name": "Theatre 5"})
    async with stage.serving():
        await expect(page.locator("#box-name")).to_have_text("Theatre 5", timeout=15_000)
        await expect(page.locator("#box-id")).to_have_text("box-000002")
        assert await page.evaluate("window.mark") == 1
        await page.close()


async def test_script_that_hangs_does_not_look_live(browser: Browser, stage: Stage) -> None:
    page = await open_page(browser, stage.url)
    opacity = "() => getComputedStyle(document.getElementById('fuse')).opacity"
    await page.wait_for_timeout(2000)
    assert await page.evaluate(opacity) == "0"
    hang = "() => { const end = performance.now() + 2500; while (performance.now() < end); return (%s)(); }"
    assert await page.evaluate(hang % opacity) == "1"
    async with asyncio.timeout(20):
        while await page.evaluate(opacity) != "0":  # wait_for_function would need eval, which the page forbids
            await page.wait_for_timeout(100)
