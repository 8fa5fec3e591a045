"""The page's judgement of time, module by module, inside Chromium."""

from __future__ import annotations

import random
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from edge.model.sei import TimeSei, insert
from edge.model.video import Codec
from tests.browser.page_stage import Stage

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

SPS_PPS = b"\x00\x00\x00\x01\x67\x42\x00\x1f\x00\x00\x00\x01\x68\xce\x3c\x80"
ENCODERS_OWN_SEI = b"\x00\x00\x00\x01\x06\x05\x11" + bytes(range(1, 18)) + b"\x80"
SLICE = b"\x00\x00\x00\x01\x65\x88\x84\x00\x21"


async def _module_page(browser: Browser, stage: Stage) -> Page:
    page = await browser.new_page()
    await page.goto(stage.url + "/page/icon.svg")
    return page


async def _find(page: Page, units: list[bytes]) -> Any:
    script = """async (units) => {
      const { findTime } = await import('/page/sei.js');
      return units.map((unit) => findTime(Uint8Array.from(unit)));
    }"""
    return await page.evaluate(script, [list(unit) for unit in units])


async def test_time_is_read_as_the_box_wrote_it(browser: Browser, stage: Stage) -> None:
    page = await _module_page(browser, stage)
    chance = random.Random(7)  # noqa: S311 - a test's dice
    times = [TimeSei(1_767_225_600_123_456_789, 3, live=True, clock_synchronised=True)]
    for _ in range(200):  # many zero bytes: emulation prevention everywhere
        utc_ns = chance.choice([chance.getrandbits(61), chance.getrandbits(8) << 40, 0, 1 << 56])
        sequence = chance.choice([0, 1, 0x300, chance.getrandbits(32)])
        times.append(TimeSei(utc_ns, sequence, live=chance.random() < 0.5, clock_synchronised=False))
    found = await _find(page, [insert(Codec.H264, SPS_PPS + ENCODERS_OWN_SEI + SLICE, time) for time in times])
    for time, seen in zip(times, found, strict=True):
        assert seen["utcMs"] == pytest.approx(time.utc_ns / 1e6, abs=0.001)
        assert (seen["live"], seen["synchronised"], seen["seq"]) == (time.live, time.clock_synchronised, time.seq)


async def test_what_carries_no_time_has_none(browser: Browser, stage: Stage) -> None:
    page = await _module_page(browser, stage)
    whole = insert(Codec.H264, SPS_PPS + SLICE, TimeSei(5 << 50, 1, live=True, clock_synchronised=True))
    sei = whole[len(SPS_PPS) : -len(SLICE)]
    truncated = [whole[:length] for length in range(len(SPS_PPS) + len(sei) - 2)]
    other_version = whole.replace(b"\x91\xd4\x01", b"\x91\xd4\x02")
    other_uuid = whole.replace(b"\x6f\x1d", b"\x6f\x1e")
    behind_the_slice = SPS_PPS + SLICE + sei
    hostile = [b"\x00\x00\x01\x06" + b"\xff" * 500, b"\x00\x00\x01\x06\x05\xff", b"\x00" * 100, b"\xff" * 100]
    units = [b"", SLICE, *truncated, other_version, other_uuid, behind_the_slice, *hostile]
    assert [found for found in await _find(page, units) if found] == []


async def _judge(page: Page, steps: list[list[Any]]) -> Any:
    script = """async (steps) => {
      const { Liveness } = await import('/page/liveness.js');
      const liveness = new Liveness();
      return steps.map(([name, ...args]) => liveness[name](...args) ?? null);
    }"""
    return await page.evaluate(script, steps)


def _time(utc_ms: float, *, live: bool = True) -> dict[str, Any]:
    return {"utcMs": utc_ms, "live": live}


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ([], "no_frame"),
        ([["learn", 1, _time(1000)]], "no_frame"),  # arrived, but not on the screen
        ([["learn", 1, _time(1000)], ["present", 1, 1040]], "live"),
        ([["learn", 1, _time(599)], ["present", 1, 640]], "old"),
        ([["learn", 1, _time(600)], ["present", 1, 640]], "live"),
        ([["learn", 1, _time(1000, live=False)], ["present", 1, 1040]], "flag"),
        ([["learn", 1, None], ["present", 1, 1040]], "no_time"),
        ([["learn", 1, _time(1400)], ["present", 1, 1440]], "clock"),
        ([["present", 1, 1040]], "no_frame"),
        ([["present", 1, 1040], ["learn", 1, _time(1000)]], "live"),  # the two messages crossed
        ([["learn", 1, _time(1000)], ["present", 1, 1040], ["presentUnknown"]], "no_frame"),
        ([["learn", 1, _time(1000)], ["present", 1, 1040], ["learn", 2, _time(1090, live=False)]], "live"),
        ([["learn", 1, _time(1000)], ["present", 1, 1040], ["reset"]], "live"),  # still on the screen, ageing
    ],
)
async def test_verdict_is_that_of_the_frame_on_the_screen(
    browser: Browser, stage: Stage, steps: list[list[Any]], code: str
) -> None:
    page = await _module_page(browser, stage)
    verdict = (await _judge(page, [*steps, ["verdict", 1100]]))[-1]
    assert verdict["code"] == code
    assert verdict["live"] is (code == "live")


async def test_verdict_needs_the_boxs_clock(browser: Browser, stage: Stage) -> None:
    page = await _module_page(browser, stage)
    steps = [["learn", 1, _time(1000)], ["present", 1, None], ["verdict", None]]
    assert (await _judge(page, steps))[-1] == {"live": False, "code": "clock", "ageMs": None}


async def test_frame_ages_out_when_no_new_one_is_presented(browser: Browser, stage: Stage) -> None:
    page = await _module_page(browser, stage)
    steps = [["learn", 1, _time(1000)], ["present", 1, 1040], ["verdict", 1500], ["verdict", 1501]]
    assert [verdict["live"] for verdict in (await _judge(page, steps))[-2:]] == [True, False]


async def test_times_that_were_never_shown_do_not_pile_up(browser: Browser, stage: Stage) -> None:
    page = await _module_page(browser, stage)
    script = """async () => {
      const { Liveness } = await import('/page/liveness.js');
      const liveness = new Liveness();
      for (let rtp = 0; rtp < 5000; rtp++) liveness.learn(rtp, { utcMs: rtp, live: true });
      return [liveness.times.size, liveness.present(4999, 5010)];
    }"""
    size, delay = await page.evaluate(script)
    assert size <= 300
    assert delay == 11


async def _clock(page: Page, samples: list[tuple[float, float]], now: float) -> Any:
    script = """async ([samples, now]) => {
      const { BoxClock } = await import('/page/clock.js');
      const clock = new BoxClock({ fetchTime: null, now: () => now });
      for (const [offsetMs, roundTripMs] of samples) clock.add({ offsetMs, roundTripMs, atMs: 1000 });
      return clock.at(now);
    }"""
    return await page.evaluate(script, [samples, now])


async def test_clock_trusts_the_shortest_round_trip(browser: Browser, stage: Stage) -> None:
    page = await _module_page(browser, stage)
    assert await _clock(page, [(5010, 30), (5000.5, 2), (4990, 40)], 1000) == 6000.5


async def test_stepped_clock_replaces_what_was_known(browser: Browser, stage: Stage) -> None:
    page = await _module_page(browser, stage)
    assert await _clock(page, [(5000, 2), (5001, 2), (65_000, 8)], 1000) == 66_000


async def test_clock_that_was_not_asked_for_long_is_unknown(browser: Browser, stage: Stage) -> None:
    page = await _module_page(browser, stage)
    assert await _clock(page, [(5000, 2)], 1000 + 600_001) is None
    assert await _clock(page, [], 1000) is None


async def test_delay_is_that_of_the_last_ten_seconds(browser: Browser, stage: Stage) -> None:
    page = await _module_page(browser, stage)
    script = """async () => {
      const { Delay } = await import('/page/delay.js');
      const delay = new Delay();
      const before = delay.percentiles(0);
      delay.add(999, 0);
      for (let n = 1; n <= 100; n++) delay.add(n, 5000);
      return [before, delay.percentiles(10_001)];
    }"""
    assert await page.evaluate(script) == [None, {"p50": 50, "p95": 95}]
