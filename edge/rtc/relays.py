"""How the outside reaches a connection: reflexive and relayed candidates of every STUN and TURN server.

aiortc asks one server of each kind, waits five seconds for one that is silent, and trusts the system's authorities
alone. So it is given none, and its ICE connection is told of more candidates here, as it gathers its own.
Read against aioice 0.13.0; `tests/peers/test_turn_coturn.py` holds what is reached into to its behaviour.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import ssl
from collections.abc import Sequence
from typing import Any

from aioice.ice import StunProtocol, TransportPolicy, relayed_candidate, server_reflexive_candidate
from aioice.stun import TransactionError

from edge.model.ice import IceAddress, IceServer
from edge.runtime.log import OutageLog

_LOG = logging.getLogger(__name__)
_BAD = (OSError, TransactionError, ValueError, LookupError)  # unreachable, refused, no name, nonsense
_PATIENCE_S = 5.0
_GRACE_S = 0.5  # for the other servers, once one has answered
_LESS_FOR_TCP = 1 << 8  # of a candidate's priority: UDP is taken where it passes
_LESS_FOR_TLS = 2 << 8


class Relays:
    """Adds to the candidates of a connection what its servers give it. A silent server costs half a second at most
    where another one answers, five where none does."""

    def __init__(self, *, trust: ssl.SSLContext | None = None) -> None:
        self._trust = trust
        self._outages: dict[str, OutageLog] = {}

    def equip(self, ice: Any, servers: Sequence[IceServer]) -> None:
        """`ice` is an aioice Connection that has not gathered yet; the last call holds."""
        own = functools.partial(type(ice).get_component_candidates, ice)

        async def get_component_candidates(component: int, addresses: list[str], timeout: int = 5) -> list[Any]:
            candidates = list(await own(component, addresses, timeout))
            return candidates + await self._ask(ice, servers)

        ice.get_component_candidates = get_component_candidates

    async def add(self, ice: Any, servers: Sequence[IceServer]) -> None:
        """More, for a connection that does not connect yet; the other side learns of them by its checks."""
        ice._local_candidates += await self._ask(ice, [server for server in servers if server.address.relays])

    async def _ask(self, ice: Any, servers: Sequence[IceServer]) -> list[Any]:
        relays = [server for server in servers if server.address.relays]
        asked = [asyncio.ensure_future(self._relayed(ice, server)) for server in relays]
        asked += [
            asyncio.ensure_future(_reflexive(protocol, server))
            for server in servers
            if not server.address.relays
            for protocol in ice._protocols
            if _is_ipv4_host(protocol)
        ]
        try:
            await _some(asked, enough=asked[: len(relays)] or asked)
        finally:
            for one in asked:
                one.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        return [one.result() for one in asked if not one.cancelled() and one.result() is not None]

    async def _relayed(self, ice: Any, server: IceServer) -> Any:
        address = server.address
        outage = self._outages.setdefault(server.url, OutageLog(_LOG, server.url))
        try:
            candidate, protocol = await relayed_candidate(
                component=1,
                hide_related_address=ice._transport_policy == TransportPolicy.RELAY,
                protocol_factory=lambda: StunProtocol(ice),
                turn_server=(address.host, address.port),
                turn_username=server.user,
                turn_password=server.credential,
                turn_ssl=(self._trust or True) if address.tls else False,  # type: ignore[arg-type]  # handed to asyncio
                turn_transport=address.transport,
            )
        except _BAD as error:
            outage.failed(f"no relay: {error or type(error).__name__}")
            return None
        outage.recovered()
        candidate.priority -= _less(address)
        ice._protocols.append(protocol)
        return candidate


async def _reflexive(protocol: Any, server: IceServer) -> Any:
    address = server.address
    with contextlib.suppress(*_BAD):
        candidate, _ = await server_reflexive_candidate(protocol, (address.host, address.port))
        return candidate
    return None


async def _some(asked: Sequence[asyncio.Future[Any]], *, enough: Sequence[asyncio.Future[Any]]) -> None:
    """Until all have answered; shortly after one of `enough` has had a good answer."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _PATIENCE_S
    pending = set(asked)
    while pending and loop.time() < until:
        _, pending = await asyncio.wait(pending, timeout=until - loop.time(), return_when=asyncio.FIRST_COMPLETED)
        if any(one.done() and one.result() is not None for one in enough):
            until = min(until, loop.time() + _GRACE_S)


def _is_ipv4_host(protocol: Any) -> bool:
    candidate = protocol.local_candidate
    return candidate is not None and candidate.type == "host" and ":" not in candidate.host


def _less(address: IceAddress) -> int:
    if address.tls:
        return _LESS_FOR_TLS
    return _LESS_FOR_TCP if address.transport == "tcp" else 0
