"""One receiver over several paths at once: a sink over a libsrt group."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from edge.model.errors import EdgeError, PeerGone, TimedOut
from edge.model.frame import AccessUnit
from edge.model.sink import SinkSpec
from edge.model.video import StreamFormat
from edge.sinks.libsrt import Libsrt, Option, SocketState
from edge.sinks.libsrt_groups import Endpoint, GroupCalls, Member, MemberState
from edge.sinks.mpegts import TsMuxer
from edge.sinks.sockaddr import resolve
from edge.sinks.srt import latency_detail, security, srt_options
from edge.sinks.srt_group_url import SrtGroupAddress, SrtPath, parse_group_url
from edge.sinks.srt_latency import fitting_latency_ms, probe_rtt_ms
from edge.sinks.srt_link import REPORT_S, SrtGroupLinks
from edge.sinks.srt_sender import OnFeedback, to_nobody
from edge.sinks.srt_socket import BLOCK_MS, PAYLOAD_BYTES, SEND_LIMIT_S, SrtOptions, prepare_probe, set_options
from edge.sinks.srt_url import AUTOMATIC

_CALL_AGAIN_S = 2.0


class SrtGroup:
    """A connected group. `send` from one thread, the rest from any. A path that broke is called again every 2 s."""

    def __init__(self, libsrt: Libsrt, calls: GroupCalls, number: int, endpoints: tuple[Endpoint, ...]) -> None:
        self._libsrt = libsrt
        self._calls = calls
        self._number = number
        self._endpoints = endpoints
        self._send = libsrt.library.srt_sendmsg
        self._look_s = time.monotonic() + _CALL_AGAIN_S

    def send(self, ts: bytes) -> None:
        """The bytes in payloads of 1316 at most. Raises PeerGone when no path is left, TimedOut after about 1 s."""
        now_s = time.monotonic()
        if now_s >= self._look_s:
            self._look_s = now_s + _CALL_AGAIN_S
            self._call_again()
        give_up_s = now_s + SEND_LIMIT_S - BLOCK_MS / 1000
        for begin in range(0, len(ts), PAYLOAD_BYTES):
            payload = ts[begin : begin + PAYLOAD_BYTES]
            if self._send(self._number, payload, len(payload), -1, 1) < 0:
                self._libsrt.raise_last("send to the group")
            if time.monotonic() > give_up_s:
                raise TimedOut("SRT send to the group: no path takes what we send")

    @property
    def connected(self) -> bool:
        """Whether any path is."""
        return self._libsrt.state(self._number) is SocketState.CONNECTED

    def members(self) -> tuple[Member, ...]:
        """Raises Unavailable once closed."""
        return self._calls.members(self._number)

    def close(self) -> None:
        """Harmless when closed already."""
        self._libsrt.close(self._number)

    def _call_again(self) -> None:
        there = {member.token for member in self.members()}
        lost = [endpoint for endpoint in self._endpoints if endpoint.token not in there]
        if lost:
            with contextlib.suppress(EdgeError):  # the paths that are left carry on; this is tried again
                self._calls.connect(self._number, lost)


def dial_group(libsrt: Libsrt, address: SrtGroupAddress, options: SrtOptions) -> SrtGroup:
    """Connected by one path at least; the others follow. Blocks for about 3 s at most.

    Raises NotSupported (`bonding_not_available`), TimedOut, PeerGone, Unavailable, Missing.
    """
    calls = GroupCalls(libsrt)
    number = calls.create(address.kind)
    try:
        set_options(libsrt, number, options)
        if options.stream_id:
            libsrt.set_text(number, Option.STREAMID, options.stream_id)
        endpoints = _endpoints(address)
        calls.connect(number, endpoints)
        return SrtGroup(libsrt, calls, number, endpoints)
    except BaseException:
        libsrt.close(number)
        raise


class SrtGroupSink:
    """A sink that calls one receiver over every path of its group; otherwise as SrtSink.

    The report every 100 ms is of the path that does best of those that carry: what one path lacks another has.
    """

    def __init__(self, *, spec: SinkSpec, libsrt: Libsrt | None = None, on_feedback: OnFeedback = to_nobody) -> None:
        """Raises Invalid for a wrong URL or passphrase."""
        self.name = spec.name
        self._address = parse_group_url(spec.url)
        self._options = srt_options(spec, self._address.paths[0].peer)
        self._libsrt = libsrt or Libsrt()
        self._on_feedback = on_feedback
        self._latency = latency_detail(self._options)
        self._links = SrtGroupLinks(sink=spec.name, role=spec.role)
        self._next_look_s = 0.0
        self._group: SrtGroup | None = None
        self._muxer = TsMuxer()

    def open(self, format: StreamFormat) -> None:
        if self._group is not None and self._group.connected:
            return
        self.close()
        self._group = dial_group(self._libsrt, self._address, self._fitted())

    def write(self, unit: AccessUnit) -> None:
        if self._group is None:
            raise PeerGone(f"SRT group to {self._address.where}: not connected")
        now_s = time.monotonic()
        if now_s >= self._next_look_s:
            self._next_look_s = now_s + REPORT_S
            self._look(self._group, now_s)
        self._group.send(self._muxer.mux(unit))

    def close(self) -> None:
        self._muxer = TsMuxer()
        if self._group is not None:
            self._group.close()

    def detail(self) -> Mapping[str, Any]:
        """Each path with what it does; a lost one has the state `broken` until it is back."""
        return {
            "mode": "caller",
            "group": self._address.kind.value,
            "peer": self._address.where,
            **self._latency,
            "stream_id": self._options.stream_id,
            **security(encrypted=bool(self._options.passphrase)),
            "paths": self._paths(),
        }

    def _fitted(self) -> SrtOptions:
        """With the latency that the slowest path needs that answers."""
        options = self._options
        if options.latency_ms == AUTOMATIC:
            trips_ms = [_probed_rtt_ms(path, options) for path in self._address.paths]
            longest_ms = max((trip for trip in trips_ms if trip is not None), default=None)
            options = replace(options, latency_ms=fitting_latency_ms(longest_ms))
            self._latency = {**self._latency, "latency_ms": options.latency_ms}
        return options

    def _look(self, group: SrtGroup, now_s: float) -> None:
        carrying = [member for member in group.members() if member.state is MemberState.RUNNING]
        report = self._links.report({member.number: self._libsrt.stats(member.number) for member in carrying}, now_s)
        if report is not None:
            self._on_feedback(report)

    def _paths(self) -> list[Mapping[str, Any]]:
        members = self._members()
        return [self._path(token, members) for token in range(len(self._address.paths))]

    def _members(self) -> Mapping[int, Member]:
        if self._group is not None:
            with contextlib.suppress(EdgeError):
                return {member.token: member for member in self._group.members()}
        return {}

    def _path(self, token: int, members: Mapping[int, Member]) -> Mapping[str, Any]:
        path = self._address.paths[token]
        shown = {"peer": path.peer.where, "adapter": path.adapter, "state": "broken"}
        member = members.get(token)
        if member is None:
            return shown
        shown["state"] = member.state.value
        with contextlib.suppress(EdgeError):
            return {**shown, "stats": asdict(self._libsrt.stats(member.number))}
        return shown


def _probed_rtt_ms(path: SrtPath, options: SrtOptions) -> float | None:
    own = replace(options, adapter=path.adapter)
    return probe_rtt_ms(resolve(path.peer.host, path.peer.port), prepare=partial(prepare_probe, options=own))


def _endpoints(address: SrtGroupAddress) -> tuple[Endpoint, ...]:
    return tuple(
        Endpoint(
            peer=resolve(path.peer.host, path.peer.port),
            own=resolve(path.adapter, 0) if path.adapter else None,
            weight=len(address.paths) - token,
            token=token,
        )
        for token, path in enumerate(address.paths)
    )
