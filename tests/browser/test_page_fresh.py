"""LIVE is said of pictures that are proven new, and of no others, whatever is wrong with them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.fresh_stage import FreshStage, fresh_stage, live, not_live
from tests.browser.page_stage import open_page
from tests.browser.whep_stage import eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]

# What the viewer has said, and the age of the oldest picture that it called live.
_LISTEN = """
window.said = { codes: [], oldestLive: 0 };
const dispatch = EventTarget.prototype.dispatchEvent;
EventTarget.prototype.dispatchEvent = function (event) {
  if (this.constructor.name === 'ScopecastViewer') {
    window.viewer = this;
    if (event.type === 'state') said.codes.push(event.detail.code);
    if (event.type === 'judged' && event.detail.live)
      said.oldestLive = Math.max(said.oldestLive, event.detail.ageMs - (this.clock.uncertaintyMs ?? 0));
  }
  return dispatch.call(this, event);
};
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def box() -> AsyncIterator[FreshStage]:
    with TemporaryDirectory(prefix="fresh-", dir="/tmp") as folder:
        async with fresh_stage(Path(folder)) as made:
            yield made


async def _open(browser: Browser, box: FreshStage, *scripts: str) -> Page:
    context = await browser.new_context(viewport={"width": 800, "height": 480})
    for script in (_LISTEN, *scripts):
        await context.add_init_script(script)
    page = await context.new_page()
    await page.goto(box.url)
    return page


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, box: FreshStage) -> AsyncIterator[Page]:
    page = await _open(browser, box)
    await live(page)
    await page.evaluate("window.mark = 1")
    yield page
    await box.producer.tell("honest")


async def _seen(box: FreshStage) -> Mapping[str, Any]:
    """What the newest viewer has told the box."""
    viewers = box.sessions.viewers()
    return (viewers[-1]["seen"] or {}) if viewers else {}


async def _told(box: FreshStage, **expected: Any) -> None:
    async def holds() -> bool:
        return (await _seen(box)).items() >= expected.items()

    await eventually(holds, within_s=15)


async def _has_decoder(box: FreshStage) -> bool:
    return bool((await _seen(box)).get("decoder"))


async def test_delay_and_its_uncertainty_are_shown_and_told_over_the_data_channel(page: Page, box: FreshStage) -> None:
    delay = page.locator("#delay")
    await expect(delay).not_to_have_attribute("data-uncertainty-ms", "")
    assert 0 < float(await delay.get_attribute("data-glass-ms") or 0) < 500
    assert 0 < float(await delay.get_attribute("data-uncertainty-ms") or 0) < 50
    assert "ms" in await page.inner_text("#delay-now")
    assert (await page.inner_text("#delay-p95")).startswith("±")
    await _told(box, live=True, reason="", source="sei")
    viewer = box.sessions.viewers()[-1]
    assert viewer["channel"]["state"] == "open"
    assert viewer["glass_to_glass_ms"]["p50"] <= viewer["glass_to_glass_ms"]["p95"] < 500
    await eventually(lambda: _has_decoder(box), within_s=15)


@pytest.mark.parametrize(
    ("lie", "code", "word", "told"),
    [
        ("old", "old", "NOT LIVE", "No fresh picture"),
        ("repeat", "repeat", "NOT LIVE", "The same pictures are shown again"),
        ("stuck", "repeat", "NOT LIVE", "The same pictures are shown again"),
        ("dark", "flag", "NOT LIVE", "The input has stopped"),
        ("silent", "no_time", "UNVERIFIED", "Time not verified"),
        ("still", "missing", "NOT LIVE", "No picture has come"),
    ],
)
async def test_picture_that_is_not_new_is_not_live(
    page: Page, box: FreshStage, lie: str, code: str, word: str, told: str
) -> None:
    await box.producer.tell(lie)
    assert (await not_live(page, code, word=word)).startswith(told)
    await _told(box, live=False, reason=code)
    assert 0 < await page.evaluate("said.oldestLive") <= 500
    await box.producer.tell("honest")
    await live(page)
    assert await page.evaluate("window.mark") == 1


async def test_death_of_the_media_process_is_not_live_until_it_is_back(page: Page, box: FreshStage) -> None:
    await box.producer.kill()
    await not_live(page, "missing")
    assert 0 < await page.evaluate("said.oldestLive") <= 500
    await box.producer.start()
    await live(page)
    assert await page.evaluate("window.mark") == 1


async def test_decoder_that_stalls_is_not_live(page: Page, box: FreshStage) -> None:
    await page.evaluate("document.getElementById('video').pause()")
    assert "too busy" in await not_live(page, "decoder")
    await _told(box, live=False, reason="decoder")
    assert 0 < await page.evaluate("said.oldestLive") <= 500
    await page.evaluate("document.getElementById('video').play()")
    await live(page)


async def test_lost_data_channel_leaves_the_boxs_own_page_its_time(page: Page, box: FreshStage) -> None:
    session = await page.evaluate("viewer.session")
    before = await page.evaluate("said.codes.length")
    box.sessions._sessions[session].channel._channel.close()
    async with page.expect_response("**/report"):  # over HTTP now
        pass
    await expect(page.locator("#badge")).to_have_attribute("data-live", "true")
    assert await page.evaluate("said.codes.length") == before
    assert await page.evaluate("viewer.session") == session


async def test_box_whose_time_is_not_told_any_more_is_unverified(page: Page, box: FreshStage) -> None:
    await page.route("**/api/v1/time", lambda route: route.abort())
    session = await page.evaluate("viewer.session")
    channel = box.sessions._sessions[session].channel
    channel._answer = lambda *_: None  # type: ignore[method-assign]
    reason = await not_live(page, "clock", word="UNVERIFIED", timeout_ms=20_000)
    assert reason == "Time not verified: the box's clock is not known to this page"
    await _told(box, live=False, reason="clock")
    await page.unroute("**/api/v1/time")
    await live(page)


_NO_CHANNEL = "RTCPeerConnection.prototype.createDataChannel = () => ({ readyState: 'closed', close() {} });"


async def test_offer_without_a_data_channel_has_the_time_over_http(browser: Browser, box: FreshStage) -> None:
    page = await _open(browser, box, _NO_CHANNEL)
    await live(page)
    viewer = box.sessions.viewers()[-1]
    assert viewer["channel"]["state"] == "absent"
    async with page.expect_response("**/report") as reported:
        pass
    assert (await reported.value).status == 204


async def test_without_channel_and_http_the_time_is_not_verified(browser: Browser, box: FreshStage) -> None:
    page = await _open(
        browser,
        box,
        _NO_CHANNEL,
        "window.fetch = new Proxy(fetch, { apply: (f, self, a) => "
        "String(a[0]).endsWith('/time') ? Promise.reject(new TypeError('blocked')) : Reflect.apply(f, self, a) });",
    )
    assert (await not_live(page, "clock", word="UNVERIFIED", timeout_ms=20_000)).startswith("Time not verified")


async def test_browser_without_encoded_transform_goes_by_abs_capture_time(browser: Browser, box: FreshStage) -> None:
    page = await _open(browser, box, "delete window.RTCRtpScriptTransform")
    await live(page)
    await expect(page.locator("#delay")).to_have_attribute("data-source", "capture_time")
    await expect(page.locator("#delay")).not_to_have_attribute("data-glass-ms", "")
    assert 0 < float(await page.locator("#delay").get_attribute("data-glass-ms") or 0) < 500
    await _told(box, live=True, source="capture_time")
    await box.producer.tell("dark")
    await not_live(page, "flag")
    await box.producer.tell("honest")
    await live(page)
    await box.producer.tell("still")
    await not_live(page, "missing")
    assert 0 < await page.evaluate("said.oldestLive") <= 500
    await box.producer.tell("honest")


async def test_wall_clock_of_the_viewer_does_not_matter(browser: Browser, box: FreshStage) -> None:
    page = await _open(browser, box, "Date.now = () => 12345;")
    await live(page)


async def test_touchscreen_asks_as_observer(browser: Browser, box: FreshStage) -> None:
    page = await browser.new_page()
    async with page.expect_request("**/whep/main*") as asked:
        await page.goto(box.url)
    assert (await asked.value).url == f"{box.url}/whep/main?role=observer"
    await page.close()


async def test_viewers_panel_says_what_each_viewer_sees(browser: Browser, box: FreshStage) -> None:
    page = await open_page(browser, box.url)
    await live(page)
    await page.click('#rail [data-panel="viewers"]')
    await expect(page.locator("#panel-body")).to_contain_text("Sees")


_OUTSIDE = """() => {
  const stage = document.getElementById('stage').getBoundingClientRect();
  const inner = document.querySelector('#veil .plate').getBoundingClientRect();
  const cut = [...document.querySelectorAll('#veil .plate *')].filter((e) => e.scrollWidth > e.clientWidth + 1);
  return inner.left < stage.left || inner.right > stage.right || inner.bottom > stage.bottom || cut.length > 0;
}"""


@pytest.mark.parametrize(("width", "height"), [(800, 480), (1280, 800)])
async def test_reason_has_room_beside_an_open_panel(browser: Browser, box: FreshStage, width: int, height: int) -> None:
    page = await open_page(browser, box.url, width=width, height=height)
    await live(page)
    await page.click('#rail [data-panel="latency"]')
    for lie, code in (("silent", "no_time"), ("repeat", "repeat")):
        await box.producer.tell(lie)
        await expect(page.locator("#badge")).to_have_attribute("data-reason", code, timeout=10_000)
        await expect(page.locator("#delay-now")).to_have_text("\u2013")  # no delay of a picture that is not live
        assert not await page.evaluate(_OUTSIDE)
    await box.producer.tell("honest")
