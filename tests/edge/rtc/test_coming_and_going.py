"""Viewers that join and leave all the time leave nothing of themselves behind."""

from __future__ import annotations

import asyncio
import gc
import os
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from edge.rtc.adapter import SenderTap
from edge.rtc.outflow import Outflow
from edge.rtc.peer import ViewerPeer
from edge.rtc.sessions import WhepSessions
from edge.rtc.track import UnitTrack
from edge.runtime.clock import SystemClock
from tests.edge.rtc.conftest import Viewer

OURS = (ViewerPeer, SenderTap, Outflow, UnitTrack)


async def watched_and_left(sessions: WhepSessions, *, politely: bool) -> None:
    viewer = Viewer()
    session, answer = await sessions.offer("main", await viewer.offer())
    await viewer.accept(answer)
    await viewer.picture()
    if politely:
        await sessions.end(session)
    await viewer.connection.close()


def alive() -> int:
    gc.collect()
    return sum(isinstance(each, OURS) for each in gc.get_objects())


@pytest.mark.timeout(120)
async def test_thirty_viewers_in_waves_leave_no_object_task_or_socket(
    feedback, show, playing, running, eventually
) -> None:
    sessions = WhepSessions(feedback={"main": feedback}, clock=SystemClock(), max_viewers=5)
    running(sessions)
    playing(show.play(sessions.deliver))
    await watched_and_left(sessions, politely=True)
    await eventually(lambda: sessions.viewers() == [])
    tasks, sockets = len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd"))
    for wave in range(6):
        await asyncio.gather(*(watched_and_left(sessions, politely=bool(wave & 1)) for _ in range(5)))
        await eventually(lambda: sessions.viewers() == [])
    await eventually(lambda: alive() == 0)
    await eventually(lambda: len(asyncio.all_tasks()) <= tasks)
    assert len(os.listdir("/proc/self/fd")) <= sockets


@pytest.mark.parametrize("step", ["offered", "refused"])
async def test_a_viewer_that_never_came_leaves_no_object(
    feedback, clock, make_viewer, step: str, eventually: Callable[..., Any]
) -> None:
    sessions = WhepSessions(feedback={"main": feedback}, clock=clock)
    offer = await make_viewer().offer()
    if step == "offered":
        await sessions.offer("main", offer)
        gone = weakref.ref(next(iter(sessions._sessions.values())).peer)
        clock.advance(30)
        await sessions.sweep()
        await eventually(lambda: gc.collect() >= 0 and gone() is None)
    else:
        for _ in range(3):
            with pytest.raises(Exception, match="bundles"):
                await sessions.offer("main", offer.replace("a=group:BUNDLE 0", "a=group:BUNDLE 9 0"))
    await eventually(lambda: alive() == 0)
