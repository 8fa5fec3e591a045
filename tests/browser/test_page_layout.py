"""The page's shape on the box's touchscreen and on larger screens."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from edge.model.errors import Busy
from tests.browser.page_stage import QR_TEXT, Stage, both_inputs, open_page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

SIZES = [(800, 480), (1280, 800), (1920, 1080)]
PANELS = ["signal", "outputs", "viewers", "latency", "box", "controller", "issues"]
_FAULTS = """() => {
  const faults = [];
  const shown = (e) => e.checkVisibility() && e.getBoundingClientRect().width > 0;
  const name = (e) => e.id ? '#' + e.id : `${e.localName}.${e.className} ${e.textContent.slice(0, 20)}`;
  const wide = ['html', 'body', '#top', '#inputs', '#main', '#panel', '#panel-body', '#rail'];
  for (const e of wide.map((s) => document.querySelector(s)).filter(shown))
    if (e.scrollWidth > e.clientWidth + 1) faults.push(`${name(e)} scrolls sideways`);
  if (document.scrollingElement.scrollHeight > innerHeight + 1) faults.push('the page scrolls');
  const buttons = [...document.querySelectorAll('button')].filter(shown);
  for (const e of buttons) {
    const r = e.getBoundingClientRect();
    if (r.width < 44 || r.height < 43.9) faults.push(`${name(e)} is ${r.width}x${r.height}`);
    if (r.left < 0 || r.right > innerWidth + 0.5) faults.push(`${name(e)} is off the screen`);
  }
  const top = ['#badge', '#delay', '#input', '#inputs', '#identity'];
  const groups = [top, ['#top', '#notice', '#stage', '#panel', '#rail']];
  const sets = [...groups.map((g) => g.map((s) => document.querySelector(s)).filter(shown)), buttons];
  for (const set of sets) for (const [i, a] of set.entries()) for (const b of set.slice(i + 1)) {
    const p = a.getBoundingClientRect(), q = b.getBoundingClientRect();
    const over = Math.min(p.right, q.right) - Math.max(p.left, q.left) > 0.5
      && Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top) > 0.5;
    if (over) faults.push(`${name(a)} overlaps ${name(b)}`);
  }
  for (const e of document.querySelectorAll('#badge b, .tile b, .input b, .caption, .figure, #identity b, th, .chip'))
    if (shown(e) && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline')
      faults.push(`${name(e)} is cut off`);
  const rail = document.querySelector('#rail').getBoundingClientRect();
  if (rail.bottom > innerHeight + 0.5) faults.push('the rail ends below the screen');
  return faults;
}"""


async def _faults(page: Page) -> Any:
    return await page.evaluate(_FAULTS)


async def _open(page: Page, panel: str) -> None:
    if await page.get_attribute("#main", "data-panel") != panel:
        await page.click(f'#rail [data-panel="{panel}"]')


@pytest.mark.parametrize(("width", "height"), SIZES)
async def test_nothing_overlaps_or_is_cut_off(browser: Browser, stage: Stage, width: int, height: int) -> None:
    page = await open_page(browser, stage.url, width=width, height=height)
    assert await _faults(page) == []
    for panel in PANELS:
        await _open(page, panel)
        assert await _faults(page) == [], panel


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("state", ["locked", "no_device", "out_of_range"])
async def test_two_inputs_find_room(browser: Browser, stage: Stage, width: int, height: int, state: str) -> None:
    main, second = both_inputs()
    stage.board.put("inputs", [main, {**second, "signal": {**main["signal"], "state": state}}])
    page = await open_page(browser, stage.url, width=width, height=height)
    assert await page.locator("#inputs button").count() == 2
    assert not await page.locator("#input").is_visible()
    assert await _faults(page) == []
    await _open(page, "signal")
    assert await _faults(page) == []


@pytest.mark.parametrize(("width", "height"), SIZES)
async def test_notice_moves_things_instead_of_covering_them(
    browser: Browser, stage: Stage, width: int, height: int
) -> None:
    stage.refuse = Busy("the output is being changed by another command; " * 3)
    page = await open_page(browser, stage.url, width=width, height=height)
    await _open(page, "outputs")
    await page.click('[data-action="stop"][data-sink="webrtc"]')
    await page.wait_for_selector("#notice:not([hidden])")
    assert await _faults(page) == []


async def test_picture_and_facts_are_on_the_first_touch_screen(browser: Browser, stage: Stage) -> None:
    page = await open_page(browser, stage.url)
    box = await page.locator("#stage").bounding_box()
    assert box is not None
    assert box["width"] * box["height"] > 0.6 * 800 * 480
    assert await page.inner_text("#input-text") == "1920x1080 59.94 BT.709 limited"
    assert await page.inner_text('[data-panel="outputs"] b') == "1 of 3 live"
    assert await page.inner_text('[data-panel="controller"] b') == "Offline"
    assert await page.inner_text('[data-panel="issues"] b') == "1"
    assert await page.inner_text("#box-name") == "Theatre 4"


@pytest.mark.parametrize(("width", "height"), SIZES)
async def test_pairing_code_is_large_and_its_qr_code_is_read_off_the_screen(
    browser: Browser, stage: Stage, width: int, height: int, tmp_path: Path
) -> None:
    assert shutil.which("zbarimg"), "zbarimg is needed: apt-get install zbar-tools"
    page = await open_page(browser, stage.url, width=width, height=height)
    await _open(page, "controller")
    await page.click('[data-action="pair"]')
    code = page.locator("#pairing-code")
    await expect(code).to_have_text("482 913")
    assert await code.evaluate("e => parseFloat(getComputedStyle(e).fontSize)") >= 40
    inside = "e => { const r = e.getBoundingClientRect(); return r.top >= 0 && r.bottom <= innerHeight; }"
    assert await page.locator("#pairing").evaluate(inside)
    assert await page.locator("#pairing").evaluate(
        "e => e.scrollHeight <= e.clientHeight && e.scrollWidth <= e.clientWidth"
    )
    assert (await page.inner_text("#pairing-left")).startswith("Valid for ")
    await page.screenshot(path=tmp_path / "page.png")
    read = await asyncio.create_subprocess_exec(
        *("zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", tmp_path / "page.png"),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(read.communicate(), 20)
    assert out.decode().strip() == QR_TEXT
    await page.click("#pairing-close")
    await expect(page.locator("#pairing")).to_be_hidden()
    await expect(page.locator("#pairing-qr svg")).to_have_count(0)
    await expect(code).not_to_contain_text("482")


@pytest.mark.parametrize(("width", "height"), SIZES)
async def test_a_controller_is_forgotten_only_when_that_is_confirmed(
    browser: Browser, stage: Stage, width: int, height: int
) -> None:
    stage.board.put(
        "controller",
        {
            "enrolled": True,
            "broker": "broker.hospital.example:8883",
            "certificate_until": "2027-01-01T00:00:00Z",
            "keys": [{"kid": "ctl-0123456789", "until": "2028-01-01T00:00:00Z"}],
        },
    )
    page = await open_page(browser, stage.url, width=width, height=height)
    await _open(page, "controller")
    assert await _faults(page) == []
    assert "ctl-0123456789" in await page.inner_text("#panel-body")
    for answer, forgotten in (("#parting-keep", []), ("#parting-forget", ["box-og5zhpmlrd"])):
        await page.click('[data-action="forget"]')
        await expect(page.locator("#parting")).to_be_visible()
        assert "broker.hospital.example" in await page.inner_text("#parting-text")
        async with page.expect_response("**/forget") if forgotten else contextlib.nullcontext():
            await page.click(answer)
        await expect(page.locator("#parting")).to_be_hidden()
        assert stage.pairing.forgotten == forgotten


async def test_a_controller_that_there_is_not_cannot_be_forgotten(browser: Browser, stage: Stage) -> None:
    page = await open_page(browser, stage.url)
    await _open(page, "controller")
    assert await page.locator('[data-action="forget"]').count() == 0
