"""One MQTT connection, with paho as the packet engine and nothing more. The only file that knows paho.

Connecting, keepalive, reconnecting, durability and order are ours (docs/contracts/mqtt.md says why): paho
turns calls into packets and packets into callbacks, over a wire of ours, in the event loop, without a thread.
MQTT 5; with a broker that refuses it 3.1.1, where properties fall away and the contract still holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge.link.connack import PACKET_TOO_LARGE, SESSION_TAKEN_OVER, UNSUPPORTED_VERSION, lacking, refusal
from edge.link.heartbeat import Heartbeat
from edge.link.tls_refusals import handshake_cut, tls_refusal
from edge.link.wire import Wire, dial, is_loopback
from edge.model.errors import Forbidden, PeerGone, Unavailable

_T = TypeVar("_T")
RECEIVE_MAXIMUM = 16
MAX_PACKET_BYTES = 256 << 10
SESSION_EXPIRY_S = 86_400
KEEPALIVE_S = 30
WILL_DELAY_S = 10
_ANSWER_S = 10.0
_GOODBYE_S = 1.0
_REFUSAL_S = 0.05
_UNHURRIED_BYTES = 64 << 10  # with more than this not sent yet, what nobody will miss is not sent at all
_HEAD_BYTES = 16  # of a PUBLISH, at most: fixed header, topic's length, mid, the one property that we use


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is. Without TLS only an address of this machine will do."""

    host: str
    port: int
    tls: ssl.SSLContext | None = field(default=None, repr=False)

    @property
    def where(self) -> str:
        """HOST:PORT, for people."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says for us when we are gone for 10 s (QoS 1, retained)."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """Something received. One with `qos` 1 stays ours until `Engine.acknowledge`."""

    topic: str
    payload: bytes = field(repr=False)
    qos: int
    retain: bool
    mid: int


@dataclass(slots=True)
class Dialect:
    """The MQTT that a broker speaks: 5 until it refuses that, then 4 (3.1.1). Outlives connections."""

    version: MQTTProtocolVersion = mqtt.MQTTv5


class Engine:
    """One connection, used once: `connect`, then the rest, then `close`.

    `inbox` holds what arrives, in order; while 4 times `receive_maximum` wait in it, no more is taken from the
    network. Each message is acknowledged, also those of QoS 0. At most min(`receive_maximum`, the broker's Receive
    Maximum) QoS 1 messages of ours are unacknowledged at a time: `publish` waits for its turn.
    """

    def __init__(
        self,
        *,
        client_id: str,
        broker: Broker,
        will: Will | None = None,
        clean: bool = False,
        keepalive_s: int = KEEPALIVE_S,
        receive_maximum: int = RECEIVE_MAXIMUM,
        dialect: Dialect | None = None,
    ) -> None:
        self._broker = broker
        self._clean = clean
        self._keepalive_s = keepalive_s
        self._receive_maximum = receive_maximum
        self._will = will
        self._client_id = client_id
        self._dialect = dialect or Dialect()
        self._client: mqtt.Client | None = None
        self._wire: Wire | None = None
        self._heartbeat: Heartbeat | None = None
        self._loop = asyncio.get_running_loop()
        self._connected: asyncio.Future[bool] = self._loop.create_future()
        self._lost: asyncio.Future[Unavailable | Forbidden] = self._loop.create_future()
        self._unacked: dict[int, tuple[asyncio.Future[int], float]] = {}
        self._subscribing: dict[int, asyncio.Future[Sequence[int]]] = {}
        self._turn = asyncio.Semaphore(receive_maximum)
        self._max_packet_bytes = MAX_PACKET_BYTES
        self.inbox: asyncio.Queue[Message] = asyncio.Queue()

    async def connect(self) -> bool:
        """Whether the broker kept our session. Raises PeerGone, Forbidden (refused, or plain to a distant broker)."""
        if self._broker.tls is None and not is_loopback(self._broker.host):
            raise Forbidden(f"{self._broker.host} is not this machine: MQTT there needs TLS", code="tls_required")
        try:
            async with asyncio.timeout(_ANSWER_S):
                return await self._introduce()
        except TimeoutError:
            raise PeerGone(f"{self._where} did not answer within {_ANSWER_S:g} s") from None

    async def lost(self) -> Unavailable | Forbidden:
        """Wait until the connection is gone, and say why."""
        return await asyncio.shield(self._lost)

    async def subscribe(self, *topics: str, retain_as_published: bool = True) -> None:
        """QoS 1; `Message.retain` is what the publisher set, or else marks what the broker had kept; with 3.1.1 always.

        Raises PeerGone, Forbidden when the broker will not.
        """
        options: Any = SubscribeOptions(qos=1, retainAsPublished=retain_as_published) if self._speaks_5 else 1
        code, mid = self._live().subscribe([(topic, options) for topic in topics])
        if code is not MQTTErrorCode.MQTT_ERR_SUCCESS or mid is None:
            raise PeerGone(f"cannot subscribe: {mqtt.error_string(code)}")
        answer: asyncio.Future[Sequence[int]] = self._loop.create_future()
        self._subscribing[mid] = answer
        reasons = await self._or_lost(answer)
        for topic, reason in zip(topics, reasons, strict=False):
            if reason >= 0x80:
                raise Forbidden(f"the broker refuses a subscription to {topic}", code="subscription_refused")

    async def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int | None = None
    ) -> asyncio.Future[int]:
        """QoS 1: waits for a turn, hands over, and gives a future of the PUBACK's reason code.

        What is larger than the broker takes is not sent, as it would cost the connection: the code is then 0x95.
        The future raises PeerGone when the connection ends first.
        """
        acked: asyncio.Future[int] = self._loop.create_future()
        if len(payload) > self.room_bytes(topic):
            self._live()
            acked.set_result(PACKET_TOO_LARGE)
            return acked
        turn = self._turn
        await turn.acquire()
        try:
            mid = self._hand_over(topic, payload, qos=1, retain=retain, expiry_s=expiry_s)
        except BaseException:
            turn.release()
            raise
        acked.add_done_callback(lambda _: turn.release())
        self._unacked[mid] = acked, self._loop.time()
        return acked

    def publish_once(self, topic: str, payload: bytes, *, expiry_s: int | None = None) -> None:
        """QoS 0: sent or not, nobody will know; not while the network is behind. Raises PeerGone."""
        wire = self._wire
        if len(payload) <= self.room_bytes(topic) and wire is not None and wire.unsent_bytes <= _UNHURRIED_BYTES:
            self._hand_over(topic, payload, qos=0, retain=False, expiry_s=expiry_s)

    def room_bytes(self, topic: str) -> int:
        """How large a payload on that topic may be, by what the broker said of itself."""
        return self._max_packet_bytes - _HEAD_BYTES - len(topic.encode())

    def arrived(self) -> list[Message]:
        """What is in the inbox now, taken out."""
        return [self.inbox.get_nowait() for _ in range(self.inbox.qsize())]

    def acknowledge(self, message: Message) -> None:
        """It is dealt with; of QoS 1 the broker may forget it (PUBACK)."""
        if message.qos == 1 and self._client is not None:
            self._client.ack(message.mid, 1)
        if self._wire is not None and self.inbox.qsize() <= self._receive_maximum:
            self._wire.resume()

    async def close(self) -> None:
        """Say good-bye (no will is sent). Safe at any time, also twice."""
        if self._client is not None and not self._lost.done():
            self._client.disconnect()  # closes the wire when it is sent
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GOODBYE_S):
                    await asyncio.shield(self._lost)
        self._client = None
        self._end(PeerGone("closed"))
        if self._wire is not None:
            self._wire.cut(PeerGone("closed"))

    # Connecting.

    async def _introduce(self) -> bool:
        try:
            return await self._attempt()
        except _OldBroker:
            self._dialect.version = mqtt.MQTTv311
            self._connected = self._loop.create_future()
            return await self._attempt()

    async def _attempt(self) -> bool:
        wire = self._wire = Wire(
            max_packet_bytes=MAX_PACKET_BYTES,
            on_packet=self._on_packet,
            on_lost=lambda error: self._on_wire_lost(wire, error),
        )
        try:
            await dial(wire, self._broker.host, self._broker.port, self._broker.tls)
        except OSError as error:
            cut = handshake_cut(error, self._where) if self._broker.tls is not None else None
            raise cut or self._told(error, "cannot reach") from error
        await self._let_refuse()
        client = self._client = self._prepared(wire)
        _say_hello(client, self._broker, self._keepalive_s, clean=self._clean, receive_maximum=self._receive_maximum)
        session_kept = await self._or_lost(self._connected)
        self._heartbeat = Heartbeat(wire, keepalive_s=self._keepalive_s, owed_since_s=self._owed_since_s)
        return session_kept

    async def _let_refuse(self) -> None:
        """In TLS 1.3 a server refuses a client's certificate when the client has done its part already. On a fast
        network what we would say now could cross its reset, and its reason would be lost with that."""
        if self._broker.tls is not None:
            await asyncio.wait((self._lost,), timeout=_REFUSAL_S)
            if self._lost.done():
                raise self._lost.result()

    def _prepared(self, wire: Wire) -> mqtt.Client:
        client = _WiredClient(wire, self._client_id, self._dialect.version, clean=self._clean)
        client.max_inflight_messages_set(0)  # ours is the limit
        client.on_connect = lambda _c, _u, flags, reason, props: self._on_connack(flags, reason, props)
        client.on_disconnect = lambda _c, _u, flags, reason, _p: self._on_disconnect(flags, reason)
        client.on_publish = lambda _c, _u, mid, reason, _p: self._on_puback(mid, reason)
        client.on_subscribe = lambda _c, _u, mid, reasons, _p: self._on_suback(mid, reasons)
        client.on_message = lambda _c, _u, message: self._on_message(message)
        if self._will is not None:
            properties = _properties(PacketTypes.WILLMESSAGE) if self._speaks_5 else None
            if properties is not None:
                properties.WillDelayInterval = WILL_DELAY_S
            client.will_set(self._will.topic, self._will.payload, 1, True, properties)
        return client

    @property
    def _speaks_5(self) -> bool:
        return self._dialect.version == mqtt.MQTTv5

    @property
    def _where(self) -> str:
        return f"the broker {self._broker.where}"

    def _told(self, error: Exception | None, what: str) -> Unavailable | Forbidden:
        """What the network or TLS said, as an error of ours."""
        reason = error or "the connection was closed"
        return tls_refusal(error, self._where) or PeerGone(f"{what} {self._where}: {reason}")

    async def _or_lost(self, answer: asyncio.Future[_T]) -> _T:
        await asyncio.wait((answer, self._lost), return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        raise self._lost.result()

    def _live(self) -> mqtt.Client:
        if self._client is None or self._lost.done():
            raise PeerGone(f"not connected to {self._where}")
        return self._client

    def _hand_over(self, topic: str, payload: bytes, *, qos: int, retain: bool, expiry_s: int | None) -> int:
        properties = None
        if expiry_s is not None and self._speaks_5:
            properties = _properties(PacketTypes.PUBLISH)
            properties.MessageExpiryInterval = expiry_s
        sent = self._live().publish(topic, payload, qos, retain, properties)
        if sent.rc is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise PeerGone(f"cannot send to {self._where}: {mqtt.error_string(sent.rc)}")
        return sent.mid

    # What the wire and paho tell, always in the event loop.

    def _on_packet(self) -> None:
        wire, client = self._wire, self._client
        if wire is None or client is None:
            return
        try:
            if wire.kind & 0xF6 == 0x34:
                raise ValueError("QoS 2, which nobody asked for")
            client.loop_read()
        except Exception as error:  # paho's parsers raise many kinds on a broker's bad bytes
            wire.cut(PeerGone(f"it does not keep to MQTT: {error}"))

    def _on_wire_lost(self, wire: Wire, error: Exception | None) -> None:
        if wire is self._wire:  # and not one on which a broker refused MQTT 5
            self._end(self._told(error, "lost"))

    def _on_connack(self, flags: mqtt.ConnectFlags, reason: ReasonCode, properties: Properties) -> None:
        if self._connected.done():
            return
        if reason.value == UNSUPPORTED_VERSION and self._speaks_5:
            self._wire = None
            self._connected.set_exception(_OldBroker())
        elif reason.is_failure:
            elsewhere = getattr(properties, "ServerReference", "")
            sentence = f"{self._where} refuses us: {reason}" + (f" ({elsewhere})" if elsewhere else "")
            self._end(refusal(sentence, reason.value))
        elif missing := lacking(properties):
            self._end(Forbidden(f"{self._where} offers no {' and no '.join(missing)}", code="broker_unfit"))
        else:
            self._obey(properties)
            self._connected.set_result(flags.session_present)

    def _obey(self, properties: Properties) -> None:
        """The broker's limits, where they are below ours."""
        self._turn = asyncio.Semaphore(min(self._receive_maximum, getattr(properties, "ReceiveMaximum", 65_535)))
        self._max_packet_bytes = min(MAX_PACKET_BYTES, getattr(properties, "MaximumPacketSize", MAX_PACKET_BYTES))
        self._keepalive_s = min(self._keepalive_s, getattr(properties, "ServerKeepAlive", 0) or self._keepalive_s)

    def _on_disconnect(self, flags: mqtt.DisconnectFlags, reason: ReasonCode) -> None:
        if not flags.is_disconnect_packet_from_server:
            return  # paho's own words for what the wire tells better
        if reason.value == SESSION_TAKEN_OVER:
            self._end(Forbidden(f"another client connected to {self._where} under our id", code="taken_over"))
        else:
            self._end(refusal(f"lost {self._where}: {reason}", reason.value))

    def _on_puback(self, mid: int, reason: ReasonCode) -> None:
        acked, _ = self._unacked.pop(mid, (None, 0.0))
        if acked is not None and not acked.done():
            acked.set_result(reason.value)

    def _on_suback(self, mid: int, reasons: Sequence[ReasonCode]) -> None:
        answer = self._subscribing.pop(mid, None)
        if answer is not None and not answer.done():
            answer.set_result([reason.value for reason in reasons])

    def _on_message(self, message: mqtt.MQTTMessage) -> None:
        self.inbox.put_nowait(Message(message.topic, bytes(message.payload), message.qos, message.retain, message.mid))
        if self._wire is not None and self.inbox.qsize() >= 4 * self._receive_maximum:
            self._wire.pause()

    def _owed_since_s(self) -> float | None:
        """When the oldest message that has no PUBACK yet was sent, by the loop's clock."""
        return next(iter(self._unacked.values()))[1] if self._unacked else None

    def _end(self, error: Unavailable | Forbidden) -> None:
        if self._heartbeat is not None:
            self._heartbeat.stop()
        if not self._lost.done():
            self._lost.set_result(error)
        for acked, _ in self._unacked.values():
            if not acked.done():
                acked.set_exception(PeerGone(str(error)))
                acked.exception()  # whoever waits gets it; nobody waiting is no fault
        self._unacked.clear()


class _OldBroker(Exception):
    """It does not speak MQTT 5."""


class _WiredClient(mqtt.Client):
    """paho with a wire of ours where it would open a socket (tests/edge/link/test_engine.py holds it to that)."""

    def __init__(self, wire: Wire, client_id: str, version: MQTTProtocolVersion, *, clean: bool) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if version == mqtt.MQTTv5 else clean,
            protocol=version,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        self._wire = wire

    def _create_socket(self) -> Any:
        return self._wire


def _say_hello(client: mqtt.Client, broker: Broker, keepalive_s: int, *, clean: bool, receive_maximum: int) -> None:
    if client.protocol != mqtt.MQTTv5:
        client.connect(broker.host, broker.port, keepalive_s)
        return
    properties = _properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 0 if clean else SESSION_EXPIRY_S
    properties.ReceiveMaximum = receive_maximum
    properties.MaximumPacketSize = MAX_PACKET_BYTES
    client.connect(broker.host, broker.port, keepalive_s, clean_start=clean, properties=properties)


def _properties(packet: int) -> Properties:
    return Properties(packet)  # type: ignore[no-untyped-call]
