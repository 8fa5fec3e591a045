"""Measuring a WebRTC viewer: pictures come decoded, with the SEI among their side data."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import cast

from av import VideoFrame
from av.sidedata.sidedata import SideData, Type

from edge.measure.session import Carriers
from edge.measure.strip_reader import read_strip
from edge.measure.tally import Picture, Report, Tally
from edge.model import sei
from edge.ports import Clock


async def measure_pictures(
    pictures: AsyncIterator[VideoFrame], *, clock: Clock, carriers: Carriers, seconds: float
) -> Report:
    """Both latencies end when the decoded picture is handed to us. Raises what `pictures` raises."""
    tally = Tally()
    first = await anext(pictures)
    tally.add(picture_of(first, clock=clock, carriers=carriers))
    loop = asyncio.get_running_loop()
    until_s = loop.time() + seconds
    with contextlib.suppress(TimeoutError, StopAsyncIteration):
        async with asyncio.timeout_at(until_s):
            while loop.time() < until_s:  # a picture that comes at the very end may swallow the time-out
                frame = await anext(pictures)
                tally.add(picture_of(frame, clock=clock, carriers=carriers))
    return tally.report()


def picture_of(frame: VideoFrame, *, clock: Clock, carriers: Carriers) -> Picture:
    now_ns = clock.utc_ns()
    return Picture(
        arrived_utc_ns=now_ns,
        sei=_time_sei(frame) if carriers.sei else None,
        decoded_utc_ns=now_ns if carriers.strip else None,
        strip_us=read_strip(frame) if carriers.strip else None,
    )


def _time_sei(frame: VideoFrame) -> sei.TimeSei | None:
    """The encoder may have put user data of its own beside ours."""
    sides = cast(Iterable[SideData], frame.side_data)  # av's stub of Frame knows motion vectors only
    user_data = (bytes(side) for side in sides if side.type is Type.SEI_UNREGISTERED)
    return next((found for raw in user_data if (found := sei.unpack(raw)) is not None), None)
