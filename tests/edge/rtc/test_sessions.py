from __future__ import annotations

import asyncio
import re
import struct
from collections.abc import AsyncIterator
from dataclasses import replace

import aioice.ice
import pytest
from aiortc.rtp import RTCP_PSFB_APP, RTCP_PSFB_FIR, RtcpPsfbPacket

from edge.model.errors import Busy, Invalid, NotFound, NotSupported, Rejected
from edge.model.feedback import Demotion, Role
from edge.model.frame import AccessUnit
from edge.rtc.sessions import WhepSessions
from edge.rtc.transport_feedback import TRANSPORT_WIDE
from edge.runtime.clock import SystemClock
from tests.edge.rtc.conftest import HeardFeedback, Show


@pytest.fixture
async def sessions(feedback) -> AsyncIterator[WhepSessions]:
    whep = WhepSessions(feedback={"main": feedback}, clock=SystemClock(), max_viewers=2)
    yield whep
    await whep.set_enabled(False)


def of_rung(unit: AccessUnit, rung: str) -> AccessUnit:
    return replace(unit, format=replace(unit.format, rung=rung))


async def joined(sessions: WhepSessions, viewer) -> str:
    session, answer = await sessions.offer("main", await viewer.offer())
    await viewer.accept(answer)
    return session


async def test_a_viewer_sees_the_picture(sessions, make_viewer, show, playing) -> None:
    viewer = make_viewer()
    await joined(sessions, viewer)
    playing(show.play(sessions.deliver))
    pictures = [await viewer.picture() for _ in range(10)]
    assert {(picture.width, picture.height) for picture in pictures} == {(320, 240)}
    assert [picture.pts for picture in pictures] == sorted({picture.pts for picture in pictures})


async def test_joining_asks_for_a_keyframe(sessions, make_viewer, feedback, eventually) -> None:
    await joined(sessions, make_viewer())
    await eventually(lambda: bool(feedback.keyframes))
    assert feedback.keyframes[0] == ("viewer-1", "join")


async def test_h264_is_chosen_though_the_viewer_likes_vp8_best(sessions, make_viewer) -> None:
    offer = await make_viewer().offer()
    assert offer.index("VP8") < offer.index("H264")
    _, answer = await sessions.offer("main", offer)
    assert "VP8" not in answer
    assert "profile-level-id=42e02a" in answer.replace("42002a", "")
    assert "a=sendonly" in answer


async def test_answer_takes_the_timing_extensions_only_where_offered(sessions, make_viewer) -> None:
    offer = await make_viewer().offer()
    capture_time = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
    _, without = await sessions.offer("main", offer)
    _, answer = await sessions.offer("main", offer.replace("a=mid:0", f"a=extmap:7 {capture_time}\r\na=mid:0"))
    assert "abs-capture-time" not in without
    assert f"a=extmap:7 {capture_time}" in answer


@pytest.mark.parametrize("offered", [True, False])
async def test_answer_takes_transport_wide_feedback_only_where_offered(sessions, make_viewer, offered: bool) -> None:
    offer = await make_viewer().offer()
    if offered:
        offer = re.sub(r"a=rtcp-fb:(\d+) nack\r\n", r"\g<0>a=rtcp-fb:\1 transport-cc\r\n", offer)
    extension = f"a=extmap:7 {TRANSPORT_WIDE}"
    _, answer = await sessions.offer("main", offer.replace("a=mid:0", f"{extension}\r\na=mid:0"))
    assert (extension in answer) is offered
    assert answer.count("transport-cc\r\n") == (2 if offered else 0)


async def test_a_viewer_without_it_is_judged_by_its_receiver_reports(
    sessions, make_viewer, show, playing, feedback, eventually
) -> None:
    viewer = make_viewer()
    _, answer = await sessions.offer("main", await viewer.offer(), role=Role.OBSERVER)
    await viewer.accept(answer)
    playing(show.play(sessions.deliver))
    await viewer.picture()
    await eventually(lambda: any(link.delivered_bps for link in feedback.links), within_s=30)
    link = feedback.links[-1]
    assert (link.sink, link.role) == ("viewer-1", Role.OBSERVER)
    [status] = sessions.viewers()
    assert (status["role"], status["rung"], status["demoted"]) == ("observer", "main", False)
    assert status["delivered_bps"] > 0
    assert 0 <= status["loss"] <= 1
    assert status["queue_ms"] >= 0


async def test_reports_go_on_while_no_picture_does(sessions, make_viewer, show, feedback, eventually) -> None:
    viewer = make_viewer()
    await joined(sessions, viewer)
    showing = asyncio.ensure_future(show.play(sessions.deliver))
    await viewer.picture()
    await eventually(lambda: bool(feedback.links), within_s=30)
    showing.cancel()
    await asyncio.sleep(0)
    before = len(feedback.links)

    async def swept() -> None:
        while len(feedback.links) < before + 3:
            await sessions.sweep()
            await asyncio.sleep(0.02)

    await asyncio.wait_for(swept(), 20)


async def test_a_demoted_viewer_sees_the_lesser_rung_and_then_its_own_again(
    feedback, make_viewer, show, pictures, playing, eventually
) -> None:
    lesser = HeardFeedback()
    sessions = WhepSessions(feedback={"main": feedback, "view": lesser}, clock=SystemClock())
    viewer = make_viewer()
    await joined(sessions, viewer)
    playing(show.play(sessions.deliver))
    await viewer.picture()
    assert (sessions.watched("main"), sessions.watched("view")) == (True, False)
    sessions.demote("main", Demotion("viewer-1", demoted=True))
    assert sessions.watched("view")
    playing(Show(pictures).play(lambda unit: sessions.deliver(of_rung(unit, "view"))))
    await eventually(lambda: sessions.viewers()[0]["rung"] == "view")
    assert sessions.viewers()[0]["demoted"]
    assert not sessions.watched("main")
    before = [await viewer.picture() for _ in range(40)][-1]
    sessions.demote("main", Demotion("viewer-1", demoted=False))
    await eventually(lambda: sessions.viewers()[0]["rung"] == "main")
    after = [await viewer.picture() for _ in range(40)][-1]
    assert after.pts > before.pts
    sessions.demote("main", Demotion("viewer-9", demoted=True))
    assert not sessions.viewers()[0]["demoted"]
    await sessions.set_enabled(False)


@pytest.mark.parametrize(("home", "beside"), [("second", {"view"}), ("view", {"main"}), ("main", {"archive"})])
async def test_without_a_lesser_rung_of_the_same_input_a_demoted_viewer_stays_where_it_is(
    feedback, make_viewer, home: str, beside: set[str]
) -> None:
    sessions = WhepSessions(feedback=dict.fromkeys({home, *beside}, feedback), clock=SystemClock())
    await sessions.offer(home, await make_viewer().offer())
    sessions.demote("main", Demotion("viewer-1", demoted=True))
    assert [rung for rung in {home, *beside} if sessions.watched(rung)] == [home]
    await sessions.set_enabled(False)


async def test_an_audio_section_is_answered_but_inactive(sessions, make_viewer, show, playing) -> None:
    viewer = make_viewer()
    viewer.connection.addTransceiver("audio", direction="recvonly")
    await joined(sessions, viewer)
    playing(show.play(sessions.deliver))
    assert (await viewer.picture()).width == 320
    assert "a=inactive" in viewer.connection.remoteDescription.sdp


async def test_pli_of_a_real_receiver_asks_for_a_keyframe(
    sessions, make_viewer, show, playing, feedback, eventually
) -> None:
    viewer = make_viewer()
    await joined(sessions, viewer)
    playing(show.play(sessions.deliver))
    await viewer.picture()
    feedback.keyframes.clear()
    receiver = viewer.transceiver.receiver
    [source] = receiver.getSynchronizationSources()
    await receiver._send_rtcp_pli(source.source)
    await eventually(lambda: feedback.keyframes == [("viewer-1", "picture lost")])


async def test_fir_of_a_real_receiver_asks_for_a_keyframe(
    sessions, make_viewer, show, playing, feedback, eventually
) -> None:
    viewer = make_viewer()
    await joined(sessions, viewer)
    playing(show.play(sessions.deliver))
    await viewer.picture()
    feedback.keyframes.clear()
    receiver = viewer.transceiver.receiver
    fci = struct.pack("!LB3x", receiver.getSynchronizationSources()[0].source, 1)
    await receiver._send_rtcp(RtcpPsfbPacket(fmt=RTCP_PSFB_FIR, ssrc=1, media_ssrc=0, fci=fci))
    await eventually(lambda: feedback.keyframes == [("viewer-1", "picture lost")])


async def test_a_truncated_remb_does_not_end_the_session(
    sessions, make_viewer, show, playing, feedback, eventually
) -> None:
    viewer = make_viewer()
    await joined(sessions, viewer)
    playing(show.play(sessions.deliver))
    await viewer.picture()
    feedback.keyframes.clear()
    receiver = viewer.transceiver.receiver
    cut = RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=1, media_ssrc=0, fci=b"REMB\x05\x00\x00\x01")
    await receiver._send_rtcp(cut)
    await receiver._send_rtcp_pli(receiver.getSynchronizationSources()[0].source)
    await eventually(lambda: feedback.keyframes == [("viewer-1", "picture lost")])
    assert sessions.viewers()[0]["state"] == "connected"


async def test_nobody_but_the_viewer_who_asked_is_charged(
    sessions, make_viewer, show, playing, feedback, eventually
) -> None:
    first, second = make_viewer(), make_viewer()
    for viewer in (first, second):
        await joined(sessions, viewer)
    playing(show.play(sessions.deliver))
    await first.picture()
    await second.picture()
    feedback.keyframes.clear()
    receiver = second.transceiver.receiver
    await receiver._send_rtcp_pli(receiver.getSynchronizationSources()[0].source)
    await eventually(lambda: bool(feedback.keyframes))
    assert {sink for sink, _ in feedback.keyframes} == {"viewer-2"}


async def test_remb_of_a_real_receiver_is_reported(sessions, make_viewer, show, playing, eventually) -> None:
    viewer = make_viewer()
    await joined(sessions, viewer)
    playing(show.play(sessions.deliver))
    await viewer.picture()
    await eventually(lambda: (sessions.viewers()[0]["remb_bps"] or 0) > 0, within_s=30)


async def test_receiver_reports_reach_the_status(sessions, make_viewer, show, playing, eventually) -> None:
    viewer = make_viewer()
    session = await joined(sessions, viewer)
    playing(show.play(sessions.deliver))
    await viewer.picture()
    await eventually(lambda: sessions.viewers()[0]["rtt_ms"] is not None, within_s=30)
    [status] = sessions.viewers()
    assert status["session"] == session
    assert (status["name"], status["state"], status["lost"]) == ("viewer-1", "connected", 0)
    assert status["delivered"] > 0
    assert status["since"].endswith("Z")
    assert status["send_p50_us"] <= status["send_p95_us"]
    assert status["queue_p50_us"] <= status["queue_p95_us"]


async def test_picture_goes_on_after_a_restart_of_media_time_gap(sessions, make_viewer, show, playing) -> None:
    viewer = make_viewer()
    await joined(sessions, viewer)
    playing(show.play(sessions.deliver))
    before = await viewer.picture()
    sessions.resync("main")
    pictures = [await viewer.picture() for _ in range(20)]
    assert pictures[-1].pts > before.pts


async def test_session_ids_cannot_be_guessed_from_each_other(sessions, make_viewer) -> None:
    offer = await make_viewer().offer()
    ids = {(await sessions.offer("main", offer))[0] for _ in range(2)}
    assert len(ids) == 2
    assert min(map(len, ids)) >= 22


async def test_a_viewer_too_many_is_refused(sessions, make_viewer) -> None:
    offer = await make_viewer().offer()
    for _ in range(2):
        session, _ = await sessions.offer("main", offer)
    with pytest.raises(Busy) as caught:
        await sessions.offer("main", offer)
    assert caught.value.code == "too_many_viewers"
    await sessions.end(session)
    await sessions.offer("main", offer)


async def test_an_offer_that_fails_takes_no_place(sessions, make_viewer) -> None:
    viewer = make_viewer()
    viewer.connection.addTransceiver("audio", direction="recvonly")
    offer = re.sub("opus|PCM[AU]|G722", "unheard-of", await viewer.offer())
    for _ in range(3):
        with pytest.raises(Invalid, match="cannot be answered"):
            await sessions.offer("main", offer)
    assert sessions.viewers() == []


async def test_an_unknown_rung_is_not_found(sessions, make_viewer) -> None:
    with pytest.raises(NotFound, match="no rung 'archive', there is main") as caught:
        await sessions.offer("archive", await make_viewer().offer())
    assert caught.value.code == "unknown_rung"


async def test_an_unknown_session_is_not_found(sessions) -> None:
    for call in (sessions.end("x"), sessions.trickle("x", "")):
        with pytest.raises(NotFound) as caught:
            await call
        assert caught.value.code == "unknown_session"


async def test_stopping_the_output_ends_viewers_and_refuses_offers(
    sessions, make_viewer, show, playing, eventually
) -> None:
    viewer = make_viewer()
    await joined(sessions, viewer)
    playing(show.play(sessions.deliver))
    await viewer.picture()
    await sessions.set_enabled(False)
    assert sessions.viewers() == []
    await eventually(lambda: viewer.connection.connectionState == "closed")
    with pytest.raises(Rejected) as caught:
        await sessions.offer("main", await make_viewer().offer())
    assert caught.value.code == "stopped"
    await sessions.set_enabled(True)
    await joined(sessions, make_viewer())


async def test_stopping_the_output_wins_over_an_offer_under_way(sessions, make_viewer) -> None:
    offering = asyncio.ensure_future(sessions.offer("main", await make_viewer().offer()))
    await asyncio.sleep(0)
    await sessions.set_enabled(False)
    with pytest.raises(Rejected):
        await offering
    assert sessions.viewers() == []


async def test_a_viewer_that_says_good_bye_leaves_no_session(
    sessions, make_viewer, show, playing, running, eventually
) -> None:
    running(sessions)
    viewer = make_viewer()
    await joined(sessions, viewer)
    playing(show.play(sessions.deliver))
    await viewer.picture()
    await viewer.connection.close()
    await eventually(lambda: sessions.viewers() == [])


async def test_a_viewer_that_vanishes_leaves_no_session(
    sessions, make_viewer, show, playing, running, eventually, monkeypatch
) -> None:
    monkeypatch.setattr(aioice.ice, "CONSENT_INTERVAL", 0.1)
    running(sessions)
    viewer = make_viewer()
    await joined(sessions, viewer)
    playing(show.play(sessions.deliver))
    await viewer.picture()
    await viewer.vanish()
    await eventually(lambda: sessions.viewers() == [], within_s=40)


async def test_a_viewer_that_never_connects_leaves_no_session(feedback, clock, make_viewer) -> None:
    sessions = WhepSessions(feedback={"main": feedback}, clock=clock, join_s=20)
    await sessions.offer("main", await make_viewer().offer())
    clock.advance(19)
    await sessions.sweep()
    assert len(sessions.viewers()) == 1
    clock.advance(2)
    await sessions.sweep()
    assert sessions.viewers() == []


async def test_candidates_may_come_later(sessions, make_viewer, show, playing) -> None:
    viewer = make_viewer()
    lines = (await viewer.offer()).splitlines()
    candidates = [line for line in lines if line.startswith(("a=candidate", "a=end-of-candidates"))]
    bare = "\r\n".join(line for line in lines if line not in candidates) + "\r\n"
    session, answer = await sessions.offer("main", bare)
    await sessions.trickle(session, "\r\n".join(["a=mid:0", *candidates, ""]))
    await viewer.accept(answer)
    playing(show.play(sessions.deliver))
    assert (await viewer.picture()).width == 320


async def test_an_ice_restart_is_refused(sessions, make_viewer) -> None:
    session, _ = await sessions.offer("main", await make_viewer().offer())
    with pytest.raises(NotSupported) as caught:
        await sessions.trickle(session, "a=ice-ufrag:other\r\na=ice-pwd:something\r\n")
    assert caught.value.code == "ice_restart"


async def test_candidates_after_the_end_are_ignored(sessions, make_viewer) -> None:
    session, _ = await sessions.offer("main", await make_viewer().offer())
    await sessions.trickle(session, "a=mid:0\r\na=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n")
    await sessions.trickle(session, "a=end-of-candidates\r\n")
