from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edge.model.feedback import KeyframeRequest, LinkReport, Role
from edge.model.frame import AccessUnit
from edge.rtc.unit_feed import UnitFeed
from edge.runtime.unit_wire import LENGTH, MAX_MESSAGE, pack_unit

MakeUnit = Callable[..., AccessUnit]


@pytest.fixture
def got() -> list[AccessUnit | str]:
    return []


@pytest.fixture
def feed(media, got: list[AccessUnit | str]) -> UnitFeed:
    return UnitFeed(
        rung="main", path=media.path, on_unit=got.append, on_connect=lambda: got.append("connected"), retry_s=0.01
    )


async def test_units_arrive_unchanged(feed, media, got, make_unit: MakeUnit, running, eventually) -> None:
    running(feed)
    await media.connected()
    unit = make_unit(7, key=True, payload=b"x" * 300_000)
    media.send_unit(unit)
    await eventually(lambda: len(got) == 2)
    assert got == ["connected", unit]
    assert feed.latest == unit


async def test_feedback_reaches_the_media_process(feed, media, running, eventually) -> None:
    running(feed)
    await media.connected()
    await eventually(lambda: feed.connected)
    report = LinkReport("viewer-1", Role.GUIDE, sent_bps=3_000_000, delivered_bps=2_900_000)
    feed.request_keyframe("viewer-1", "join")
    feed.report_link(report)
    await eventually(lambda: len(media.feedback) == 2)
    assert media.feedback == [KeyframeRequest("viewer-1", "join"), report]


async def test_the_feed_comes_back_after_the_media_process_died(
    feed, media, got, make_unit: MakeUnit, running, eventually
) -> None:
    running(feed)
    await media.connected()
    await media.stop()
    await eventually(lambda: not feed.connected)
    await media.start()
    await media.connected()
    media.send_unit(make_unit(1, key=True))
    await eventually(lambda: len(got) == 3)
    assert got[:2] == ["connected", "connected"]


async def test_the_feed_starts_before_the_media_process(tmp_path: Path, running, eventually) -> None:
    feed = UnitFeed(rung="main", path=tmp_path / "not-yet.sock", on_unit=lambda unit: None, retry_s=0.01)
    context = running(feed)
    await eventually(lambda: context.is_ready)
    feed.request_keyframe("viewer-1", "join")
    assert not feed.connected


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (LENGTH.pack(3) + b"?!?", "unknown kind b'?'"),
        (LENGTH.pack(MAX_MESSAGE + 1), "over the limit"),
        (LENGTH.pack(5) + b"F{no}", "not understood"),
        (LENGTH.pack(3) + b"F{}", "not understood"),
    ],
)
async def test_what_is_not_understood_ends_the_connection_with_a_reason_and_is_tried_again(
    feed, media, got, running, eventually, caplog, raw: bytes, said: str
) -> None:
    running(feed)
    await media.connected()
    media.send(raw)
    await eventually(lambda: got.count("connected") >= 2)
    assert said in caplog.text


async def test_a_unit_of_another_epoch_than_announced_is_refused(
    feed, media, got, make_unit: MakeUnit, of_epoch, running, eventually, caplog
) -> None:
    running(feed)
    await media.connected()
    media.send_unit(make_unit(1, key=True))
    media.send(pack_unit(of_epoch(make_unit(2), 9)))
    await eventually(lambda: got.count("connected") >= 2)
    assert "epoch 9 while the format is of epoch 1" in caplog.text
