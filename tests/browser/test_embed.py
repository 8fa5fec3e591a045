"""The picture in pages of other sites: of a configured one, in a frame and as a copied module, and of any other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

import edge.web.page
from tests.browser.fresh_stage import FreshStage, fresh_stage, live, not_live
from tests.invited import token_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]

PAGE = Path(edge.web.page.__file__).parent
_FRAME = """<!doctype html><title>Hospital</title>
<script>window.heard = []; addEventListener("message", ({{ origin, data }}) => heard.push([origin, data]));</script>
<iframe src="{box}/embed?rung=main&role=guide#token=TOKEN" allow="autoplay" width="640" height="360"></iframe>"""
_ELEMENT = """<!doctype html><title>Hospital</title>
<script type="module" src="/scopecast/scopecast-element.js"></script>
<scopecast-viewer whep="{box}/whep/main" {token} style="width: 640px; height: 360px"></scopecast-viewer>"""


@dataclass(slots=True)
class Hospital:
    """A web server of another origin: its pages by path, and the viewer's files, copied to /scopecast/.

    Where a page says TOKEN, each that is served has one of its own.
    """

    invite: Callable[[], str] = str
    pages: dict[str, str] = field(default_factory=dict)
    port: int = 0

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:
            writer.close()
            return
        path = head.split()[1]
        kind, body = "text/html", self.pages.get(path, "").replace("TOKEN", self.invite())
        if path.startswith("/scopecast/"):
            kind, body = "text/javascript", (PAGE / Path(path).name).read_text()
        content = body.encode()
        lines = (
            f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(lines.encode() + content)
        writer.close()


@dataclass(frozen=True, slots=True)
class Sites:
    box: FreshStage
    ours: Hospital
    foreign: Hospital


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sites() -> AsyncIterator[Sites]:
    ours, foreign = Hospital(), Hospital()
    async with ours.serving(), foreign.serving():
        with TemporaryDirectory(prefix="embed-", dir="/tmp") as folder:
            async with fresh_stage(Path(folder), embed_origins=(ours.origin,)) as box:
                for site in (ours, foreign):
                    site.invite = partial(token_of, box.admission)
                    site.pages["/frame"] = _FRAME.format(box=box.url)
                    site.pages["/element"] = _ELEMENT.format(box=box.url, token='token="TOKEN"')
                    site.pages["/tokenless"] = _ELEMENT.format(box=box.url, token="")
                yield Sites(box, ours, foreign)


async def _open(browser: Browser, site: Hospital, path: str) -> Page:
    page = await browser.new_page()
    await page.goto(site.origin + path)
    return page


def _sessions(sites: Sites) -> list[str]:
    return [viewer["session"] for viewer in sites.box.sessions.viewers()]


async def test_configured_site_frames_the_picture_and_hears_its_state(browser: Browser, sites: Sites) -> None:
    page = await _open(browser, sites.ours, "/frame")
    badge = page.frame_locator("iframe").locator("#badge")
    await expect(badge).to_have_attribute("data-live", "true", timeout=20_000)
    figures = page.frame_locator("iframe").locator("#delay")
    await expect(figures).not_to_have_attribute("data-glass-ms", "")
    heard = await page.evaluate("heard")
    assert {origin for origin, _ in heard} == {sites.box.url}
    assert [data["word"] for _, data in heard if data["scopecast"] == "state"][-1] == "LIVE"
    assert any(data["scopecast"] == "figures" and data["p50Ms"] for _, data in heard)
    assert "token" not in str(heard).lower()
    await sites.box.producer.tell("repeat")
    await expect(badge).to_have_attribute("data-reason", "repeat", timeout=10_000)
    await sites.box.producer.tell("honest")
    await expect(badge).to_have_attribute("data-live", "true", timeout=20_000)


async def test_foreign_site_gets_no_frame(browser: Browser, sites: Sites) -> None:
    page = await browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    await page.goto(sites.foreign.origin + "/frame")
    async with asyncio.timeout(10):
        while not any("frame-ancestors" in text for text in said):
            await asyncio.sleep(0.05)
    assert await page.frame_locator("iframe").locator("#badge").count() == 0
    assert await page.evaluate("heard.length") == 0


async def test_copied_module_of_a_configured_site_is_live_by_the_data_channel_alone(
    browser: Browser, sites: Sites
) -> None:
    page = await browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(sites.ours.origin + "/element")
    await live(page)
    await expect(page.locator("#delay")).not_to_have_attribute("data-uncertainty-ms", "")
    assert {url.split("?")[0] for url in asked if url.startswith(sites.box.url)} == {sites.box.url + "/whep/main"}
    session = _sessions(sites)[-1]
    await page.evaluate("document.querySelector('scopecast-viewer').remove()")  # takes its session with it
    async with asyncio.timeout(10):
        while session in _sessions(sites):
            await asyncio.sleep(0.05)


async def test_lost_data_channel_is_not_live_elsewhere_until_there_is_a_new_one(browser: Browser, sites: Sites) -> None:
    page = await _open(browser, sites.ours, "/element")
    await live(page)
    await page.evaluate(
        "window.codes = []; document.querySelector('scopecast-viewer')"
        ".addEventListener('state', ({ detail }) => codes.push(detail.code))"
    )
    session = _sessions(sites)[-1]
    sites.box.sessions._sessions[session].channel._channel.close()
    async with asyncio.timeout(20):
        while "live" not in await page.evaluate("codes"):
            await asyncio.sleep(0.05)
    codes = await page.evaluate("codes")
    assert codes[0] in ("clock", "connection")
    assert session not in _sessions(sites)


async def test_channel_that_is_never_answered_is_given_up_for_a_new_session(browser: Browser, sites: Sites) -> None:
    page = await _open(browser, sites.ours, "/element")
    await live(page)
    session = _sessions(sites)[-1]
    sites.box.sessions._sessions[session].channel._answer = lambda *_: None  # type: ignore[method-assign]
    await not_live(page, "clock", word="UNVERIFIED", timeout_ms=20_000)
    await live(page, timeout_ms=30_000)
    assert session not in _sessions(sites)


async def test_page_without_a_token_is_told_so(browser: Browser, sites: Sites) -> None:
    page = await _open(browser, sites.ours, "/tokenless")
    await expect(page.locator("#reason")).to_contain_text("needs a token", timeout=10_000)
    await not_live(page, "connection")


async def test_copied_module_of_a_foreign_site_gets_nothing(browser: Browser, sites: Sites) -> None:
    before = len(sites.box.sessions.viewers())
    page = await _open(browser, sites.foreign, "/element")
    await expect(page.locator("#reason")).to_have_text("The box does not answer", timeout=10_000)
    await not_live(page, "connection")
    assert len(sites.box.sessions.viewers()) == before


async def test_embed_page_breaks_no_policy_of_its_own(browser: Browser, sites: Sites) -> None:
    page = await browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    token = token_of(sites.box.admission)
    async with page.expect_request("**/whep/main*") as asked:
        await page.goto(f"{sites.box.url}/embed?role=observer#token={token}")
    request = await asked.value
    assert request.url == f"{sites.box.url}/whep/main?role=observer"
    assert (await request.all_headers())["authorization"] == f"Bearer {token}"
    await live(page)
    assert said == []
