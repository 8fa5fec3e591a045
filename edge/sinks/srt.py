"""SRT outputs: one we call ourselves, and one over a connection that a receiver opened to us."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from edge.model.errors import EdgeError, Invalid, PeerGone, Unavailable
from edge.model.feedback import LinkReport, Role
from edge.model.frame import AccessUnit
from edge.model.sink import SinkSpec
from edge.model.video import StreamFormat
from edge.sinks.errors import PeerLeft
from edge.sinks.libsrt import Libsrt
from edge.sinks.sockaddr import resolve
from edge.sinks.srt_latency import LEAST_MS, fitting_latency_ms, probe_rtt_ms
from edge.sinks.srt_sender import Ceiling, OnFeedback, Outflow, SrtSender, no_ceiling, to_nobody
from edge.sinks.srt_socket import AES_256_BYTES, SrtOptions, SrtSocket, dial, prepare_probe
from edge.sinks.srt_url import AUTOMATIC, SrtAddress, SrtMode, parse_srt_url


def srt_options(spec: SinkSpec, address: SrtAddress) -> SrtOptions:
    """What was asked for; the URL's own latency and stream id go first. Raises Invalid (`range` for the latency)."""
    return SrtOptions(
        latency_ms=spec.latency_ms if address.latency_ms is None else address.latency_ms,
        stream_id=spec.stream_id if address.stream_id is None else address.stream_id,
        passphrase=spec.passphrase,
        key_bytes=address.key_bytes or AES_256_BYTES,
        adapter=address.adapter,
        local_port=address.local_port,
        rendezvous=address.mode is SrtMode.RENDEZVOUS,
    )


class SrtSink:
    """A sink that calls a listening receiver or meets one that calls us, and does so again whenever it is opened again.

    `open` blocks for about 4 s at most and raises TimedOut, PeerGone (code `wrong_passphrase`
    where it is that) or Missing; while connected it does nothing, so that a new epoch goes on
    in the same connection. `write` blocks for about 1 s at most and raises PeerGone, TimedOut;
    while it sends, `on_feedback` gets a LinkReport about every 100 ms, in the sink's thread.
    """

    def __init__(
        self,
        *,
        spec: SinkSpec,
        libsrt: Libsrt | None = None,
        on_feedback: OnFeedback = to_nobody,
        ceiling_bps: Ceiling = no_ceiling,
    ) -> None:
        """Raises Invalid for a wrong URL or passphrase, and for a listener's URL."""
        self.name = spec.name
        self._role = spec.role
        self._address = parse_srt_url(spec.url)
        if self._address.mode is SrtMode.LISTENER:
            raise Invalid(f"SRT address: sink {spec.name!r} calls, mode 'listener' does not fit")
        self._options = srt_options(spec, self._address)
        self._libsrt = libsrt or Libsrt()
        self._on_feedback = on_feedback
        self._ceiling_bps = ceiling_bps
        self._rtt_ms: float | None = None  # as the connection before found it
        self._sender: SrtSender | None = None

    def open(self, format: StreamFormat) -> None:
        if self._sender is not None and self._sender.connection.connected:
            return
        self.close()
        connection = dial(self._libsrt, self._address.host, self._address.port, self._fitted())
        self._sender = SrtSender(
            sink=self.name,
            role=self._role,
            connection=connection,
            on_feedback=self._on_feedback,
            ceiling_bps=self._ceiling_bps,
        )

    def write(self, unit: AccessUnit) -> None:
        if self._sender is None:
            raise PeerGone(f"SRT {self._address.where}: not connected")
        self._sender.write(unit)

    def close(self) -> None:
        if self._sender is not None:
            self._rtt_ms = self._sender.shortest_rtt_ms
            self._sender.close()

    def detail(self) -> Mapping[str, Any]:
        """Before the first connection, latency is the wished one and encryption what is configured."""
        return {
            "mode": self._address.mode.value,
            "peer": self._address.where,
            **latency_detail(self._options),
            "stream_id": self._options.stream_id,
            "adapter": self._options.adapter,
            **security(encrypted=bool(self._options.passphrase)),
            **_live_detail(self._sender),
        }

    def _fitted(self) -> SrtOptions:
        """With the latency that the path needs, by the round trip that it has now or had before."""
        if self._options.latency_ms != AUTOMATIC:
            return self._options
        trips_ms = [self._rtt_ms] if self._options.rendezvous else [self._rtt_ms, self._probed_rtt_ms()]
        longest_ms = max((trip for trip in trips_ms if trip is not None), default=None)
        return replace(self._options, latency_ms=fitting_latency_ms(longest_ms))

    def _probed_rtt_ms(self) -> float | None:
        peer = resolve(self._address.host, self._address.port)
        return probe_rtt_ms(peer, prepare=functools.partial(prepare_probe, options=self._options))


class ReceiverSink:
    """A sink over an accepted connection. Every error is PeerLeft: nothing here can be opened again.

    `user`: the peer that it is by its stream id, empty for anybody.
    """

    def __init__(
        self,
        *,
        name: str,
        connection: SrtSocket,
        outflow: Outflow,
        role: Role = Role.OBSERVER,
        user: str = "",
        rung: str = "",
    ) -> None:
        self.name = name
        self.connection = connection
        self._who = {"user": user, "role": role.value, "rung": rung}
        self._sender = SrtSender(
            sink=name,
            role=role,
            connection=connection,
            on_feedback=outflow.on_feedback,
            ceiling_bps=outflow.ceiling_bps,
        )

    @property
    def who(self) -> str:
        """For the log: its address, and its name where it has one."""
        user = self._who["user"]
        return f"{self.connection.peer} ({user})" if user else self.connection.peer

    @property
    def shortest_rtt_ms(self) -> float | None:
        """Of the last 30 s of sending; None until there is one. Any thread."""
        return self._sender.shortest_rtt_ms

    def open(self, format: StreamFormat) -> None:
        if not self.connection.connected:
            raise PeerLeft(f"SRT receiver {self.connection.peer} has left")

    def write(self, unit: AccessUnit) -> None:
        try:
            self._sender.write(unit)
        except Unavailable as error:
            raise PeerLeft(f"SRT receiver {self.connection.peer} has left: {error}") from error

    def close(self) -> None:
        self._sender.close()

    def detail(self) -> Mapping[str, Any]:
        return {
            "mode": SrtMode.LISTENER.value,
            "peer": self.connection.peer,
            "stream_id": self.connection.stream_id,
            **self._who,
            **security(encrypted=False),
            **_live_detail(self._sender),
        }


def latency_detail(options: SrtOptions) -> Mapping[str, Any]:
    """What is wished for: of an automatic latency the least."""
    return {"latency_ms": options.latency_ms or LEAST_MS, "latency_auto": options.latency_ms == AUTOMATIC}


def security(*, encrypted: bool, cipher: str = "") -> Mapping[str, bool | str]:
    """SRT's AES-CTR hides the picture, and does not show that somebody changed it; AES-GCM does.

    `cipher` is empty before it is agreed and without encryption.
    """
    return {"encrypted": encrypted, "authenticated": cipher.endswith("gcm"), "cipher": cipher}


def _live_detail(sender: SrtSender | None) -> Mapping[str, Any]:
    """What only an open connection knows; nothing once it is closed."""
    if sender is not None:
        with contextlib.suppress(EdgeError):
            return {
                "latency_ms": sender.connection.latency_ms,
                "latency_needed_ms": _needed_ms(sender.shortest_rtt_ms),
                **security(encrypted=sender.connection.encrypted, cipher=sender.connection.cipher),
                "stats": asdict(sender.connection.stats()),
                "link": _link(sender.last_report),
            }
    return {}


def _needed_ms(rtt_ms: float | None) -> int | None:
    return None if rtt_ms is None else fitting_latency_ms(rtt_ms)


def _link(report: LinkReport | None) -> Mapping[str, Any] | None:
    """As a LinkReport calls it, without what the output says itself."""
    if report is None:
        return None
    return {name: value for name, value in asdict(report).items() if name not in ("sink", "role", "limit_bps")}
