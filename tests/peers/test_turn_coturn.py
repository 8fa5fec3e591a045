"""Pictures over the real coturn with every direct path shut: only relayed candidates are taken."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from edge.model.ice import IceServer
from edge.model.ice_link import link_of
from edge.model.sink import SinkKind, SinkSpec
from edge.rtc.connections import Connections
from edge.rtc.payload import PayloadCache
from edge.rtc.sessions import WhepSessions
from edge.rtc.whip_http import WhipHttp
from edge.rtc.whip_outputs import WhipOutputs
from edge.runtime.clock import SystemClock
from edge.vault.trust import trusting
from edge.vault.turn import time_limited
from tests.certificates import Authority, make_authority
from tests.coturn import PASSWORD, SECRET, USER, Coturn
from tests.edge.rtc.conftest import *  # noqa: F403 - the fixtures of a session: viewers, pictures, a clock
from tests.whip_ingest import WhipIngest

Url = Callable[[Coturn], str]
WAYS: dict[str, Url] = {
    "UDP": lambda coturn: f"turn:localhost:{coturn.port}",
    "TCP": lambda coturn: f"turn:localhost:{coturn.port}?transport=tcp",
    "TLS": lambda coturn: f"turns:localhost:{coturn.tls_port}?transport=tcp",
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def coturn(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Coturn]:
    with Coturn(tmp_path_factory.mktemp("coturn"), authority) as server:
        yield server


@pytest.fixture(scope="module")
def coturn_by_time(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Coturn]:
    with Coturn(tmp_path_factory.mktemp("coturn-time"), authority, time_limited=True) as server:
        yield server


def relayed(authority: Authority, servers: Sequence[IceServer]) -> Connections:
    return Connections(ice_servers=lambda: servers, relay_only=True, trust=trusting(authority.ca))


@contextlib.asynccontextmanager
async def sessions_over(feedback: Any, connections: Connections) -> AsyncIterator[WhepSessions]:
    sessions = WhepSessions(feedback={"main": feedback}, clock=SystemClock(), connections=connections)
    yield sessions
    await sessions.set_enabled(False)


async def watch(sessions: WhepSessions, viewer: Any, show: Any, playing: Any) -> None:
    _, answer = await sessions.offer("main", await viewer.offer())
    assert "typ relay" in answer
    assert "typ host" not in answer
    await viewer.accept(answer)
    playing(show.play(sessions.deliver))
    for _ in range(5):
        assert (await viewer.picture()).width == 320
    assert [one["route"] for one in sessions.viewers()] == ["relay"]


@pytest.mark.parametrize("way", WAYS)
async def test_viewer_is_reached_over_the_relay_alone(
    coturn, authority, make_viewer, show, playing, feedback, way: str
) -> None:
    connections = relayed(authority, [IceServer(WAYS[way](coturn), USER, PASSWORD)])
    async with sessions_over(feedback, connections) as sessions:
        await watch(sessions, make_viewer(), show, playing)


async def test_credentials_of_the_hour_are_taken(
    coturn_by_time, authority, make_viewer, show, playing, feedback
) -> None:
    user, credential = time_limited(SECRET, name="box", until_s=SystemClock().utc_ns() // 10**9 + 60)
    connections = relayed(authority, [IceServer(WAYS["TLS"](coturn_by_time), user, credential)])
    async with sessions_over(feedback, connections) as sessions:
        await watch(sessions, make_viewer(), show, playing)


@pytest.mark.parametrize("wrong", ["secret", "time"])
async def test_credentials_that_are_not_good_give_no_relay(
    coturn_by_time, authority, make_viewer, feedback, caplog, wrong: str
) -> None:
    until_s = 1_700_000_000 if wrong == "time" else SystemClock().utc_ns() // 10**9 + 60
    secret = "another" if wrong == "secret" else SECRET
    user, credential = time_limited(secret, name="box", until_s=until_s)
    connections = relayed(authority, [IceServer(WAYS["UDP"](coturn_by_time), user, credential)])
    async with sessions_over(feedback, connections) as sessions:
        _, answer = await sessions.offer("main", await make_viewer().offer())
    assert "a=candidate" not in answer
    assert "no relay: STUN transaction failed (401" in caplog.text
    assert credential not in caplog.text
    assert secret not in caplog.text


async def test_a_relay_whose_certificate_is_not_trusted_is_not_used(coturn, make_viewer, feedback, caplog) -> None:
    servers = [IceServer(WAYS["TLS"](coturn), USER, PASSWORD)]
    async with sessions_over(feedback, Connections(ice_servers=lambda: servers, relay_only=True)) as sessions:
        _, answer = await sessions.offer("main", await make_viewer().offer())
    assert "a=candidate" not in answer
    assert "certificate verify failed" in caplog.text


async def test_a_silent_server_hinders_no_other(coturn, authority, make_viewer, show, playing, feedback) -> None:
    with contextlib.closing(socket.socket(type=socket.SOCK_DGRAM)) as silent:
        silent.bind(("127.0.0.1", 0))
        nobody = IceServer(f"turn:127.0.0.1:{silent.getsockname()[1]}", USER, PASSWORD)
        servers = [
            nobody,
            IceServer(WAYS["UDP"](coturn), USER, PASSWORD),
            IceServer(WAYS["TCP"](coturn), USER, PASSWORD),
        ]
        async with sessions_over(feedback, relayed(authority, servers)) as sessions:
            await watch(sessions, make_viewer(), show, playing)
            _, answer = await sessions.offer("main", await make_viewer().offer())
    priorities = [int(line.split()[3]) for line in answer.splitlines() if line.startswith("a=candidate")]
    assert len(priorities) == 2
    assert priorities[0] > priorities[1], "UDP before TCP"


async def test_whip_goes_over_the_relay_alone(coturn, authority, feedback, show, playing, running, eventually) -> None:
    outputs = outputs_over(feedback, relayed(authority, [IceServer(WAYS["TLS"](coturn), USER, PASSWORD)]))
    running(outputs)
    async with WhipIngest() as ingest:
        outputs.apply([SinkSpec("hub", SinkKind.WHIP, ingest.url)])
        playing(show.play(outputs.deliver))
        assert (await ingest.picture()).width == 320
        await eventually(lambda: outputs.reports()[0]["detail"].get("route") == "relay")
        outputs.apply([])
        await eventually(lambda: len(ingest.ended) == 1)


async def test_whip_uses_the_relay_that_the_ingest_names_at_its_second_session_at_the_latest(
    coturn, authority, feedback, show, playing, running, eventually
) -> None:
    outputs = outputs_over(feedback, relayed(authority, []))
    running(outputs)
    async with WhipIngest(link=link_of(IceServer(WAYS["TCP"](coturn), USER, PASSWORD))) as ingest:
        outputs.apply([SinkSpec("hub", SinkKind.WHIP, ingest.url)])
        playing(show.play(outputs.deliver))
        await eventually(lambda: outputs.reports()[0]["detail"].get("route") == "relay")
        assert (await ingest.picture()).width == 320
        outputs.apply([])
        await eventually(lambda: len(ingest.ended) == 1)


def outputs_over(feedback: Any, connections: Connections) -> WhipOutputs:
    return WhipOutputs(
        feedback={"main": feedback},
        payloads=PayloadCache(),
        connections=connections,
        http=WhipHttp(),
        clock=SystemClock(),
    )


async def test_a_relay_that_died_holds_up_no_goodbye(
    authority, make_viewer, show, playing, feedback, tmp_path: Path
) -> None:
    with Coturn(tmp_path, authority) as server:
        connections = relayed(authority, [IceServer(WAYS["UDP"](server), USER, PASSWORD)])
        sessions = WhepSessions(feedback={"main": feedback}, clock=SystemClock(), connections=connections)
        await watch(sessions, make_viewer(), show, playing)
    async with asyncio.timeout(15):  # TURN itself tries for half a minute
        await sessions.set_enabled(False)
