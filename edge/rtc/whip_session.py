"""One WHIP session (RFC 9725): POST of the offer, sending, DELETE at the end.

There is no ICE restart by PATCH (4.3.2): aiortc's connections cannot restart ICE. A path that is lost ends the
session, and a new one takes its place.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from edge.model.errors import EdgeError, PeerGone, Unavailable
from edge.model.ice import IceServer
from edge.model.ice_link import ice_servers_of
from edge.model.sink import SinkSpec
from edge.rtc.whip_answer import check_created, resource_of
from edge.rtc.whip_http import HttpRequest, WhipHttp
from edge.rtc.whip_peer import OfferingPeer
from edge.rtc.whip_url import origin, where

_SDP = "application/sdp"
_LOOK_S = 0.1
_DELETE_S = 2.0


class WhipSession:
    """Use: `open`, `hold`, and `close` in any case. `join_s`: until media flows; `silence_s`: without a word of the
    receiver, once it has said some, until the path counts as lost. `named` are the ICE servers that came with the
    answer: too late for the offer, so that an ingest which takes only candidates it was told has them the next time.
    """

    def __init__(
        self,
        *,
        spec: SinkSpec,
        http: WhipHttp,
        peer: OfferingPeer,
        join_s: float = 15.0,
        silence_s: float = 6.0,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spec = spec
        self._http = http
        self.peer = peer
        self._join_s = join_s
        self._silence_s = silence_s
        self._now_s = now_s
        self._resource = ""
        self.named: tuple[IceServer, ...] = ()

    async def open(self) -> None:
        """Until the path stands. Raises Rejected (settings are wrong, here or there) or Unavailable."""
        offer = await self.peer.offer()
        answer = await self._http.send(
            HttpRequest("POST", self._spec.url, token=self._spec.token, body=offer, content_type=_SDP)
        )
        check_created(answer)
        self._resource = resource_of(answer)
        self.named = ice_servers_of(answer.all("link"))
        await self.peer.accept(answer.body, ice_servers=self.named)
        try:
            async with asyncio.timeout(self._join_s):
                while self.peer.state != "connected":
                    self._check_alive("no path to its media")
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError:
            sentence = f"{where(self._spec.url)}: no path to its media within {self._join_s:g} s"
            raise Unavailable(sentence, code="no_path") from None

    async def hold(self, look: Callable[[], None]) -> None:
        """Until the path is lost: raises PeerGone. `look` is called now and then."""
        heard_s, heard, talks = self._now_s(), self.peer.path, False
        while True:
            look()
            self.peer.report_when_due()
            self._check_alive("the session was ended or its path was lost")
            if self.peer.path is not heard:
                heard_s, heard, talks = self._now_s(), self.peer.path, True
            if talks and self._now_s() - heard_s > self._silence_s:
                raise PeerGone(f"{where(self._spec.url)} has been silent for {self._silence_s:g} s", code="path_lost")
            await asyncio.sleep(_LOOK_S)

    async def close(self) -> None:
        """Says good-bye to the ingest; that it does not answer is nobody's concern any more."""
        resource, self._resource = self._resource, ""
        await asyncio.gather(self.peer.close(), self._delete(resource))

    async def _delete(self, resource: str) -> None:
        if resource:
            token = self._spec.token if origin(resource) == origin(self._spec.url) else ""
            with contextlib.suppress(EdgeError):
                await self._http.send(HttpRequest("DELETE", resource, token=token), timeout_s=_DELETE_S)

    def _check_alive(self, what: str) -> None:
        if self.peer.state in ("failed", "closed"):
            raise PeerGone(f"{where(self._spec.url)}: {what}", code="path_lost")
