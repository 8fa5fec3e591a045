"""Real viewers that speak nonsense in SCTP: it costs them the message, and nobody anything else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiortc import RTCDataChannel
from aiortc.rtcsctptransport import SCTP_DATA_UNORDERED, DataChunk

from edge.rtc.sessions import WhepSessions
from edge.runtime.clock import SystemClock
from tests.edge.rtc.data_channel import joined, viewer_of

PING = json.dumps({"v": 1, "t": "ping", "id": 7, "ts": 12.5})


@pytest.fixture
async def sessions(feedback) -> AsyncIterator[WhepSessions]:
    whep = WhepSessions(feedback={"main": feedback}, clock=SystemClock(), max_viewers=2)
    yield whep
    await whep.set_enabled(False)


async def test_nonsense_ends_neither_its_own_session_nor_another(
    sessions, make_viewer, eventually, show, playing
) -> None:
    good, bad = make_viewer(), make_viewer()
    (_, good_wire, heard), (session, wire, said) = await joined(sessions, good), await joined(sessions, bad)
    await eventually(lambda: bool(heard) and bool(said))
    sctp: Any = bad.connection.sctp
    for pp_id, message in ((51, b"\xff\xfe"), (50, b"\x03" + bytes(11)), (50, b"\x03\x00"), (99, b"x"), (53, b"\x00")):
        await sctp._send(wire.id, pp_id, message)  # bad UTF-8; opened twice; cut; no such protocol; binary
    await sctp._send(wire.id + 2, 50, b"\x02")  # the answer to a channel that is not there
    wire.send("x" * 60_000)
    wire.send(PING)
    await eventually(lambda: said[-1]["t"] == "pong")
    good_wire.send(PING)
    await eventually(lambda: heard[-1]["t"] == "pong")
    playing(show.play(sessions.deliver))
    assert (await good.picture()).width == (await bad.picture()).width == 320
    assert viewer_of(sessions, session)["channel"]["refused"] >= 2


async def test_a_message_without_end_is_held_within_bounds(sessions, make_viewer, eventually) -> None:
    viewer = make_viewer()
    session, wire, said = await joined(sessions, viewer)
    await eventually(lambda: bool(said))
    box: Any = sessions._sessions[session].peer._connection.sctp
    room = box._advertised_rwnd
    while box._advertised_rwnd >= 1000:
        await box._receive_data_chunk(_fragment(box, wire, 1000))
    for _ in range(20):
        await box._receive_data_chunk(_fragment(box, wire, 1000))
    held = sum(len(part.user_data) for stream in box._inbound_streams.values() for part in stream.reassembly)
    assert room - 1000 < held <= room


def _fragment(box: Any, wire: RTCDataChannel, size: int) -> DataChunk:
    """The next middle piece of a message that has begun and does not end."""
    part = DataChunk(flags=SCTP_DATA_UNORDERED)
    part.tsn = box._last_received_tsn + 1 & 0xFFFFFFFF
    part.stream_id, part.protocol, part.user_data = wire.id, 51, bytes(size)
    return part
