"""Sessions by invitation: one at a time, ended when asked."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from edge.model.errors import Forbidden
from edge.model.feedback import Role
from edge.model.invitation import Invitation
from edge.rtc.sessions import WhepSessions
from edge.runtime.clock import SystemClock

ADA = Invitation("abc", "main", Role.OBSERVER, "Dr. Ada", 0)
BOB = Invitation("def", "main", Role.GUIDE, "Bob", 0)


@pytest.fixture
async def sessions(feedback) -> AsyncIterator[WhepSessions]:
    whep = WhepSessions(feedback={"main": feedback}, clock=SystemClock(), max_viewers=2)
    yield whep
    await whep.set_enabled(False)


async def joined(sessions: WhepSessions, viewer, invitation: Invitation, eventually) -> str:
    session, answer = await sessions.offer("main", await viewer.offer(), role=invitation.role, invitation=invitation)
    await viewer.accept(answer)
    await eventually(lambda: next(v for v in sessions.viewers() if v["session"] == session)["state"] == "connected")
    return session


async def test_status_says_who_watches_as_what(sessions, make_viewer, eventually, caplog) -> None:
    caplog.set_level("INFO")
    await joined(sessions, make_viewer(), ADA, eventually)
    [viewer] = sessions.viewers()
    assert (viewer["guest"], viewer["role"], viewer["invitation"]) == ("Dr. Ada", "observer", "abc")
    assert "viewer-1 (Dr. Ada (invitation abc)): joined" in caplog.text


async def test_a_token_is_refused_while_somebody_watches_by_it(sessions, make_viewer, eventually) -> None:
    session = await joined(sessions, make_viewer(), ADA, eventually)
    with pytest.raises(Forbidden) as caught:
        await sessions.offer("main", await make_viewer().offer(), invitation=ADA)
    assert caught.value.code == "token_in_use"
    assert [viewer["session"] for viewer in sessions.viewers()] == [session]


async def test_it_is_good_again_once_that_session_is_over(sessions, make_viewer, eventually) -> None:
    await sessions.end(await joined(sessions, make_viewer(), ADA, eventually))
    await joined(sessions, make_viewer(), ADA, eventually)


async def test_a_session_that_never_connected_makes_room(sessions, make_viewer, eventually) -> None:
    lost, _ = await sessions.offer("main", await make_viewer().offer(), invitation=ADA)
    session = await joined(sessions, make_viewer(), ADA, eventually)
    assert [viewer["session"] for viewer in sessions.viewers()] == [session] != [lost]


async def test_ending_an_invitation_ends_its_session_alone(sessions, make_viewer, eventually) -> None:
    viewer = make_viewer()
    await joined(sessions, viewer, ADA, eventually)
    other = await joined(sessions, make_viewer(), BOB, eventually)
    assert await sessions.dismiss(invitation="abc") == ["abc"]
    assert [one["session"] for one in sessions.viewers()] == [other]
    await eventually(lambda: viewer.connection.connectionState == "closed")


async def test_ending_a_session_tells_its_invitation(sessions, make_viewer, eventually) -> None:
    session = await joined(sessions, make_viewer(), ADA, eventually)
    plain, _ = await sessions.offer("main", await make_viewer().offer())
    assert await sessions.dismiss(session=session) == ["abc"]
    assert await sessions.dismiss(session=plain) == []
    assert await sessions.dismiss(session="gone", invitation="gone") == []
    assert sessions.viewers() == []
