"""A page in Chromium that tells of every picture when it was captured and when it was there.

`requestVideoFrameCallback` tells when, and the RTP time of the picture; a canvas reads the time strip out of
every few pictures, which says which capture time an RTP time stands for. Reading all of them would make them late.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

from edge.model import strip
from tests.bench.conditions import percentile

_READ_EVERY = 3
_RTP_HZ = 90_000
_DISAGREE_S = 0.005  # a sender whose RTP times are further from its strips has no capture times in RTP

# Before any script of the page: every peer connection is remembered, and what it counted until it was closed.
HOOK = """
window.__peers = [];
window.RTCPeerConnection = new Proxy(window.RTCPeerConnection, {
  construct(target, args) {
    const peer = new target(...args);
    window.__peers.push({ peer, counted: {} });
    return peer;
  },
});
window.__count = async () => {
  for (const one of window.__peers) {
    if (one.peer.connectionState === "closed") continue;
    for (const entry of (await one.peer.getStats()).values())
      if (entry.type === "inbound-rtp" && entry.kind === "video") one.counted = entry;
  }
};
setInterval(window.__count, 500);
"""

_WATCH = """
(every) => {
  const video = document.querySelector("video");
  const canvas = new OffscreenCanvas(1024, 1);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const seen = (window.__seen = { pictures: [], utcMinusPerformanceMs: -Infinity });
  let count = 0;
  const onPicture = (_, { rtpTimestamp }) => {
    const atMs = performance.now();
    // Date.now() is cut to whole milliseconds: the largest difference seen is the true one
    seen.utcMinusPerformanceMs = Math.max(seen.utcMinusPerformanceMs, Date.now() - performance.now());
    video.requestVideoFrameCallback(onPicture);
    seen.pictures.push([atMs, rtpTimestamp ?? null, count++ % every === 0 ? readStrip() : null]);
  };
  const readStrip = () => {
    const side = video.videoWidth >= 1024 ? 16 : 8;
    context.drawImage(video, 0, side / 2, 64 * side, 1, 0, 0, 64 * side, 1);
    const row = context.getImageData(0, 0, 64 * side, 1).data;
    return Array.from({ length: 64 }, (_, index) => row[4 * (index * side + side / 2) + 1]);
  };
  video.requestVideoFrameCallback(onPicture);
}
"""

_COUNTS = """
async () => {
  await window.__count();
  const sums = { framesDecoded: 0, packetsLost: 0, nackCount: 0, pliCount: 0, retransmittedPacketsReceived: 0 };
  for (const { counted } of window.__peers)
    for (const name of Object.keys(sums)) sums[name] += counted[name] ?? 0;
  return { sessions: window.__peers.length, ...sums };
}
"""


@dataclass(frozen=True, slots=True)
class PagePicture:
    """UTC seconds."""

    captured_s: float
    shown_s: float


def watch_pictures(page: Page) -> None:
    """From now on; wants a page that shows a video."""
    page.evaluate(_WATCH, _READ_EVERY)


def counts(page: Page) -> dict[str, int]:
    """Sums of WebRTC's own statistics over all the page's connections, and how many of those there were."""
    found: dict[str, int] = page.evaluate(_COUNTS)
    return found


def pictures(page: Page) -> list[PagePicture]:
    """All since `watch_pictures`, by RTP time where the strips bear it out, else only those that were read."""
    seen = page.evaluate("window.__seen")
    return paired(seen["pictures"], seen["utcMinusPerformanceMs"])


def paired(raw: Sequence[Sequence[Any]], utc_minus_performance_ms: float) -> list[PagePicture]:
    """`raw`: when it was there, RTP time or None, cells or None; in order."""
    read: list[tuple[float, int | None, float | None]] = []
    for at_ms, rtp, cells in raw:
        shown_s = (at_ms + utc_minus_performance_ms) / 1000
        read.append((shown_s, rtp, _captured_s(cells, shown_s)))
    found = []
    anchor: tuple[int, float] | None = None
    for shown_s, rtp, captured_s in read:
        if captured_s is not None:
            if rtp is not None:
                anchor = (rtp, captured_s)
            found.append(PagePicture(captured_s, shown_s))
        elif anchor is not None and rtp is not None:
            found.append(PagePicture(anchor[1] + _rtp_s(rtp, anchor[0]), shown_s))
    return found if _rtp_tells(read) else [PagePicture(one[2], one[0]) for one in read if one[2] is not None]


def _captured_s(cells: Sequence[int] | None, shown_s: float) -> float | None:
    stamp_us = None if cells is None else strip.read_cells(cells)
    return None if stamp_us is None else strip.unwrap_us(stamp_us, int(shown_s * 1e6)) / 1e6


def _rtp_s(rtp: int, since: int) -> float:
    return ((rtp - since + (1 << 31)) % (1 << 32) - (1 << 31)) / _RTP_HZ


def _rtp_tells(read: Sequence[tuple[float, int | None, float | None]]) -> bool:
    """Whether the RTP times run as the capture times do. A new session in between jumps; the others must agree."""
    anchors = [(rtp, captured_s) for _, rtp, captured_s in read if rtp is not None and captured_s is not None]
    steps = [abs(_rtp_s(after[0], before[0]) - (after[1] - before[1])) for before, after in itertools.pairwise(anchors)]
    return bool(steps) and percentile(steps, 0.95) < _DISAGREE_S
