"""What comes in from the network may be anything: it ends no session but its own, and never the process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import aioice.stun
import pytest

from edge.model.errors import EdgeError, Rejected, Unavailable
from edge.rtc.offer import read_fragment, read_offer
from edge.rtc.sessions import WhepSessions
from edge.runtime.clock import SystemClock
from tests.edge.rtc.garbage import changed, changed_sdp, dice, rtcp_of_every_kind


@pytest.fixture
async def sessions(feedback) -> AsyncIterator[WhepSessions]:
    whep = WhepSessions(feedback={"main": feedback}, clock=SystemClock(), max_viewers=4)
    yield whep
    await whep.set_enabled(False)


@pytest.fixture
async def unheard_of() -> AsyncIterator[list[dict[str, Any]]]:
    """What the event loop was told of that nobody had caught; it must stay empty."""
    caught: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: caught.append(context))
    yield caught
    assert [context.get("exception") or context["message"] for context in caught] == []


async def joined(sessions: WhepSessions, viewer: Any) -> Any:
    """The sender on the box's side, once a viewer watches."""
    session, answer = await sessions.offer("main", await viewer.offer())
    await viewer.accept(answer)
    return sessions._sessions[session].peer._transceiver.sender


async def still_watching(sessions: WhepSessions, viewer: Any) -> bool:
    pictures = [await viewer.picture() for _ in range(3)]
    return pictures[-1].pts > pictures[0].pts and {each["state"] for each in sessions.viewers()} == {"connected"}


async def test_changed_rtcp_of_every_kind_leaves_the_session_as_it_was(
    sessions, make_viewer, show, playing, unheard_of
) -> None:
    viewer = make_viewer()
    sender = await joined(sessions, viewer)
    playing(show.play(sessions.deliver))
    await viewer.picture()
    chance, good = dice(16), rtcp_of_every_kind(sender._ssrc)
    for _ in range(4000):
        compound = b"".join(changed(chance, chance.choice(good)) for _ in range(chance.randrange(1, 4)))
        await sender.transport._handle_rtcp_data(compound)
    assert await still_watching(sessions, viewer)
    assert sessions.viewers()[0]["lost"] >= 0


async def test_changed_rtcp_that_a_viewer_really_sends_leaves_its_session_as_it_was(
    sessions, make_viewer, show, playing, unheard_of
) -> None:
    viewer, other = make_viewer(), make_viewer()
    sender = await joined(sessions, viewer)
    await joined(sessions, other)
    playing(show.play(sessions.deliver))
    await viewer.picture()
    await other.picture()
    chance, good = dice(17), rtcp_of_every_kind(sender._ssrc)
    transport = viewer.transceiver.receiver.transport
    for index in range(300):
        raw = bytearray(changed(chance, chance.choice(good)).ljust(8, b"\0"))
        raw[:2] = bytes((raw[0] & 0x3F | 0x80, 192 + raw[1] % 17))
        await transport._send_rtp(bytes(raw))
        if index % 50 == 0:
            await asyncio.sleep(0)
    assert await still_watching(sessions, viewer)
    assert await still_watching(sessions, other)


async def test_rtp_that_a_viewer_sends_goes_nowhere(sessions, make_viewer, show, playing, unheard_of) -> None:
    viewer = make_viewer()
    await joined(sessions, viewer)
    playing(show.play(sessions.deliver))
    await viewer.picture()
    chance, transport = dice(18), viewer.transceiver.receiver.transport
    extended = bytes.fromhex("90600001 00000000 00000001 bede0003 10aa22abcd33012345 000000 ffffffff")
    for number in range(300):
        raw = bytearray(changed(chance, extended).ljust(24, b"\0"))
        raw[2:4] = number.to_bytes(2, "big")
        raw[:2] = bytes((0x90, raw[1] & 0x3F))
        raw[12:16] = b"\xbe\xde\0\1"
        await transport._send_rtp(bytes(raw))
    assert await still_watching(sessions, viewer)


def datagrams(seed: int) -> Iterator[bytes]:
    """Empty, random, like DTLS, like SRTP, like STUN."""
    chance = dice(seed)
    request = bytes(aioice.stun.Message(aioice.stun.Method.BINDING, aioice.stun.Class.REQUEST, b"t" * 12))
    full = aioice.stun.Message(aioice.stun.Method.BINDING, aioice.stun.Class.REQUEST, b"u" * 12)
    full.attributes["USERNAME"] = "abcd:efgh"
    full.attributes["PRIORITY"] = 1
    full.attributes["ICE-CONTROLLING"] = 1
    full.add_message_integrity(b"wrong")
    alert = bytes.fromhex("15fefd000000000000000000020228")
    hello = bytes.fromhex("16fefd0000000000000000002a0100001e000000000000001efefd") + bytes(24)
    for _ in range(120):
        yield b""
        yield chance.randbytes(chance.randrange(1, 60))
        yield changed(chance, alert)
        yield changed(chance, hello)
        yield bytes((128 + chance.randrange(64),)) + chance.randbytes(chance.randrange(40))
        yield changed(chance, request)
        yield changed(chance, bytes(full))


def addresses(sender: Any) -> list[tuple[str, int]]:
    """Where the box listens for that viewer."""
    candidates = sender.transport.transport.iceGatherer.getLocalCandidates()
    return [(each.ip, each.port) for each in candidates if ":" not in each.ip]


async def test_a_stranger_s_datagrams_end_no_session(sessions, make_viewer, show, playing, unheard_of) -> None:
    viewer = make_viewer()
    sender = await joined(sessions, viewer)
    playing(show.play(sessions.deliver))
    await viewer.picture()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for index, datagram in enumerate(datagrams(19)):
            for address in addresses(sender):
                stranger.sendto(datagram, address)
            if index % 20 == 0:
                await asyncio.sleep(0.005)
    assert await still_watching(sessions, viewer)


async def test_a_stranger_s_datagrams_do_not_keep_a_viewer_from_joining(
    sessions, make_viewer, show, playing, unheard_of
) -> None:
    viewer = make_viewer()
    playing(show.play(sessions.deliver))
    session, answer = await sessions.offer("main", await viewer.offer())
    sender = sessions._sessions[session].peer._transceiver.sender
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        accepting = asyncio.ensure_future(viewer.accept(answer))
        for index, datagram in enumerate(datagrams(20)):
            for address in addresses(sender):
                stranger.sendto(datagram, address)
            if index % 10 == 0:
                await asyncio.sleep(0.002)
        await accepting
    assert await still_watching(sessions, viewer)


async def test_a_viewer_s_own_garbage_ends_no_other_session(sessions, make_viewer, show, playing, unheard_of) -> None:
    bad, good = make_viewer(), make_viewer()
    await joined(sessions, bad)
    await joined(sessions, good)
    playing(show.play(sessions.deliver))
    await bad.picture()
    await good.picture()
    ice = bad.transceiver.receiver.transport.transport
    for datagram in datagrams(21):
        await ice._send(datagram)
    pictures = [await good.picture() for _ in range(5)]
    assert pictures[-1].pts > pictures[0].pts
    assert sessions.viewers()[1]["state"] == "connected"


async def test_changed_offers_are_answered_or_refused_and_leave_nothing_behind(
    sessions, make_viewer, unheard_of
) -> None:
    viewer = make_viewer()
    viewer.connection.addTransceiver("audio", direction="recvonly")
    offer, chance = await viewer.offer(), dice(22)
    answered = 0
    for _ in range(60):
        try:
            session, answer = await sessions.offer("main", changed_sdp(chance, offer))
        except (Rejected, Unavailable):
            continue
        assert answer.startswith("v=0")
        answered += 1
        await sessions.end(session)
    assert 5 < answered < 55
    assert sessions.viewers() == []


async def test_an_offer_that_bundles_with_an_absent_section_is_refused(sessions, make_viewer) -> None:
    viewer = make_viewer()
    offer = (await viewer.offer()).replace("a=group:BUNDLE 0", "a=group:BUNDLE nobody 0")
    with pytest.raises(EdgeError, match="bundles with a section 'nobody' that it does not have"):
        await sessions.offer("main", offer)
    assert sessions.viewers() == []


@pytest.mark.parametrize("read", [read_offer, read_fragment])
async def test_changed_text_is_read_or_refused(make_viewer, read: Callable[[str], object]) -> None:
    offer, chance = await make_viewer().offer(), dice(23)
    refused = 0
    for _ in range(400):
        try:
            read(changed_sdp(chance, offer))
        except EdgeError:
            refused += 1
    assert 0 < refused < 400
