"""The system's libsrt through ctypes: found at the first call, never at import.

The numbers are those of srt.h of libsrt 1.5. Nothing here knows of video.
"""

from __future__ import annotations

import atexit
import ctypes
import errno
import functools
import logging
import threading
from collections.abc import Callable
from enum import IntEnum
from typing import NoReturn

from edge.model.errors import Busy, EdgeError, Invalid, Missing, PeerGone, TimedOut, Unavailable
from edge.sinks.srt_stats import BytePerfMon, SrtStats

LIBRARY_NAMES = (
    "libsrt-gnutls.so.1.5",
    "libsrt-openssl.so.1.5",
    "libsrt.so.1.5",
    "libsrt-gnutls.so",
    "libsrt-openssl.so",
    "libsrt.so",
)
_STARTING = threading.Lock()
_LOG_CRIT = 2
_ERROR = -1
_SOCKADDR_ROOM = 128
_SOCKADDR_BYTES = 28  # sizeof(struct sockaddr_in6), the longer of the two; libsrt hands over a union of them
_EPOLL_IN, _EPOLL_ERR = 1, 8
AttemptHook = Callable[[int, bytes, str], int]
ACCEPT = 0
_REJECT_FAILED = 1500  # SRT_REJX_ISE, access_control.h
_LOG = logging.getLogger(__name__)
_HOOK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p)


class Option(IntEnum):
    """SRT_SOCKOPT."""

    SNDSYN = 1
    RCVSYN = 2
    LINGER = 7
    RENDEZVOUS = 12
    SNDTIMEO = 13
    RCVTIMEO = 14
    REUSEADDR = 15
    MAXBW = 16
    LATENCY = 23
    INPUTBW = 24
    OHEADBW = 25
    PASSPHRASE = 26
    PBKEYLEN = 27
    KMSTATE = 28
    IPTOS = 30
    TLPKTDROP = 31
    SNDDROPDELAY = 32
    CONNTIMEO = 36
    SNDKMSTATE = 40
    RCVKMSTATE = 41
    RCVLATENCY = 43
    PEERLATENCY = 44
    STREAMID = 46
    PAYLOADSIZE = 49
    TRANSTYPE = 50
    IPV6ONLY = 54
    PEERIDLETIMEO = 55
    BINDTODEVICE = 56
    CRYPTOMODE = 62  # from 1.5.2 on, where it was built in


class SocketState(IntEnum):
    """SRT_SOCKSTATUS."""

    INIT = 1
    OPENED = 2
    LISTENING = 3
    CONNECTING = 4
    CONNECTED = 5
    BROKEN = 6
    CLOSING = 7
    CLOSED = 8
    NONEXIST = 9


class _Code(IntEnum):
    """Those of SRT_ERRNO that we tell apart."""

    NO_SERVER = 1001
    REJECTED = 1002
    CONNECTION_LOST = 2001
    NOT_CONNECTED = 2002
    UNKNOWN_OPTION = 5000
    BAD_PARAMETER = 5003
    BAD_SOCKET = 5004
    DOUBLE_LISTEN = 5011
    BIND_CONFLICT = 5015
    AGAIN = 6000
    AGAIN_TIMEOUT = 6003


_GONE = frozenset({2000, _Code.CONNECTION_LOST, _Code.NOT_CONNECTED, _Code.BAD_SOCKET, 1005})
_REASONS = {
    1: ("rejected_by_peer", "system error at the peer"),
    2: ("rejected_by_peer", "the peer refused the connection"),
    3: ("rejected_by_peer", "the peer is out of resources"),
    4: ("rejected_by_peer", "the peer sent a malformed handshake"),
    5: ("rejected_by_peer", "the peer has too many connections waiting"),
    7: ("rejected_by_peer", "the peer is closing"),
    8: ("rejected_by_peer", "the SRT version is too old"),
    10: ("wrong_passphrase", "wrong passphrase"),
    11: ("wrong_passphrase", "one side has a passphrase and the other has none"),
    12: ("rejected_by_peer", "the peer does not use live mode"),
    13: ("rejected_by_peer", "the peer does not use live mode"),
    14: ("rejected_by_peer", "the packet filters do not match"),
    16: ("timed_out", "no answer in time"),
    17: ("cipher_refused", "the peer does not have that cipher"),
    1400: ("stream_id_refused", "the peer does not understand the stream id"),
    1401: ("not_authorized", "the peer does not know who calls: u= in the stream id"),
    1402: ("receiver_limit", "the peer serves as many receivers as it can"),
    1403: ("not_authorized", "the peer denies access"),
    1404: ("stream_id_refused", "the peer does not have what the stream id names"),
    1405: ("stream_id_refused", "the peer does not do what m= in the stream id asks for"),
    1415: ("stream_id_refused", "the peer does not do what t= in the stream id asks for"),
}


def reject_reason(number: int) -> tuple[str, str]:
    """(error code, sentence) of an SRT_REJECT_REASON or of a server's own 1000-2999."""
    return _REASONS.get(number, ("rejected_by_peer", f"the peer refused the connection (reason {number})"))


class Libsrt:
    """One process-wide libsrt behind as many of these as there are users. Thread-safe.

    Raises Missing (`libsrt_missing`) from the first call that needs the library.
    """

    def __init__(self, *, names: tuple[str, ...] = LIBRARY_NAMES) -> None:
        self._names = names
        self._loaded: ctypes.CDLL | None = None
        self._hooks: dict[int, object] = {}

    def create(self) -> int:
        """A new socket's number."""
        return self._checked(self._dll.srt_create_socket(), "socket")

    def bind(self, sock: int, sockaddr: bytes, where: str) -> None:
        """`where` names the address in errors. Raises Busy (`port_in_use`)."""
        self._checked(self._dll.srt_bind(sock, sockaddr, len(sockaddr)), f"bind {where}", where=where)

    def listen(self, sock: int, backlog: int, where: str) -> None:
        self._checked(self._dll.srt_listen(sock, backlog), f"listen on {where}", where=where)

    def on_attempt(self, sock: int, hook: AttemptHook) -> None:
        """Call `hook` in libsrt's receiving thread for each handshake, before it is accepted or refused.

        A hook that fails refuses.
        """

        def called(_opaque: object, attempt: int, _version: int, peer: int, stream_id: bytes | None) -> int:
            try:
                text = (stream_id or b"").decode(errors="replace")
                return hook(attempt, ctypes.string_at(peer, _SOCKADDR_BYTES), text)
            except Exception:  # ctypes would print it and return 0, which lets everybody in
                _LOG.exception("an attempt to connect could not be judged")
                return self.refuse(attempt, _REJECT_FAILED)

        kept = self._hooks[sock] = _HOOK(called)
        self._checked(self._dll.srt_listen_callback(sock, kept, None), "watch the listener")

    def refuse(self, attempt: int, number: int) -> int:
        """What a hook returns to refuse an attempt with that reason."""
        self._dll.srt_setrejectreason(attempt, number)
        return _ERROR

    def watch(self, sock: int) -> int:
        """An epoll number that wakes when `accept` has something."""
        poll = self._checked(self._dll.srt_epoll_create(), "epoll")
        events = ctypes.c_int(_EPOLL_IN | _EPOLL_ERR)
        self._checked(self._dll.srt_epoll_add_usock(poll, sock, ctypes.byref(events)), "epoll")
        return poll

    def wait(self, poll: int, timeout_s: float) -> None:
        """Until something happens, or the time is over."""
        self._dll.srt_epoll_uwait(poll, (ctypes.c_int * 2)(), 1, int(timeout_s * 1000))

    def unwatch(self, poll: int) -> None:
        self._dll.srt_epoll_release(poll)

    def accept(self, sock: int) -> int | None:
        """The next connection's socket; None when none waits (the listener has RCVSYN off)."""
        accepted = int(self._dll.srt_accept(sock, None, None))
        if accepted == _ERROR and self._last_code()[0] >= _Code.AGAIN:
            return None
        return self._checked(accepted, "accept")

    def connect(self, sock: int, sockaddr: bytes, where: str) -> None:
        """Blocks for CONNTIMEO at most. Raises TimedOut, or PeerGone with the reason of a refusal."""
        if self._dll.srt_connect(sock, sockaddr, len(sockaddr)) == _ERROR:
            code, system = self._last_code()
            number = self.reject_number(sock)
            if code == _Code.REJECTED or (code == _Code.NO_SERVER and number not in (0, 16)):
                name, sentence = reject_reason(number)
                raise PeerGone(f"{where}: {sentence}", code=name)
            self._raise(code, system, f"connect to {where}", where)

    def set_int(self, sock: int, option: Option, value: int) -> None:
        self._set(sock, option, ctypes.c_int(value))

    def set_long(self, sock: int, option: Option, value: int) -> None:
        """Those options that are an int64_t."""
        self._set(sock, option, ctypes.c_int64(value))

    def set_bool(self, sock: int, option: Option, *, value: bool) -> None:
        self._set(sock, option, ctypes.c_bool(value))

    def set_text(self, sock: int, option: Option, value: str) -> None:
        self._set(sock, option, (ctypes.c_char * len(raw)).from_buffer_copy(raw) if (raw := value.encode()) else None)

    def get_int(self, sock: int, option: Option) -> int:
        value, size = ctypes.c_int(), ctypes.c_int(4)
        got = self._dll.srt_getsockflag(sock, option, ctypes.byref(value), ctypes.byref(size))
        self._checked(got, f"read option {option.name}")
        return value.value

    def get_text(self, sock: int, option: Option) -> str:
        value, size = ctypes.create_string_buffer(513), ctypes.c_int(513)
        got = self._dll.srt_getsockflag(sock, option, value, ctypes.byref(size))
        self._checked(got, f"read option {option.name}")
        return value.raw[: size.value].decode(errors="replace")

    @property
    def send(self) -> Callable[[int, bytes, int, int, int], int]:
        """srt_sendmsg itself (socket, payload, size, ms to live, in order) -> bytes taken or -1; then `raise_last`."""
        return self._dll.srt_sendmsg

    def receive(self, sock: int, room: ctypes.Array[ctypes.c_char]) -> int:
        """Bytes put into `room`. Raises TimedOut after RCVTIMEO, PeerGone."""
        return self._checked(self._dll.srt_recvmsg(sock, room, len(room)), "receive")

    def close(self, sock: int) -> None:
        """Harmless on a closed socket."""
        self._dll.srt_close(sock)
        self._hooks.pop(sock, None)

    def state(self, sock: int) -> SocketState:
        return SocketState(self._dll.srt_getsockstate(sock))

    def reject_number(self, sock: int) -> int:
        return int(self._dll.srt_getrejectreason(sock))

    def own_name(self, sock: int) -> bytes:
        """The local address as a struct sockaddr."""
        return self._name(self._dll.srt_getsockname, sock)

    def peer_name(self, sock: int) -> bytes:
        """An accepted socket's peer as a struct sockaddr; 1.5.1 leaves it empty on a calling socket."""
        return self._name(self._dll.srt_getpeername, sock)

    def stats(self, sock: int) -> SrtStats:
        """Totals since the connection began, and what holds at this instant."""
        perf = BytePerfMon()
        self._checked(self._dll.srt_bistats(sock, ctypes.byref(perf), 0, 1), "statistics")
        return perf.frozen()

    @property
    def library(self) -> ctypes.CDLL:
        """libsrt itself, for calls that only one kind of sink makes. Raises Missing."""
        return self._dll

    def raise_last(self, doing: str) -> NoReturn:
        """Turn this thread's last libsrt error into ours."""
        code, system = self._last_code()
        self._raise(code, system, doing, "")

    @property
    def _dll(self) -> ctypes.CDLL:
        if self._loaded is None:
            with _STARTING:
                self._loaded = _started(self._names)
        return self._loaded

    def _name(self, call: Callable[..., int], sock: int) -> bytes:
        room, size = ctypes.create_string_buffer(_SOCKADDR_ROOM), ctypes.c_int(_SOCKADDR_ROOM)
        self._checked(call(sock, room, ctypes.byref(size)), "address")
        return room.raw[:_SOCKADDR_BYTES]

    def _set(self, sock: int, option: Option, value: object) -> None:
        size = ctypes.sizeof(value) if value is not None else 0  # type: ignore[arg-type]
        pointer = ctypes.byref(value) if value is not None else None  # type: ignore[arg-type]
        self._checked(self._dll.srt_setsockflag(sock, option, pointer, size), f"set option {option.name}")

    def _checked(self, result: int, doing: str, *, where: str = "") -> int:
        if result == _ERROR:
            code, system = self._last_code()
            self._raise(code, system, doing, where)
        return result

    def _last_code(self) -> tuple[int, int]:
        system = ctypes.c_int()
        return int(self._dll.srt_getlasterror(ctypes.byref(system))), system.value

    def _raise(self, code: int, system: int, doing: str, where: str) -> NoReturn:
        text = self._dll.srt_strerror(code, 0).decode(errors="replace").rstrip(". ")
        raise _error(code, system, f"SRT {doing}: {text}", where)


def _error(code: int, system: int, message: str, where: str) -> EdgeError:
    if code in (_Code.BIND_CONFLICT, _Code.DOUBLE_LISTEN) or system == errno.EADDRINUSE:
        return Busy(f"{where or message}: the UDP port is in use", code="port_in_use")
    if code in _GONE:
        return PeerGone(message)
    if code == _Code.NO_SERVER or _Code.AGAIN <= code <= _Code.AGAIN_TIMEOUT:
        return TimedOut(message)
    if code in (_Code.BAD_PARAMETER, _Code.UNKNOWN_OPTION):
        return Invalid(message)
    return Unavailable(message, code="srt_failed")


@functools.cache
def _started(names: tuple[str, ...]) -> ctypes.CDLL:
    """Once for a process: libsrt 1.5.1 crashes at exit when it was started twice and not cleaned up twice."""
    dll = _find(names)
    _declare(dll)
    dll.srt_startup()
    atexit.register(dll.srt_cleanup)
    dll.srt_setloglevel(_LOG_CRIT)
    dll.srt_resetlogfa(None, 0)  # no functional area logs: what matters reaches us as errors
    return dll


def _find(names: tuple[str, ...]) -> ctypes.CDLL:
    for name in names:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise Missing(
        "libsrt is not installed: install the Debian package libsrt1.5-gnutls (or libsrt1.5-openssl)",
        code="libsrt_missing",
    )


def _declare(dll: ctypes.CDLL) -> None:
    number, pointer, text = ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p
    for name, arguments in {
        "srt_bind": (number, text, number),
        "srt_connect": (number, text, number),
        "srt_listen": (number, number),
        "srt_listen_callback": (number, _HOOK, pointer),
        "srt_accept": (number, pointer, pointer),
        "srt_epoll_add_usock": (number, number, pointer),
        "srt_epoll_uwait": (number, pointer, number, ctypes.c_int64),
        "srt_setsockflag": (number, number, pointer, number),
        "srt_getsockflag": (number, number, pointer, pointer),
        "srt_sendmsg": (number, text, number, number, number),
        "srt_recvmsg": (number, pointer, number),
        "srt_getsockname": (number, pointer, pointer),
        "srt_getpeername": (number, pointer, pointer),
        "srt_bistats": (number, pointer, number, number),
        "srt_resetlogfa": (pointer, ctypes.c_size_t),
        "srt_strerror": (number, number),
    }.items():
        getattr(dll, name).argtypes = arguments
    dll.srt_strerror.restype = text
