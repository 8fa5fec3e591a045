"""Receivers that call us: each accepted connection becomes a sink of its own."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from edge.model.errors import Busy, Invalid, PeerGone
from edge.model.sink import SinkSpec
from edge.ports import Outlet
from edge.runtime.component import Context
from edge.sinks.libsrt import ACCEPT, Libsrt, Option, SocketState
from edge.sinks.sockaddr import unpack
from edge.sinks.srt import ReceiverSink, latency_detail, security, srt_options
from edge.sinks.srt_latency import fitting_latency_ms
from edge.sinks.srt_sender import Ceiling, OnFeedback, no_ceiling, to_nobody
from edge.sinks.srt_socket import accepted, listening
from edge.sinks.srt_url import AUTOMATIC, SrtMode, parse_srt_url, where

_LOG = logging.getLogger(__name__)
RECEIVER_LIMIT = 16
_TICK_S = 0.2
_HOSTS = 256
_LOG_EVERY_S = 60.0
_REJECT_OVERLOAD = 1402  # SRT_REJX_OVERLOAD, access_control.h
_UNDECIDED = (SocketState.INIT, SocketState.OPENED, SocketState.CONNECTING, SocketState.CONNECTED)
_FULL = "all places for receivers are taken"
_NO_PASSPHRASE = "the handshake failed: passphrase missing or wrong"  # noqa: S105 - a sentence, no secret
_UNEXPECTED = "the handshake failed: a passphrase where none is set"


class SrtListener:
    """Accepts up to `limit` receivers and attaches each to `outlet` as `{spec.name}/{peer}`.

    `work` is a blocking component's body. It raises Missing, Busy (`port_in_use`) and
    Unavailable (`host_not_found`); it ends within a tick of being asked to, with every receiver
    detached. libsrt itself checks the passphrase. Each receiver's LinkReports go to `on_feedback`.
    """

    def __init__(
        self,
        *,
        spec: SinkSpec,
        outlet: Outlet,
        libsrt: Libsrt | None = None,
        limit: int = RECEIVER_LIMIT,
        now_s: Callable[[], float] = time.monotonic,
        on_feedback: OnFeedback = to_nobody,
        ceiling_bps: Ceiling = no_ceiling,
    ) -> None:
        """Raises Invalid for a wrong URL or passphrase, and for a caller's URL."""
        self.name = spec.name
        self._role = spec.role
        self._on_feedback = on_feedback
        self._ceiling_bps = ceiling_bps
        self._address = parse_srt_url(spec.url)
        if self._address.mode is not SrtMode.LISTENER:
            raise Invalid(f"SRT address: {spec.name!r} listens, mode {self._address.mode.value!r} does not fit")
        self._options = srt_options(spec, self._address)
        self._outlet = outlet
        self._libsrt = libsrt or Libsrt()
        self._limit = limit
        self._now_s = now_s
        self._sinks: dict[int, ReceiverSink] = {}
        self._attempts: deque[tuple[int, str]] = deque(maxlen=256)
        self._trips_ms: dict[str, float] = {}
        self._rejected = 0
        self._last_reason = ""
        self._logged_s: float | None = None

    def work(self, ctx: Context) -> None:
        listener = listening(self._libsrt, self._address.host, self._address.port, self._options, backlog=self._limit)
        try:
            self._libsrt.on_attempt(listener, self._on_attempt)
            poll = self._libsrt.watch(listener)
            ctx.ready()
            while not ctx.stopping:
                self._libsrt.wait(poll, _TICK_S)
                self._tick(listener)
                ctx.progress()
            self._libsrt.unwatch(poll)
        finally:
            self._libsrt.close(listener)
            self._let_go(tuple(self._sinks))

    def receivers(self) -> tuple[ReceiverSink, ...]:
        """Those connected now, in order of arrival. Any thread."""
        return tuple(self._sinks.values())

    def detail(self) -> Mapping[str, Any]:
        """For the status document. `rejected` counts since the process began."""
        return {
            "mode": SrtMode.LISTENER.value,
            "address": self._address.where,
            "adapter": self._options.adapter,
            **latency_detail(self._options),
            **security(encrypted=bool(self._options.passphrase)),
            "receivers": len(self._sinks),
            "receiver_limit": self._limit,
            "rejected": self._rejected,
            "last_rejection": self._last_reason,
        }

    def _on_attempt(self, attempt: int, sockaddr: bytes, _stream_id: str) -> int:
        """In libsrt's thread."""
        host, port = unpack(sockaddr)
        self._attempts.append((attempt, where(host, port)))
        if len(self._sinks) >= self._limit:
            return self._libsrt.refuse(attempt, _REJECT_OVERLOAD)
        if self._options.latency_ms == AUTOMATIC and host in self._trips_ms:
            self._libsrt.set_int(attempt, Option.PEERLATENCY, fitting_latency_ms(self._trips_ms[host]))
        return ACCEPT

    def _tick(self, listener: int) -> None:
        for sink in self._sinks.values():
            self._remember(sink)
        self._let_go(tuple(n for n, sink in self._sinks.items() if not sink.connection.connected))
        arrived = set()
        while (number := self._libsrt.accept(listener)) is not None:
            arrived.add(number)
            self._welcome(number)
        for _ in range(len(self._attempts)):
            attempt, peer = self._attempts.popleft()
            if attempt not in arrived:
                self._judge(attempt, peer)

    def _welcome(self, number: int) -> None:
        if len(self._sinks) >= self._limit:
            self._libsrt.close(number)
            return
        try:
            connection = accepted(self._libsrt, number)
        except PeerGone:
            return
        sink = ReceiverSink(
            name=self._free_name(connection.peer),
            connection=connection,
            role=self._role,
            on_feedback=self._on_feedback,
            ceiling_bps=self._ceiling_bps,
        )
        try:
            self._outlet.attach(sink)
        except Busy as error:
            _LOG.warning("%s: receiver %s turned away: %s", self.name, connection.peer, error)
            sink.close()
            return
        self._sinks[number] = sink
        _LOG.info("%s: receiver %s connected", self.name, connection.peer)

    def _free_name(self, peer: str) -> str:
        taken = {sink.name for sink in self._sinks.values()}
        name, turn = f"{self.name}/{peer}", 1
        while name in taken:
            turn += 1
            name = f"{self.name}/{peer}#{turn}"
        return name

    def _let_go(self, numbers: tuple[int, ...]) -> None:
        for number in numbers:
            self._libsrt.close(number)  # first, so that no thread of theirs still waits in a send
        for number in numbers:
            sink = self._sinks.pop(number)
            self._outlet.detach(sink.name)
            sink.close()
            _LOG.info("%s: receiver %s left", self.name, sink.connection.peer)

    def _remember(self, sink: ReceiverSink) -> None:
        """How far away its host is, for that host's next connection."""
        if sink.shortest_rtt_ms is not None:
            self._trips_ms[sink.connection.host] = sink.shortest_rtt_ms
            if len(self._trips_ms) > _HOSTS:
                self._trips_ms.pop(next(iter(self._trips_ms)))

    def _judge(self, attempt: int, peer: str) -> None:
        """libsrt does not tell a listener why it refused, only that the attempt came to nothing."""
        if self._libsrt.state(attempt) in _UNDECIDED:
            self._attempts.append((attempt, peer))
            return
        self._rejected += 1
        if len(self._sinks) >= self._limit:
            self._last_reason = _FULL
        else:
            self._last_reason = _NO_PASSPHRASE if self._options.passphrase else _UNEXPECTED
        now_s = self._now_s()
        if self._logged_s is None or now_s - self._logged_s >= _LOG_EVERY_S:
            self._logged_s = now_s
            _LOG.warning("%s: refused %s: %s (%d so far)", self.name, peer, self._last_reason, self._rejected)
