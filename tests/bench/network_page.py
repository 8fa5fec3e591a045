"""A page in Chromium that tells of every picture when it was captured and when it was there.

`requestVideoFrameCallback` tells when, and the RTP time of the picture; a canvas reads the time strip out of
every few pictures, which says which capture time an RTP time stands for. Reading all of them would make them late.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page

from edge.model import strip
from tests.bench.conditions import percentile

_READ_EVERY = 5
_JUMP_S = 60.0  # no picture is later than that; RTP times of two sessions are hours apart
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
    """All since `watch_pictures`, by RTP time where the strips bear it out."""
    seen = page.evaluate("window.__seen")
    return paired(seen["pictures"], seen["utcMinusPerformanceMs"])


def luma(page: Page) -> NDArray[np.uint8] | None:
    """Of the next picture, None when none comes. It keeps the page busy: not for while something is measured."""
    taken = page.evaluate(_LUMA, _PATIENCE_MS)
    if taken is None:
        return None
    return np.frombuffer(base64.b64decode(taken["luma"]), np.uint8).reshape(taken["height"], taken["width"])


def paired(raw: Sequence[Sequence[Any]], utc_minus_performance_ms: float) -> list[PagePicture]:
    """`raw`: when it was there, RTP time or None, cells or None; in order.

    What the canvas read may be a later picture than the callback's: a strip is never too early. So the smallest
    difference between capture and RTP time is a session's true one. Where RTP does not tell the capture time, a
    picture that was not read counts as late as the one that was read before it.
    """
    read = [
        _Read(shown_s := (at_ms + utc_minus_performance_ms) / 1000, rtp, _captured_s(cells, shown_s))
        for at_ms, rtp, cells in raw
    ]
    found: list[PagePicture] = []
    for session in _sessions(read):
        found += _told_by_rtp(session) or _told_by_strips(session)
    return found


@dataclass(frozen=True, slots=True)
class _Read:
    """A picture; with a capture time when its strip was read."""

    shown_s: float
    rtp: int | None
    captured_s: float | None


def _sessions(read: Sequence[_Read]) -> list[list[_Read]]:
    """Parts between jumps of the RTP time: each session begins at a time of its own."""
    parts: list[list[_Read]] = []
    last: _Read | None = None
    for one in read:
        if last is None or last.rtp is None or one.rtp is None or not _follows(last, one):
            parts.append([])
        parts[-1].append(one)
        last = one
    return parts


def _follows(before: _Read, after: _Read) -> bool:
    assert before.rtp is not None
    assert after.rtp is not None
    return abs(_rtp_s(after.rtp, before.rtp) - (after.shown_s - before.shown_s)) < _JUMP_S


def _told_by_rtp(session: Sequence[_Read]) -> list[PagePicture]:
    """Empty when most strips say something else."""
    first = session[0].rtp
    if first is None:
        return []
    since = [_rtp_s(one.rtp, first) if one.rtp is not None else 0.0 for one in session]
    bases = [one.captured_s - at_s for one, at_s in zip(session, since, strict=True) if one.captured_s is not None]
    if not bases or percentile(bases, 0.5) - min(bases) > _DISAGREE_S:
        return []
    return [PagePicture(min(bases) + at_s, one.shown_s) for one, at_s in zip(session, since, strict=True)]


def _told_by_strips(session: Sequence[_Read]) -> list[PagePicture]:
    """Nothing before the first strip."""
    found = []
    late_s: float | None = None
    for one in session:
        late_s = late_s if one.captured_s is None else one.shown_s - one.captured_s
        if late_s is not None:
            found.append(PagePicture(one.shown_s - late_s, one.shown_s))
    return found


def _captured_s(cells: Sequence[int] | None, shown_s: float) -> float | None:
    stamp_us = None if cells is None else strip.read_cells(cells)
    if stamp_us is None:
        return None
    captured_s = strip.unwrap_us(stamp_us, int(shown_s * 1e6)) / 1e6
    return captured_s if abs(shown_s - captured_s) < _JUMP_S else None  # damage that its 8-bit CRC did not see


def _rtp_s(rtp: int, since: int) -> float:
    return ((rtp - since + (1 << 31)) % (1 << 32) - (1 << 31)) / _RTP_HZ
