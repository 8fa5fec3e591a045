"""UDP through the line, each packet with its number and its time: what the line did to every one."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.netlab.lab import Place

_HEADER = struct.Struct("!IQ")
IP_UDP_BYTES = 28
_SO_TIMESTAMPNS = 35  # Linux: the kernel's receive time, whenever this process gets to read (socket(7))
_SO_RCVBUFFORCE = 33
_PATIENCE_S = 0.5
_WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """UTC nanoseconds of one clock: when it was handed to the kernel, when the kernel had received it."""

    number: int
    sent_ns: int
    received_ns: int

    @property
    def took_ms(self) -> float:
        return (self.received_ns - self.sent_ns) / 1e6


@contextlib.contextmanager
def udp_at(place: Place) -> Iterator[socket.socket]:
    """A UDP socket with that end's address and a free port."""
    with place.inside():
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with made:
        made.bind((place.address, 0))
        made.settimeout(_WAIT_S)
        yield made


def send_through(source: Place, target: Place, *, packets: int, per_s: float, ip_bytes: int = 1200) -> list[Arrival]:
    """Sends that many, evenly, and returns what came, in the order in which it came.

    Ends half a second after the last arrival, so it wants delays below that.
    """
    with udp_at(source) as sender, udp_at(target) as receiver:
        receiver.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        receiver.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 8 << 20)
        sender.connect(receiver.getsockname())
        sending = threading.Thread(target=_send, args=(sender, packets, per_s, ip_bytes))
        sending.start()
        arrivals = list(_arrivals(receiver, sending))
        sending.join()
    return arrivals


def _send(sender: socket.socket, packets: int, per_s: float, ip_bytes: int) -> None:
    padding = bytes(ip_bytes - IP_UDP_BYTES - _HEADER.size)
    begin_s = time.monotonic()
    for number in range(packets):
        time.sleep(max(0.0, begin_s + number / per_s - time.monotonic()))
        sender.send(_HEADER.pack(number, time.time_ns()) + padding)


def _arrivals(receiver: socket.socket, sending: threading.Thread) -> Iterator[Arrival]:
    receiver.settimeout(_PATIENCE_S)
    while True:
        try:
            payload, extra, _, _ = receiver.recvmsg(2048, 64)
        except TimeoutError:
            if not sending.is_alive():
                return
            continue
        seconds, nanoseconds = struct.unpack("qq", extra[0][2])
        number, sent_ns = _HEADER.unpack_from(payload)
        yield Arrival(number, sent_ns, seconds * 1_000_000_000 + nanoseconds)
