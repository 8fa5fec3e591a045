"""Peer connections as the box makes them: its certificate, its ICE servers, H.264 alone."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from typing import Any

from aiortc import (
    RTCCertificate,
    RTCConfiguration,
    RTCIceTransportPolicy,
    RTCPeerConnection,
    RTCRtpCodecCapability,
    RTCRtpSender,
    RTCRtpTransceiver,
)

from edge.model.ice import IceServer
from edge.rtc.relays import Relays

_CIPHERS = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305:"
    b"ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA"
)
_CERTIFICATES = "_RTCPeerConnection__certificates"


class Connections:
    """`ice_servers` is asked for each connection, since credentials expire. `relay_only`: by TURN or not at all.

    Without a certificate each connection has one of its own. `trust` is for TURN over TLS.
    """

    def __init__(
        self,
        *,
        ice_servers: Callable[[], Sequence[IceServer]] = tuple,
        relay_only: bool = False,
        certificate: RTCCertificate | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._ice_servers = ice_servers
        self._policy = RTCIceTransportPolicy.RELAY if relay_only else RTCIceTransportPolicy.ALL
        self._certificate = certificate
        self._relays = Relays(trust=trust)

    def make(self) -> RTCPeerConnection:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[], iceTransportPolicy=self._policy))
        if self._certificate is not None:
            setattr(connection, _CERTIFICATES, [self._certificate])
        return connection

    def equip(self, transceiver: RTCRtpTransceiver, *, further: Sequence[IceServer] = ()) -> None:
        """Prefer H.264 and reach outside, over the `further` servers too. Before its description is set."""
        transceiver.setCodecPreferences(h264_only())
        self._relays.equip(ice_of(transceiver), (*self._ice_servers(), *further))

    async def add_relays(self, transceiver: RTCRtpTransceiver, servers: Sequence[IceServer]) -> None:
        """Those that the other side named. Before the answer is set."""
        await self._relays.add(ice_of(transceiver), servers)


def certificate_of(key: Any, certificate: Any) -> RTCCertificate:
    """Of cryptography's own objects, which only edge/vault makes."""
    return _Certificate(key=key, cert=certificate)


class _Certificate(RTCCertificate):
    """Takes peers whose certificate is RSA too, as GStreamer's is; aiortc alone wants ECDSA on both sides."""

    def _create_ssl_context(self, srtp_profiles: list[Any]) -> Any:
        context = super()._create_ssl_context(srtp_profiles)
        context.set_cipher_list(_CIPHERS)
        return context


def ice_of(transceiver: RTCRtpTransceiver) -> Any:
    """The aioice Connection below it."""
    return transceiver.sender.transport.transport._connection


def route_of(transceiver: RTCRtpTransceiver) -> str:
    """`host`, `srflx`, `prflx` or `relay`: our end of the path in use; empty before there is one."""
    pair = ice_of(transceiver)._nominated.get(1)
    return "" if pair is None else str(pair.local_candidate.type)


def h264_only() -> list[RTCRtpCodecCapability]:
    """H.264, Constrained Baseline first, and retransmission."""
    codecs = RTCRtpSender.getCapabilities("video").codecs
    h264 = [codec for codec in codecs if codec.mimeType == "video/H264"]
    rtx = [codec for codec in codecs if codec.mimeType == "video/rtx"]
    return sorted(h264, key=lambda codec: codec.parameters["profile-level-id"] != "42e01f") + rtx
