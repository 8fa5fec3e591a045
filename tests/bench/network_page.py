"""A page in Chromium that tells of every picture when it was captured and when it was there.

`requestVideoFrameCallback` tells when, and the RTP time of the picture; a canvas reads the time strip out of
every few pictures, which says which capture time an RTP time stands for. Reading all of them would make them late.
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page

from edge.model import strip
from tests.bench.conditions import percentile

_READ_EVERY = 5
_OLDEST_S = 60.0
_PATIENCE_MS = 2000
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
  return { newSessions: window.__peers.length, ...sums };
}
"""


# The luma of the next picture, back from the RGB that a canvas gives (ITU-R BT.709, limited range), as base64.
_LUMA = """
async (patienceMs) => {
  const video = document.querySelector("video");
  const next = new Promise((done) => video.requestVideoFrameCallback(() => done(true)));
  const late = new Promise((done) => setTimeout(() => done(false), patienceMs));
  if (!(await Promise.race([next, late]))) return null;
  const [width, height] = [video.videoWidth, video.videoHeight];
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(video, 0, 0);
  const rgba = context.getImageData(0, 0, width, height).data;
  const luma = new Uint8Array(width * height);
  for (let at = 0; at < luma.length; at++)
    luma[at] = 16.5 + (219 / 255) * (0.2126 * rgba[4 * at] + 0.7152 * rgba[4 * at + 1] + 0.0722 * rgba[4 * at + 2]);
  const url = await new Promise((done) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.readAsDataURL(new Blob([luma]));
  });
  return { width, height, luma: url.slice(url.indexOf(",") + 1) };
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


def luma(page: Page) -> NDArray[np.uint8] | None:
    """Of the next picture, None when none comes. It keeps the page busy: not for while something is measured."""
    taken = page.evaluate(_LUMA, _PATIENCE_MS)
    if taken is None:
        return None
    return np.frombuffer(base64.b64decode(taken["luma"]), np.uint8).reshape(taken["height"], taken["width"])


def paired(raw: Sequence[Sequence[Any]], utc_minus_performance_ms: float) -> list[PagePicture]:
    """`raw`: when it was there, RTP time or None, cells or None; in order."""
    read = [
        _Read(shown_s := (at_ms + utc_minus_performance_ms) / 1000, rtp, _captured_s(cells, shown_s))
        for at_ms, rtp, cells in raw
    ]
    anchors = [one for one in read if one.captured_s is not None]
    if not _rtp_tells(anchors):
        return [PagePicture(one.captured_s, one.shown_s) for one in anchors if one.captured_s is not None]
    found = []
    behind = 0  # anchors that were read before this picture
    for one in read:
        behind += one.captured_s is not None
        near = [one] if one.captured_s is not None else anchors[max(0, behind - 1) : behind + 1]
        times = (_captured_by(anchor, one) for anchor in near)
        captured_s = next((at_s for at_s in times if -0.01 < one.shown_s - at_s < _OLDEST_S), None)
        if captured_s is not None:
            found.append(PagePicture(captured_s, one.shown_s))
    return found


@dataclass(frozen=True, slots=True)
class _Read:
    """A picture; with a capture time when its strip was read."""

    shown_s: float
    rtp: int | None
    captured_s: float | None


def _captured_by(anchor: _Read, one: _Read) -> float:
    """The capture time that the anchor's gives to this RTP time: far off when a new session came between."""
    assert anchor.captured_s is not None
    if anchor is one or anchor.rtp is None or one.rtp is None:
        return anchor.captured_s if anchor is one else float("-inf")
    return anchor.captured_s + _rtp_s(one.rtp, anchor.rtp)


def _captured_s(cells: Sequence[int] | None, shown_s: float) -> float | None:
    stamp_us = None if cells is None else strip.read_cells(cells)
    return None if stamp_us is None else strip.unwrap_us(stamp_us, int(shown_s * 1e6)) / 1e6


def _rtp_s(rtp: int, since: int) -> float:
    return ((rtp - since + (1 << 31)) % (1 << 32) - (1 << 31)) / _RTP_HZ


def _rtp_tells(anchors: Sequence[_Read]) -> bool:
    """Whether the RTP times run as the capture times do. A new session in between jumps; the others must agree."""
    steps = [
        abs(_captured_by(before, after) - after.captured_s)
        for before, after in itertools.pairwise(anchors)
        if after.captured_s is not None
    ]
    return bool(steps) and percentile(steps, 0.9) < _DISAGREE_S
