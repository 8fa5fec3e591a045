"""Real Chromium watches real x264 units over WHEP, sent by a process that can be killed."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from edge.model.sei import TimeSei, find
from edge.model.video import Codec
from tests.browser.whep_stage import Box, eventually, is_so, shown

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]
NTP_UNIX_MS = 2_208_988_800_000


async def test_chromium_decodes_h264_and_its_join_asked_for_a_keyframe(box: Box, page: Page) -> None:
    assert await page.evaluate("[picture.videoWidth, picture.videoHeight]") == [640, 360]
    stats = await page.evaluate("inbound()")
    assert stats["codec"] == "video/H264"
    await shown(page, 30)
    assert (await page.evaluate("inbound()"))["framesDecoded"] > stats["framesDecoded"]
    assert box.producer.keyframe_reasons()[0] == "join"
    assert [viewer["state"] for viewer in box.sessions.viewers()] == ["connected"]


async def test_the_same_page_gets_the_picture_back_after_the_producer_was_killed(box: Box, page: Page) -> None:
    [before] = box.sessions.viewers()
    timestamp = await page.evaluate("seen.shown.at(-1).rtpTimestamp")
    await box.producer.kill()
    await eventually(is_so(lambda: not box.feed.connected))
    box.producer.heard.clear()
    await box.producer.start()
    await shown(page, 30)
    [after] = box.sessions.viewers()
    assert after["session"] == before["session"]
    assert box.producer.keyframe_reasons()[0] == "reconnect"
    gone_on = (await page.evaluate("seen.shown.at(-1).rtpTimestamp") - timestamp) & 0xFFFFFFFF
    assert 0 < gone_on < 90_000 * 120


async def test_the_page_can_pair_each_shown_picture_with_our_sei(page: Page) -> None:
    encoded = {each["metadata"]["rtpTimestamp"]: each for each in await page.evaluate("seen.encoded.slice(0, 60)")}
    pictures = [each for each in await page.evaluate("seen.shown.slice(0, 10)") if each["rtpTimestamp"] in encoded]
    assert len(pictures) == 10
    for picture in pictures:
        sei = _sei(encoded[picture["rtpTimestamp"]])
        assert sei.live
        assert abs(time.time_ns() - sei.utc_ns) < 600e9
    assert all(each["frameTimestamp"] == timestamp for timestamp, each in encoded.items())
    assert next(iter(encoded.values()))["type"] == "key"


async def test_absolute_capture_time_in_chromium_equals_our_sei(page: Page) -> None:
    encoded = {each["metadata"]["rtpTimestamp"]: each for each in await page.evaluate("seen.encoded.slice(0, 60)")}
    pictures = await page.evaluate("seen.shown.slice(0, 10)")
    assert "abs-capture-time" in await page.evaluate("seen.answer")
    assert "playout-delay" in await page.evaluate("seen.answer")
    paired = 0
    for source in (source for picture in pictures for source in picture["sync"]):
        if source["rtp"] in encoded and source["captureTimestamp"] is not None:
            paired += 1
            sei_ms = _sei(encoded[source["rtp"]]).utc_ns / 1e6
            assert abs(source["captureTimestamp"] - NTP_UNIX_MS - sei_ms) <= 2
    assert paired


async def test_a_page_that_closes_leaves_no_session(box: Box, page: Page) -> None:
    await page.evaluate("pc.close()")
    await eventually(is_so(lambda: box.sessions.viewers() == []))


async def test_chromium_asks_by_pli_when_it_missed_the_keyframe(box: Box, browser: Browser) -> None:
    pretend = box.sessions
    whole, pretend.deliver = pretend.deliver, lambda unit: whole(replace(unit, key=not unit.key))  # type: ignore
    page = await browser.new_page()
    await page.goto(box.url)
    await page.evaluate("view()")
    await eventually(is_so(lambda: "picture lost" in box.producer.keyframe_reasons()))
    pretend.deliver = whole  # type: ignore[method-assign]
    await shown(page, 10)


def _sei(encoded: dict[str, Any]) -> TimeSei:
    head = bytes(encoded["head"])
    assert head.startswith(b"\x00\x00\x00\x01"), "Annex B start code"
    sei = find(Codec.H264, head)
    assert sei is not None, "no time SEI in the encoded frame"
    return sei
