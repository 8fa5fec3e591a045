"""libsrt's connection bonding through ctypes: groups of connections that carry one stream.

The numbers and structures are those of srt.h of libsrt 1.5 on 64-bit systems. Debian's libsrt has the calls, but is
built without what is behind them (ENABLE_BONDING).
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from edge.model.errors import NotSupported, Unavailable
from edge.sinks.libsrt import Libsrt
from edge.sinks.sockaddr import unpack

GROUP_CONNECT = 57  # SRTO_GROUPCONNECT
MAX_MEMBERS = 8
_ERROR = -1
_SOCKADDR_BYTES = 28


class GroupKind(StrEnum):
    """`broadcast`: everything over every path. `backup`: over one, until it does not answer."""

    BROADCAST = "broadcast"
    BACKUP = "backup"


class MemberState(StrEnum):
    """SRT_MEMBERSTATUS. `running`: it carries the stream; `idle`: connected, ready to."""

    PENDING = "pending"
    IDLE = "idle"
    RUNNING = "running"
    BROKEN = "broken"


class _Type(IntEnum):
    BROADCAST = 1
    BACKUP = 2


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`peer` and `own` (None: as the routes say) are each a struct sockaddr.

    In a backup the highest `weight` carries.
    """

    peer: bytes
    own: bytes | None
    weight: int
    token: int


@dataclass(frozen=True, slots=True)
class Member:
    """A connection of a group, known by the token of its endpoint; `number` is its socket's."""

    token: int
    number: int
    state: MemberState


class _Storage(ctypes.Structure):
    """struct sockaddr_storage."""

    _fields_ = [("words", ctypes.c_uint64 * 16)]


class _Config(ctypes.Structure):
    """SRT_SOCKGROUPCONFIG."""

    _fields_ = [
        ("id", ctypes.c_int),
        ("srcaddr", _Storage),
        ("peeraddr", _Storage),
        ("weight", ctypes.c_uint16),
        ("config", ctypes.c_void_p),
        ("errorcode", ctypes.c_int),
        ("token", ctypes.c_int),
    ]


class _Entry(ctypes.Structure):
    """SRT_SOCKGROUPDATA."""

    _fields_ = [
        ("id", ctypes.c_int),
        ("peeraddr", _Storage),
        ("sockstate", ctypes.c_int),
        ("weight", ctypes.c_uint16),
        ("memberstate", ctypes.c_int),
        ("result", ctypes.c_int),
        ("token", ctypes.c_int),
    ]


class GroupCalls:
    """Any thread. A group's number serves as a socket's number does, but has no statistics; its members have."""

    def __init__(self, libsrt: Libsrt) -> None:
        self._libsrt = libsrt

    def create(self, kind: GroupKind) -> int:
        """A new group's number. Raises NotSupported (`bonding_not_available`), Missing."""
        create = getattr(self._libsrt.library, "srt_create_group", None)
        number = _ERROR if create is None else int(create(_Type[kind.name]))
        if number == _ERROR:
            raise NotSupported(
                "this libsrt is built without connection bonding (ENABLE_BONDING); use one SRT output for each path",
                code="bonding_not_available",
            )
        return number

    def connect(self, group: int, endpoints: Sequence[Endpoint]) -> None:
        """Adds these; waits for the first connection of all, in a group that has had one for none.

        Raises TimedOut, PeerGone, Unavailable.
        """
        dll = self._libsrt.library
        dll.srt_prepare_endpoint.restype = _Config
        configs = (_Config * len(endpoints))()
        for config, endpoint in zip(configs, endpoints, strict=True):
            own = _padded(endpoint.own)
            prepared = dll.srt_prepare_endpoint(own, _padded(endpoint.peer), _SOCKADDR_BYTES)
            prepared.weight, prepared.token = endpoint.weight, endpoint.token
            ctypes.memmove(ctypes.byref(config), ctypes.byref(prepared), ctypes.sizeof(config))
        if dll.srt_connect_group(group, configs, len(endpoints)) == _ERROR:
            refused = next((config for config in configs if config.errorcode > 0), None)
            what = "SRT group" if refused is None else f"SRT group to {_where(endpoints, refused.token)}"
            self._libsrt.raise_last(f"connect {what}")

    def members(self, group: int) -> tuple[Member, ...]:
        """Those there are now: a broken one is taken out. Raises Unavailable when the group is gone."""
        entries, size = (_Entry * MAX_MEMBERS)(), ctypes.c_size_t(MAX_MEMBERS)
        if self._libsrt.library.srt_group_data(group, entries, ctypes.byref(size)) == _ERROR:
            raise Unavailable("SRT group: it is closed", code="srt_failed")
        states = tuple(MemberState)
        return tuple(Member(one.token, one.id, states[one.memberstate]) for one in entries[: size.value])


def _padded(sockaddr: bytes | None) -> ctypes.Array[ctypes.c_char] | None:
    """With room behind it: a length of the longer of the two kinds is told for both."""
    return None if sockaddr is None else ctypes.create_string_buffer(sockaddr, _SOCKADDR_BYTES)


def _where(endpoints: Sequence[Endpoint], token: int) -> str:
    host, port = next(unpack(one.peer) for one in endpoints if one.token == token)
    return f"{host}:{port}"
