"""WHEP sessions: offers in, answers out, and no session outlives its viewer (RFC 9725's sibling, WHEP)."""

from __future__ import annotations

import asyncio
import itertools
import logging
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edge.model.errors import Busy, Forbidden, NotFound, NotSupported, Rejected
from edge.model.feedback import Demotion, Role
from edge.model.frame import AccessUnit
from edge.model.invitation import Invitation
from edge.ports import Clock
from edge.rtc.adapter import check_aiortc
from edge.rtc.connections import Connections
from edge.rtc.offer import read_fragment, read_offer
from edge.rtc.payload import PayloadCache
from edge.rtc.peer import ViewerPeer
from edge.rtc.viewer_channel import Subject, ViewerChannel
from edge.rtc.viewer_sink import FeedbackChannel, ViewerSink
from edge.rtc.viewing import Viewing, lesser_of
from edge.runtime.clock import rfc3339
from edge.runtime.component import Context

_LOG = logging.getLogger(__name__)
_SWEEP_S = 0.25
_GONE = ("failed", "closed")


@dataclass(frozen=True, slots=True)
class _Session:
    viewing: Viewing
    sink: ViewerSink
    peer: ViewerPeer
    channel: ViewerChannel
    since_ns: int
    invitation: Invitation | None


class WhepSessions:
    """Implements the Whep port, and is the component that sweeps away sessions whose viewer is gone.

    A viewer that vanishes without a word is noticed when its ICE consent expires (about 30 s); one
    that never connects is closed after `join_s`. `feedback` by rung says which rungs there are,
    `unplayable` which there are beside them that no browser can decode. Event loop only.
    """

    name = "whep"
    critical = True
    stall_s = None

    def __init__(
        self,
        *,
        feedback: Mapping[str, FeedbackChannel],
        clock: Clock,
        unplayable: Collection[str] = (),
        max_viewers: int = 8,
        connections: Connections | None = None,
        join_s: float = 20.0,
    ) -> None:
        self._feedback = feedback
        self._unplayable = unplayable
        self._clock = clock
        self._max_viewers = max_viewers
        self._connections = connections or Connections()
        self._join_ns = int(join_s * 1e9)
        self._sessions: dict[str, _Session] = {}
        self._numbers = itertools.count(1)
        self.payloads = PayloadCache(units=4 * max(1, len(feedback)))
        self.enabled = True
        check_aiortc()

    async def run(self, ctx: Context) -> None:
        ctx.ready()
        await ctx.until_stopped(self._keep_sweeping(ctx))
        await self._close(*self._sessions)

    async def offer(
        self, rung: str, sdp: str, *, role: Role = Role.GUIDE, invitation: Invitation | None = None
    ) -> tuple[str, str]:
        """(session id, SDP answer). Raises NotFound, NotSupported, Invalid, Busy `too_many_viewers`, Rejected.

        An invitation is for one session at a time: Forbidden `token_in_use`; one that never connected makes room.
        """
        self._check_rung(rung)
        offer = read_offer(sdp)
        if invitation is not None:
            role = invitation.role
            await self._make_room_for(invitation)
        if len(self._sessions) >= self._max_viewers:
            raise Busy(f"all {self._max_viewers} places for viewers are taken", code="too_many_viewers")
        session, entry = self._open(rung, role, invitation)
        try:
            answer = await entry.peer.answer(offer)
        except BaseException:
            await self._close(session)
            raise
        if session not in self._sessions:
            raise _stopped()
        who = f" ({invitation.title})" if invitation else ""
        _LOG.info("%s%s: joined, watches %s", entry.sink.name, who, rung)
        return session, answer

    async def trickle(self, session: str, fragment: str) -> None:
        """Raises NotFound, Invalid, NotSupported `ice_restart`."""
        await self._find(session).peer.add_candidates(read_fragment(fragment))

    async def end(self, session: str) -> None:
        """Raises NotFound."""
        self._find(session)
        await self._close(session)

    async def dismiss(self, *, session: str = "", invitation: str = "") -> Sequence[str]:
        """End that session, or those of that invitation. The invitations that they had."""
        ending = {
            name: entry
            for name, entry in self._sessions.items()
            if name == session or (entry.invitation is not None and entry.invitation.id == invitation)
        }
        await self._close(*ending)
        return [entry.invitation.id for entry in ending.values() if entry.invitation is not None]

    async def set_enabled(self, enabled: bool) -> None:
        """While the output is stopped offers are refused; stopping it closes what runs."""
        self.enabled = enabled
        if not enabled:
            await self._close(*self._sessions)

    def deliver(self, unit: AccessUnit) -> None:
        for entry in self._sessions.values():
            entry.viewing.take(unit)

    def watched(self, rung: str) -> bool:
        """Whether some viewer needs the units of that rung."""
        return any(rung in entry.viewing.rungs for entry in self._sessions.values())

    def resync(self, rung: str) -> None:
        """Units may have been lost before us: every viewer of that rung goes on at the next keyframe."""
        for entry in self._sessions.values():
            entry.viewing.resync(rung)

    def demote(self, rung: str, demotion: Demotion) -> None:
        """Give a viewer of that rung less than it, or all of it again; no error when it is gone.

        What is decided about a viewer at the rung that it has instead is nothing to it.
        """
        for entry in self._sessions.values():
            if entry.sink.name == demotion.sink and entry.viewing.home == rung:
                entry.viewing.demote(demotion.demoted)

    async def sweep(self) -> None:
        """Close the sessions whose viewer is gone or never came, and look after those that make do with less."""
        gone = [session for session, entry in self._sessions.items() if self._is_over(entry)]
        await self._close(*gone)
        for entry in self._sessions.values():
            entry.viewing.look()
            entry.peer.report_when_due()

    def viewers(self) -> list[Mapping[str, Any]]:
        """For the status document; delays in microseconds, `null` where not yet known. `rung` is what it gets now,
        `demoted` that this is less than it asked for, on purpose."""
        return [self._describe(session, entry) for session, entry in self._sessions.items()]

    async def _keep_sweeping(self, ctx: Context) -> None:
        while True:
            await asyncio.sleep(_SWEEP_S)
            await self.sweep()
            ctx.progress()

    def _check_rung(self, rung: str) -> None:
        if rung in self._unplayable:
            sentence = f"the rung {rung!r} is H.265, which browsers do not take; there is {', '.join(self._feedback)}"
            raise NotSupported(sentence, code="codec_not_supported")
        if rung not in self._feedback:
            raise NotFound(f"no rung {rung!r}, there is {', '.join(self._feedback)}", code="unknown_rung")
        if not self.enabled:
            raise _stopped()

    async def _make_room_for(self, invitation: Invitation) -> None:
        held = {name: entry for name, entry in self._sessions.items() if _is_of(entry, invitation)}
        if any(entry.peer.state == "connected" for entry in held.values()):
            raise Forbidden(f"somebody watches by the invitation of {invitation.title} already", code="token_in_use")
        await self._close(*held)

    def _open(self, rung: str, role: Role, invitation: Invitation | None) -> tuple[str, _Session]:
        session = secrets.token_urlsafe(16)
        name = f"viewer-{next(self._numbers)}"
        sink = ViewerSink(name=name, feedback=self._feedback[rung], clock=self._clock, role=role)
        channel = ViewerChannel(subject=Subject(session, rung, role), clock=self._clock)
        peer = ViewerPeer(sink=sink, payloads=self.payloads, connections=self._connections, channel=channel)
        viewing = Viewing(
            home=rung, lesser=lesser_of(rung, self._feedback), sink=sink, feedback=self._feedback, clock=self._clock
        )
        entry = _Session(viewing, sink, peer, channel, self._clock.mono_ns(), invitation)
        self._sessions[session] = entry
        return session, entry

    async def _close(self, *sessions: str) -> None:
        closing = [entry for session in sessions if (entry := self._sessions.pop(session, None)) is not None]
        for entry in closing:
            await entry.peer.close()
            _LOG.info("%s: left", entry.sink.name)

    def _find(self, session: str) -> _Session:
        if session not in self._sessions:
            raise NotFound("no such WHEP session", code="unknown_session")
        return self._sessions[session]

    def _is_over(self, entry: _Session) -> bool:
        if entry.peer.state in _GONE or entry.sink.track.readyState == "ended":
            return True
        return entry.peer.state != "connected" and self._clock.mono_ns() - entry.since_ns > self._join_ns

    def _describe(self, session: str, entry: _Session) -> Mapping[str, Any]:
        track, path, link = entry.sink.track, entry.peer.path, entry.sink.link
        repeats = entry.peer.repeats
        queue, send = track.queue_delay, track.send_delay
        return {
            "session": session,
            "name": entry.sink.name,
            "role": entry.sink.role,
            "rung": entry.viewing.rung,
            "demoted": entry.viewing.demoted,
            "guest": entry.invitation.name if entry.invitation else "",
            "invitation": entry.invitation.id if entry.invitation else "",
            "since": rfc3339(self._clock.utc_ns(entry.since_ns)),
            "state": entry.peer.state,
            "route": entry.peer.route,
            "delivered": track.delivered,
            "dropped": track.dropped,
            "keyframe_requests": entry.sink.keyframe_requests,
            "rtt_ms": path.rtt_ms,
            "lost": path.lost,
            "repeated": repeats.sent,
            "repeats_too_late": repeats.too_late,
            "repeats_refused": repeats.refused,
            "remb_bps": path.remb_bps,
            "sent_bps": None if link is None else link.sent_bps,
            "delivered_bps": None if link is None else link.delivered_bps,
            "loss": None if link is None else link.loss,
            "queue_ms": None if link is None else link.queue_ms,
            "queue_p50_us": queue.p50_us,
            "queue_p95_us": queue.p95_us,
            "send_p50_us": send.p50_us,
            "send_p95_us": send.p95_us,
            **entry.channel.report(),
        }


def _is_of(entry: _Session, invitation: Invitation) -> bool:
    return entry.invitation is not None and entry.invitation.id == invitation.id


def _stopped() -> Rejected:
    return Rejected("the WebRTC output is stopped", code="stopped")
