"""One MQTT 5 connection, with paho as the packet engine and nothing more. The only file that knows paho.

Reconnecting, durability and order are ours (docs/contracts/mqtt.md says why). The network thread only
hands over to the event loop; everything else here runs on the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge.link.tls_refusals import handshake_cut, tls_refusal
from edge.model.errors import Forbidden, PeerGone, Unavailable

_T = TypeVar("_T")
RECEIVE_MAXIMUM = 16
MAX_PACKET_BYTES = 256 << 10
SESSION_EXPIRY_S = 86_400
KEEPALIVE_S = 30
WILL_DELAY_S = 10
_ANSWER_S = 10.0
_GOODBYE_S = 1.0
_USER_TIMEOUT_MS = 20_000
_MAX_UNACKED = 64
_SESSION_TAKEN_OVER = 0x8E
# CONNACK codes that mean "not you": malformed id, bad user, not authorised, banned, bad method, over quota
_REFUSALS = frozenset((0x85, 0x86, 0x87, 0x8A, 0x8C, 0x97))


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is. Without TLS only an address of this machine will do."""

    host: str
    port: int
    tls: ssl.SSLContext | None = field(default=None, repr=False)


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


class Engine:
    """One connection, used once: `connect`, then the rest, then `close`.

    `inbox` holds what arrives, in order. At most min(16, the broker's Receive Maximum) QoS 1
    messages of ours are unacknowledged at a time: `publish` waits for its turn.
    """

    def __init__(
        self,
        *,
        client_id: str,
        broker: Broker,
        will: Will | None = None,
        clean: bool = False,
        keepalive_s: int = KEEPALIVE_S,
    ) -> None:
        self._broker = broker
        self._clean = clean
        self._keepalive_s = keepalive_s
        self._will = will
        self._client_id = client_id
        self._client: mqtt.Client | None = None
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mqtt")
        self._closing = False
        self._socket: object = None
        self._connected: asyncio.Future[tuple[bool, int]] = self._loop.create_future()
        self._lost: asyncio.Future[Unavailable | Forbidden] = self._loop.create_future()
        self._unacked: dict[int, asyncio.Future[int]] = {}
        self._subscribing: dict[int, asyncio.Future[Sequence[int]]] = {}
        self._turn = asyncio.Semaphore(RECEIVE_MAXIMUM)
        self.inbox: asyncio.Queue[Message] = asyncio.Queue()
        self.overflowed = 0

    async def connect(self) -> bool:
        """Whether the broker kept our session. Raises PeerGone, Forbidden (refused, or plain to a distant broker)."""
        if self._broker.tls is None and not _is_loopback(self._broker.host):
            raise Forbidden(f"{self._broker.host} is not this machine: MQTT there needs TLS", code="tls_required")
        self._client = self._prepared()
        self._work = self._loop.run_in_executor(self._thread, self._converse, self._client)
        try:
            async with asyncio.timeout(_ANSWER_S):
                session_present, receive_maximum = await self._or_lost(self._connected)
        except TimeoutError:
            raise PeerGone(f"{self._where} did not answer within {_ANSWER_S:g} s") from None
        self._turn = asyncio.Semaphore(min(RECEIVE_MAXIMUM, receive_maximum))
        return session_present

    async def lost(self) -> Unavailable | Forbidden:
        """Wait until the connection is gone, and say why."""
        return await asyncio.shield(self._lost)

    async def subscribe(self, *topics: str, retain_as_published: bool = True) -> None:
        """QoS 1; `Message.retain` is what the publisher set, or else marks what the broker had kept.

        Raises PeerGone, Forbidden when the broker will not.
        """
        options = SubscribeOptions(qos=1, retainAsPublished=retain_as_published)
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

        The future raises PeerGone when the connection ends first.
        """
        turn = self._turn
        await turn.acquire()
        try:
            mid = self._hand_over(topic, payload, qos=1, retain=retain, expiry_s=expiry_s)
        except BaseException:
            turn.release()
            raise
        acked: asyncio.Future[int] = self._loop.create_future()
        acked.add_done_callback(lambda _: turn.release())
        self._unacked[mid] = acked
        return acked

    def publish_once(self, topic: str, payload: bytes, *, expiry_s: int | None = None) -> None:
        """QoS 0: sent or not, nobody will know. Raises PeerGone."""
        self._hand_over(topic, payload, qos=0, retain=False, expiry_s=expiry_s)

    def arrived(self) -> list[Message]:
        """What is in the inbox now, taken out."""
        return [self.inbox.get_nowait() for _ in range(self.inbox.qsize())]

    def acknowledge(self, message: Message) -> None:
        """PUBACK: the broker may forget it."""
        if message.qos == 1 and self._client is not None:
            self._client.ack(message.mid, 1)

    async def close(self) -> None:
        """Say good-bye (no will is sent) and end the thread. Safe at any time, also twice."""
        self._closing = True
        client = self._client
        if client is not None:
            client.disconnect()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GOODBYE_S):
                    await asyncio.shield(self._work)
            if (sock := cast("socket.socket | None", client.socket())) is not None:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        self._client = None
        self._end(PeerGone("closed"))
        self._thread.shutdown(wait=False)

    # From here to `_converse`: the network thread. Nothing but handing over.

    def _prepared(self) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            protocol=mqtt.MQTTv5,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.max_inflight_messages_set(0)  # ours is the limit
        client.on_connect = lambda _c, _u, flags, reason, props: self._post(self._on_connack, flags, reason, props)
        client.on_disconnect = lambda _c, _u, _flags, reason, _p: self._post(self._on_disconnect, reason)
        client.on_publish = lambda _c, _u, mid, reason, _p: self._post(self._on_puback, mid, reason)
        client.on_subscribe = lambda _c, _u, mid, reasons, _p: self._post(self._on_suback, mid, reasons)
        client.on_message = lambda _c, _u, message: self._post(self._on_message, message)
        # with this set, paho leaves all writing to its own thread
        client.on_socket_register_write = lambda _c, _u, _s: None
        if self._broker.tls is not None:
            client.tls_set_context(self._broker.tls)
        if self._will is not None:
            client.will_set(self._will.topic, self._will.payload, 1, True, _will_properties())
        return client

    def _post(self, on_loop: Callable[..., None], *what: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the event loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(on_loop, *what)

    def _converse(self, client: mqtt.Client) -> None:
        """Runs in the thread until the connection is gone."""
        try:
            client.connect(
                self._broker.host,
                self._broker.port,
                self._keepalive_s,
                clean_start=self._clean,
                properties=_connect_properties(0 if self._clean else SESSION_EXPIRY_S),
            )
            self._socket = client.socket()
            _tune(client)
            if self._closing:
                client.disconnect()
            code = MQTTErrorCode.MQTT_ERR_SUCCESS
            while code is MQTTErrorCode.MQTT_ERR_SUCCESS:
                code = client.loop(1.0)
            self._post(self._end, PeerGone(f"lost {self._where}: {mqtt.error_string(code)}"))
        except Exception as error:  # paho's parsers raise many kinds on a broker's bad bytes
            told = tls_refusal(error, self._where) or (handshake_cut(error, self._where) if self._broker.tls else None)
            self._post(self._end, told or PeerGone(f"cannot reach {self._where}: {error}"))

    # The event loop again.

    @property
    def _where(self) -> str:
        return f"the broker {self._broker.host}:{self._broker.port}"

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
        if expiry_s is not None:
            properties = _properties(PacketTypes.PUBLISH)
            properties.MessageExpiryInterval = expiry_s
        sent = self._live().publish(topic, payload, qos, retain, properties)
        if sent.rc is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise PeerGone(f"cannot send to {self._where}: {mqtt.error_string(sent.rc)}")
        return sent.mid

    def _on_connack(self, flags: mqtt.ConnectFlags, reason: ReasonCode, properties: Properties | None) -> None:
        if self._connected.done():
            return
        if reason.is_failure:
            self._end(_refusal(f"{self._where} refuses us: {reason}", reason.value))
        else:
            limit = getattr(properties, "ReceiveMaximum", 65_535)
            self._connected.set_result((flags.session_present, limit))

    def _on_disconnect(self, reason: ReasonCode) -> None:
        if reason.value == _SESSION_TAKEN_OVER:
            error = Forbidden(f"another client connected to {self._where} under our id", code="taken_over")
            self._end(error)
        else:
            self._end(_refusal(f"lost {self._where}: {reason}", reason.value))

    def _on_puback(self, mid: int, reason: ReasonCode) -> None:
        acked = self._unacked.pop(mid, None)
        if acked is not None and not acked.done():
            acked.set_result(reason.value)

    def _on_suback(self, mid: int, reasons: Sequence[ReasonCode]) -> None:
        answer = self._subscribing.pop(mid, None)
        if answer is not None and not answer.done():
            answer.set_result([reason.value for reason in reasons])

    def _on_message(self, message: mqtt.MQTTMessage) -> None:
        if message.qos == 0 and self.inbox.qsize() >= _MAX_UNACKED:
            self.overflowed += 1  # QoS 1 is bounded by our Receive Maximum, QoS 0 by this
            return
        self.inbox.put_nowait(Message(message.topic, bytes(message.payload), message.qos, message.retain, message.mid))

    def _end(self, error: Unavailable | Forbidden) -> None:
        if not self._lost.done():
            # a broker that refuses our certificate says so where only TLS hears it
            self._lost.set_result(tls_refusal(getattr(self._socket, "trouble", None), self._where) or error)
        for acked in self._unacked.values():
            if not acked.done():
                acked.set_exception(PeerGone(str(error)))
                acked.exception()  # whoever waits gets it; nobody waiting is no fault
        self._unacked.clear()


def _refusal(message: str, reason: int) -> Unavailable | Forbidden:
    return Forbidden(message, code="broker_refuses") if reason in _REFUSALS else PeerGone(message)


def _properties(packet: int) -> Properties:
    return Properties(packet)  # type: ignore[no-untyped-call]


def _connect_properties(expiry_s: int) -> Properties:
    properties = _properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = expiry_s
    properties.ReceiveMaximum = RECEIVE_MAXIMUM
    properties.MaximumPacketSize = MAX_PACKET_BYTES
    return properties


def _will_properties() -> Properties:
    properties = _properties(PacketTypes.WILLMESSAGE)
    properties.WillDelayInterval = WILL_DELAY_S
    return properties


def _tune(client: mqtt.Client) -> None:
    """A dead peer is noticed in 20 s, and small packets (commands, results) do not wait for each other."""
    sock = cast("socket.socket | None", client.socket())
    if sock is not None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _USER_TIMEOUT_MS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
