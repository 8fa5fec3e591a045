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


def _time(utc_ms: float, *, live: bool = True, seq: int = 7) -> dict[str, Any]:
    return {"utcMs": utc_ms, "live": live, "seq": seq}


_GOOD = [["learn", 1, _time(1000)], ["present", 1, 1040]]
_NOW: list[Any] = ["verdict", 1100]


def _next(utc_ms: float, *, seq: int = 8, live: bool = True, shown_ms: float = 1060) -> list[list[Any]]:
    return [["learn", 2, _time(utc_ms, live=live, seq=seq)], ["present", 2, shown_ms]]


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ([_NOW], "no_frame"),
        ([["learn", 1, _time(1000)], _NOW], "no_frame"),  # arrived, but not on the screen
        ([*_GOOD, _NOW], "live"),
        ([["learn", 1, _time(599)], ["present", 1, 640], _NOW], "old"),
        ([["learn", 1, _time(600)], ["present", 1, 640], _NOW], "live"),
        ([["learn", 1, _time(599)], ["present", 1, 640], ["verdict", 1100, {"slackMs": 1}]], "live"),
        ([["learn", 1, _time(1000, live=False)], ["present", 1, 1040], _NOW], "flag"),
        ([["learn", 1, None], ["present", 1, 1040], _NOW], "no_time"),
        ([["learn", 1, _time(1400)], ["present", 1, 1440], _NOW], "clock"),
        ([["learn", 1, _time(1000)], ["present", 1, None], _NOW], "clock"),  # shown before the clock was known
        ([["present", 1, 1040], _NOW], "no_frame"),
        ([["present", 1, 1040], ["learn", 1, _time(1000)], _NOW], "live"),  # the two messages crossed
        ([*_GOOD, ["presentUnknown"], _NOW], "no_frame"),
        ([*_GOOD, ["learn", 2, _time(1090, live=False)], _NOW], "live"),
        ([*_GOOD, ["reset"], _NOW], "live"),  # still on the screen, ageing
        ([*_GOOD, ["clear"], _NOW], "no_frame"),
        ([*_GOOD, ["forget"], _NOW], "clock"),  # the clock was stepped
        ([*_GOOD, *_next(1020), ["verdict", 1511]], "live"),
        ([*_GOOD, *_next(1020, live=False), _NOW], "flag"),  # at once, however fresh the one before
        ([*_GOOD, *_next(599), _NOW], "repeat"),  # an old one is on the screen
        ([*_GOOD, *_next(1020, seq=7), ["verdict", 1500]], "live"),  # a repeat lets the one before age
        ([*_GOOD, *_next(1020, seq=7), ["verdict", 1501]], "repeat"),
        ([*_GOOD, *_next(1000, seq=8), ["verdict", 1501]], "repeat"),  # the same picture by another number
        ([*_GOOD, *_next(1020, seq=6), ["verdict", 1501]], "repeat"),
        (
            [*_GOOD, *_next(1020, seq=1), ["learn", 3, _time(1040, seq=2)], ["present", 3, 1080], ["verdict", 1520]],
            "live",
        ),
        (
            [["learn", 1, _time(1000, seq=0xFFFFFFFF)], ["present", 1, 1040], *_next(1020, seq=0), ["verdict", 1510]],
            "live",
        ),
        ([*_GOOD, *_next(500), _NOW], "old"),  # at once
        ([*_GOOD, *_next(1060, shown_ms=1600), ["verdict", 1610]], "old"),  # late, though it is new
        ([*_GOOD, ["verdict", 1600, {"quietMs": 450}]], "missing"),
        ([*_GOOD, ["learn", 2, _time(1550, seq=8)], ["verdict", 1600]], "decoder"),
    ],
)
async def test_verdict_is_that_of_the_frame_on_the_screen(
    browser: Browser, stage: Stage, steps: list[list[Any]], code: str
) -> None:
    page = await _module_page(browser, stage)
    verdict = (await _judge(page, steps))[-1]
    assert verdict["code"] == code
    assert verdict["live"] is (code == "live")


async def test_verdict_needs_the_boxs_clock(browser: Browser, stage: Stage) -> None:
    page = await _module_page(browser, stage)
    steps = [["learn", 1, _time(1000)], ["present", 1, None], ["verdict", None]]
    assert (await _judge(page, steps))[-1] == {"live": False, "code": "clock", "ageMs": None}


async def test_frame_ages_out_when_no_new_one_is_presented(browser: Browser, stage: Stage) -> None:
    page = await _module_page(browser, stage)
    steps = [*_GOOD, ["verdict", 1500], ["verdict", 1501]]
    assert [verdict["live"] for verdict in (await _judge(page, steps))[-2:]] == [True, False]


async def test_only_frames_that_are_new_have_a_delay(browser: Browser, stage: Stage) -> None:
    page = await _module_page(browser, stage)
    steps = [*_GOOD, *_next(1020), *_next(1030, seq=8), *_next(1040, live=False, seq=9), *_next(1050, seq=10)]
    assert list((await _judge(page, steps))[1::2]) == [40, 40, None, None, 10]


async def test_times_that_were_never_shown_do_not_pile_up(browser: Browser, stage: Stage) -> None:
    page = await _module_page(browser, stage)
    script = """async () => {
      const { Liveness } = await import('/page/liveness.js');
      const liveness = new Liveness();
      for (let rtp = 0; rtp < 5000; rtp++) liveness.learn(rtp, { utcMs: rtp, live: true, seq: rtp });
      return [liveness.times.size, liveness.present(4999, 5010)];
    }"""
    size, delay = await page.evaluate(script)
    assert size <= 300
    assert delay == 11


async def _clock(page: Page, samples: list[tuple[float, float, float]], now: float) -> Any:
    """Samples are (offset, round trip, at); the box takes 3 ms to answer. [time, uncertainty, steps]."""
    script = """async ([samples, now]) => {
      const { BoxClock } = await import('/page/clock.js');
      let atMs = 0;
      const clock = new BoxClock({ now: () => atMs });
      for (const [offset, roundTrip, at] of samples) {
        atMs = at;
        const receivedMs = at - 3 - roundTrip / 2 + offset;
        clock.add({ askedMs: at - 3 - roundTrip, receivedMs, sentMs: receivedMs + 3, heardMs: at, mapMs: 1 });
      }
      atMs = now;
      return [clock.at(now), clock.uncertaintyMs, clock.steps];
    }"""
    return await page.evaluate(script, [samples, now])


async def test_clock_trusts_the_shortest_round_trip(browser: Browser, stage: Stage) -> None:
    page = await _module_page(browser, stage)
    known = await _clock(page, [(5010, 30, 1000), (5000.5, 2, 1000), (4990, 40, 1000)], 1000)
    assert known == pytest.approx([6000.5, 2, 0])


async def test_uncertainty_is_half_the_round_trip_the_boxs_own_and_the_drift(browser: Browser, stage: Stage) -> None:
    page = await _module_page(browser, stage)
    assert (await _clock(page, [(5000, 8, 1000)], 6000))[1] == pytest.approx(4 + 1 + 0.5)


async def test_old_sample_gives_way_when_it_has_drifted_further_than_a_slower_new_one(
    browser: Browser, stage: Stage
) -> None:
    page = await _module_page(browser, stage)
    samples = [(5000, 1, 0), (5001, 3, 10_000)]
    assert (await _clock(page, samples, 10_000))[0] == 15_000 + 0
    still = [(5000, 1, 0), *((5001, 3, at) for at in range(5000, 30_001, 5000))]
    assert (await _clock(page, still, 30_000))[0] == 35_001


async def test_stepped_clock_replaces_what_was_known(browser: Browser, stage: Stage) -> None:
    page = await _module_page(browser, stage)
    samples = [(5000, 2, 1000), (5001, 2, 1000), (65_000, 8, 1000)]
    assert await _clock(page, samples, 1000) == pytest.approx([66_000, 5, 1])


async def test_clock_that_does_not_answer_for_ten_seconds_is_unknown(browser: Browser, stage: Stage) -> None:
    page = await _module_page(browser, stage)
    assert (await _clock(page, [(5000, 2, 1000)], 11_000))[0] == 16_000
    assert (await _clock(page, [(5000, 2, 1000)], 11_001))[:2] == [None, None]
    assert (await _clock(page, [], 1000))[:2] == [None, None]


async def test_answer_that_took_half_a_second_is_no_use(browser: Browser, stage: Stage) -> None:
    page = await _module_page(browser, stage)
    assert (await _clock(page, [(5000, 496, 1000)], 1000))[0] == 6000
    assert (await _clock(page, [(5000, 500, 1000)], 1000))[0] is None


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


async def test_ice_servers_are_read_from_the_link_header(browser: Browser, stage: Stage) -> None:
    page = await _module_page(browser, stage)
    header = (
        '<stun:stun.example:3478>; rel="ice-server", </other>; rel="next", '
        '<turn:turn.example:3478?transport=tcp>; rel="ice-server"; username="1790000000:a,b;c"; '
        'credential="p\\"q\\\\r="; credential-type="password", '
        '<turns:turn.example>; rel=ice-server; username=u; credential=c, <turn:secretless>; rel="ice-server", '
        '<https://evil.example>; rel="ice-server", <stun:cut'
    )
    script = """async (header) => {
      const { iceServersOf } = await import('/page/ice.js');
      const servers = iceServersOf(header);
      new RTCPeerConnection({ iceServers: servers }).close();
      return [servers, iceServersOf(null), iceServersOf('')];
    }"""
    assert await page.evaluate(script, header) == [
        [
            {"urls": "stun:stun.example:3478"},
            {
                "urls": "turn:turn.example:3478?transport=tcp",
                "username": "1790000000:a,b;c",
                "credential": 'p"q\\r=',
            },
            {"urls": "turns:turn.example", "username": "u", "credential": "c"},
        ],
        [],
        [],
    ]
