"""Measuring decoded pictures, with our SEI among their side data."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import av
import pytest

from edge.measure.session import Carriers
from edge.measure.viewer import measure_pictures
from edge.model.errors import PeerGone
from tests.edge.measure import bench
from tests.edge.measure.bench import HandClock


def decoded(made: list[bench.Made]) -> list[av.VideoFrame]:
    decoder = av.CodecContext.create("h264", "r")
    frames = [frame for unit in made for frame in decoder.decode(av.Packet(unit.data))]
    return frames + list(decoder.decode(None))


async def shown(frames: list[av.VideoFrame]) -> AsyncIterator[av.VideoFrame]:
    for frame in frames:
        yield frame


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


async def test_sei_and_strip_of_decoded_pictures_are_read(clock: HandClock) -> None:
    frames = decoded(bench.units(8, not_live=frozenset((7,))))
    clock.now_ns += 300_000_000
    report = await measure_pictures(shown(frames), clock=clock, carriers=Carriers(), seconds=60)
    assert (report.pictures, report.live, report.not_live) == (8, 7, 1)
    assert report.sei is not None
    assert report.strip is not None
    assert (report.sei.max, report.strip.max) == (300.0, 300.0)


async def test_our_sei_is_found_beside_the_encoders_own(clock: HandClock) -> None:
    first = decoded(bench.units(1))[0]
    assert len(first.side_data) >= 2, "x264 puts its own user data on the first picture"
    report = await measure_pictures(shown([first]), clock=clock, carriers=Carriers(strip=False), seconds=60)
    assert report.live == 1


async def test_pictures_without_times_are_counted(clock: HandClock) -> None:
    frames = decoded(bench.units(4, with_sei=False, with_strip=False))
    report = await measure_pictures(shown(frames), clock=clock, carriers=Carriers(), seconds=60)
    assert (report.pictures, report.carries_time) == (4, False)


async def test_error_before_the_first_picture_is_raised(clock: HandClock) -> None:
    async def refused() -> AsyncIterator[av.VideoFrame]:
        raise PeerGone("nobody there")
        yield

    with pytest.raises(PeerGone):
        await measure_pictures(refused(), clock=clock, carriers=Carriers(), seconds=60)


async def test_pictures_that_swallow_the_time_out_do_not_go_on_for_ever(clock: HandClock) -> None:
    """Python 3.11's `wait_for` returns a result that is there when it is cancelled, and forgets the cancelling."""
    frame = decoded(bench.units(1))[0]

    async def stubborn() -> AsyncIterator[av.VideoFrame]:
        while True:
            try:
                await asyncio.sleep(0.005)
            except asyncio.CancelledError:
                asyncio.current_task().uncancel()  # type: ignore[union-attr]
            yield frame

    report = await measure_pictures(stubborn(), clock=clock, carriers=Carriers(), seconds=0.02)
    assert report.pictures >= 1
