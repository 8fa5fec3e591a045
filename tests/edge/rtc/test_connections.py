from __future__ import annotations

from pathlib import Path

import pytest
from aioice import stun
from aiortc import RTCPeerConnection

from edge.model.ice import IceServer
from edge.rtc.connections import Connections, certificate_of, route_of
from edge.vault.dtls import DtlsIdentity


async def offer_of(connections: Connections) -> str:
    connection = connections.make()
    connections.equip(connection.addTransceiver("video", direction="sendonly"))
    try:
        await connection.setLocalDescription()
        return connection.localDescription.sdp
    finally:
        await connection.close()


async def test_the_boxs_own_certificate_is_the_one_in_the_sdp(tmp_path: Path) -> None:
    identity = DtlsIdentity.load_or_create(tmp_path / "dtls.pem")
    connections = Connections(certificate=certificate_of(identity.key, identity.certificate))
    for _ in range(2):
        assert f"a=fingerprint:sha-256 {identity.fingerprint}\r\n" in await offer_of(connections)


async def test_without_one_each_connection_has_its_own() -> None:
    first, second = [
        next(line for line in (await offer_of(Connections())).splitlines() if line.startswith("a=fingerprint:sha-256"))
        for _ in range(2)
    ]
    assert first != second


async def test_no_server_of_strangers_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(stun.Transaction, "run", lambda self: asked.append(self))
    await offer_of(Connections())
    assert asked == []


async def test_relay_only_without_a_relay_gives_no_address_away() -> None:
    assert "a=candidate" not in await offer_of(Connections(relay_only=True))


async def test_a_server_that_nobody_can_ask_hinders_nothing() -> None:
    servers = (IceServer("turn:127.0.0.1:1?transport=tcp", "a", "b"), IceServer("turn:name.invalid:1", "a", "b"))
    assert "typ host" in await offer_of(Connections(ice_servers=lambda: servers))


async def test_there_is_no_route_before_there_is_a_path() -> None:
    connection: RTCPeerConnection = Connections().make()
    assert route_of(connection.addTransceiver("video")) == ""
    await connection.close()
