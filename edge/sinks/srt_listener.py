"""Receivers that call us: each accepted connection becomes a sink of its own."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edge.model.errors import Busy, Invalid, PeerGone
from edge.model.sink import SinkSpec
from edge.runtime.component import Context
from edge.sinks.libsrt import ACCEPT, Libsrt, Option, SocketState
from edge.sinks.sockaddr import unpack
from edge.sinks.srt import ReceiverSink, latency_detail, security, srt_options
from edge.sinks.srt_door import OVERLOAD, Guest, Refusal, SrtDoor
from edge.sinks.srt_latency import fitting_latency_ms
from edge.sinks.srt_sender import Outflow
from edge.sinks.srt_socket import SrtSocket, accepted, listening
from edge.sinks.srt_url import AUTOMATIC, SrtMode, parse_srt_url, where

_LOG = logging.getLogger(__name__)
RECEIVER_LIMIT = 16
_TICK_S = 0.2
_HOSTS = 256
_LOG_EVERY_S = 60.0
_UNDECIDED = (SocketState.INIT, SocketState.OPENED, SocketState.CONNECTING, SocketState.CONNECTED)
_FULL = "all places for receivers are taken"
_NO_PASSPHRASE = "the handshake failed: passphrase missing or wrong"  # noqa: S105 - a sentence, no secret
_UNEXPECTED = "the handshake failed: a passphrase where none is set"


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A handshake that was begun. `reason`: what a failure of it means."""

    number: int
    peer: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Receiver:
    sink: ReceiverSink
    outflow: Outflow


class SrtListener:
    """Accepts up to `limit` receivers and attaches each to `outflow` as `{spec.name}/{peer}`.

    `work` is a blocking component's body. It raises Missing, Busy (`port_in_use`) and
    Unavailable (`host_not_found`, `adapter_missing`); it ends within a tick of being asked to, with every receiver
    detached. The stream id says who calls, libsrt itself checks the passphrase that goes with it. `further`: by rung
    where those peers go that have one of their own.
    """

    def __init__(
        self,
        *,
        spec: SinkSpec,
        outflow: Outflow,
        further: Mapping[str, Outflow] | None = None,
        libsrt: Libsrt | None = None,
        limit: int = RECEIVER_LIMIT,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises Invalid for a wrong URL or passphrase, and for a caller's URL."""
        self.name = spec.name
        self._spec = spec
        self._address = parse_srt_url(spec.url)
        if self._address.mode is not SrtMode.LISTENER:
            raise Invalid(f"SRT address: {spec.name!r} listens, mode {self._address.mode.value!r} does not fit")
        self._options = srt_options(spec, self._address)
        self._door = SrtDoor(spec)
        self._outflow = outflow
        self._further = further or {}
        self._libsrt = libsrt or Libsrt()
        self._limit = limit
        self._now_s = now_s
        self._receivers: dict[int, _Receiver] = {}
        self._attempts: deque[_Attempt] = deque(maxlen=256)
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
            self._let_go(tuple(self._receivers))

    def receivers(self) -> tuple[ReceiverSink, ...]:
        """Those connected now, in order of arrival. Any thread."""
        return tuple(receiver.sink for receiver in tuple(self._receivers.values()))

    def detail(self) -> Mapping[str, Any]:
        """For the status document. `rejected` counts since the process began."""
        return {
            "mode": SrtMode.LISTENER.value,
            "address": self._address.where,
            "adapter": self._options.adapter,
            **latency_detail(self._options),
            **security(encrypted=self._spec.secured),
            "peers": [peer.name for peer in self._spec.peers],
            "receivers": len(self._receivers),
            "receiver_limit": self._limit,
            "rejected": self._rejected,
            "last_rejection": self._last_reason,
        }

    def _on_attempt(self, number: int, sockaddr: bytes, stream_id: str) -> int:
        """In libsrt's thread."""
        host, port = unpack(sockaddr)
        verdict = self._verdict(stream_id)
        if isinstance(verdict, Refusal):
            self._attempts.append(_Attempt(number, where(host, port), verdict.sentence))
            return self._libsrt.refuse(number, verdict.number)
        self._attempts.append(_Attempt(number, where(host, port), self._failure_of(verdict)))
        if verdict.passphrase:
            self._libsrt.set_text(number, Option.PASSPHRASE, verdict.passphrase)
            self._libsrt.set_int(number, Option.PBKEYLEN, self._options.key_bytes)
        if self._options.latency_ms == AUTOMATIC and host in self._trips_ms:
            self._libsrt.set_int(number, Option.PEERLATENCY, fitting_latency_ms(self._trips_ms[host]))
        return ACCEPT

    def _verdict(self, stream_id: str) -> Guest | Refusal:
        if len(self._receivers) >= self._limit:
            return Refusal(OVERLOAD, _FULL)
        return self._door.judge(stream_id)

    def _failure_of(self, guest: Guest) -> str:
        """libsrt does not tell a listener why it refused, only that the attempt came to nothing."""
        if guest.name:
            return f"peer {guest.name!r}: {_NO_PASSPHRASE}"
        return _NO_PASSPHRASE if self._options.passphrase else _UNEXPECTED

    def _tick(self, listener: int) -> None:
        for receiver in self._receivers.values():
            self._remember(receiver.sink)
        self._let_go(tuple(n for n, one in self._receivers.items() if not one.sink.connection.connected))
        arrived = set()
        while (number := self._libsrt.accept(listener)) is not None:
            arrived.add(number)
            self._welcome(number)
        for _ in range(len(self._attempts)):
            attempt = self._attempts.popleft()
            if attempt.number not in arrived:
                self._judge(attempt)

    def _welcome(self, number: int) -> None:
        if len(self._receivers) >= self._limit:
            self._libsrt.close(number)
            return
        try:
            connection = accepted(self._libsrt, number)
        except PeerGone:
            return
        receiver = self._receiver(connection)
        try:
            receiver.outflow.outlet.attach(receiver.sink)
        except Busy as error:
            _LOG.warning("%s: receiver %s turned away: %s", self.name, connection.peer, error)
            receiver.sink.close()
            return
        self._receivers[number] = receiver
        _LOG.info("%s: receiver %s connected", self.name, receiver.sink.who)

    def _receiver(self, connection: SrtSocket) -> _Receiver:
        verdict = self._door.judge(connection.stream_id)
        peer = verdict.peer if isinstance(verdict, Guest) else None
        rung = peer.rung if peer else ""
        outflow = self._further.get(rung, self._outflow)
        sink = ReceiverSink(
            name=self._free_name(connection.peer),
            connection=connection,
            outflow=outflow,
            role=peer.role if peer else self._spec.role,
            user=peer.name if peer else "",
            rung=rung or self._spec.rung,
        )
        return _Receiver(sink, outflow)

    def _free_name(self, peer: str) -> str:
        taken = {receiver.sink.name for receiver in self._receivers.values()}
        name, turn = f"{self.name}/{peer}", 1
        while name in taken:
            turn += 1
            name = f"{self.name}/{peer}#{turn}"
        return name

    def _let_go(self, numbers: tuple[int, ...]) -> None:
        for number in numbers:
            self._libsrt.close(number)  # first, so that no thread of theirs still waits in a send
        for number in numbers:
            receiver = self._receivers.pop(number)
            receiver.outflow.outlet.detach(receiver.sink.name)
            receiver.sink.close()
            _LOG.info("%s: receiver %s left", self.name, receiver.sink.who)

    def _remember(self, sink: ReceiverSink) -> None:
        """How far away its host is, for that host's next connection."""
        if sink.shortest_rtt_ms is not None:
            self._trips_ms[sink.connection.host] = sink.shortest_rtt_ms
            if len(self._trips_ms) > _HOSTS:
                self._trips_ms.pop(next(iter(self._trips_ms)))

    def _judge(self, attempt: _Attempt) -> None:
        if self._libsrt.state(attempt.number) in _UNDECIDED:
            self._attempts.append(attempt)
            return
        self._rejected += 1
        self._last_reason = attempt.reason
        now_s = self._now_s()
        if self._logged_s is None or now_s - self._logged_s >= _LOG_EVERY_S:
            self._logged_s = now_s
            _LOG.warning("%s: refused %s: %s (%d so far)", self.name, attempt.peer, attempt.reason, self._rejected)
