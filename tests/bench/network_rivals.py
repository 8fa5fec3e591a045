"""The same clip over the same line with what one would take otherwise: GStreamer's webrtcbin, ffmpeg's SRT."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page

from tests.bench.network_clip import BITRATE_BPS, FPS, HEIGHT, SPEED, WIDTH
from tests.bench.network_figures import Run
from tests.bench.network_frames import sent_s
from tests.bench.network_srt import SrtRecording, lost_by_time
from tests.bench.network_stand import (
    SETTLE_S,
    SRT_PORT,
    TAIL_S,
    Schedule,
    chromium_at,
    follow,
    lab_for,
    line_note,
    page_run,
    srt_run,
)
from tests.netlab.lab import NetLab
from tests.running_box import end_with_the_tests

DESCRIPTION = (
    f"others: GStreamer x264enc zerolatency {SPEED} {BITRATE_BPS / 1e6:g} Mb/s, webrtcbin with NACK; "
    f"ffmpeg libx264 zerolatency {SPEED} {BITRATE_BPS / 1e6:g} Mb/s, mpegts over srt. Neither adapts its bit rate "
    "to the line, and ffmpeg does not call again: what they lack there is theirs, not the bench's"
)
_PAGE = "data:text/html,<video muted autoplay playsinline></video>"
_CONNECT_S = 20

# As kind to the sender as the box's own page: no jitter buffer beyond what the browser needs.
_ANSWER = """
async (sdp) => {
  const peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  peer.ontrack = ({ track, receiver }) => {
    receiver.jitterBufferTarget = 0;
    document.querySelector("video").srcObject = new MediaStream([track]);
  };
  await peer.setRemoteDescription({ type: "offer", sdp });
  await peer.setLocalDescription();
  while (peer.iceGatheringState !== "complete") await new Promise((done) => setTimeout(done, 50));
  return peer.localDescription.sdp;
}
"""


def gst_webrtc(schedule: Schedule) -> Run:
    with (
        tempfile.TemporaryDirectory(prefix="gst-") as folder,
        lab_for(schedule.profile) as lab,
        chromium_at(lab) as page,
    ):
        sent = Path(folder) / "sent"
        page.goto(_PAGE)
        with _webrtcbin(lab, page, sent):
            return page_run(schedule, lab, page, sent=lambda: len(sent.read_text().splitlines()))


def ffmpeg_srt(schedule: Schedule) -> Run:
    latency_ms = schedule.srt_latency_ms
    with tempfile.TemporaryDirectory(prefix="srt-") as folder, lab_for(schedule.profile) as lab:
        sent = Path(folder) / "sent"
        with contextlib.ExitStack() as ending:
            with lab.viewer.inside():
                kept = Path(folder) / "kept"
                recording = ending.enter_context(SrtRecording(kept, port=SRT_PORT, latency_ms=latency_ms))
            time.sleep(2)  # the receiver listens
            sender = ending.enter_context(_ffmpeg(lab, sent, latency_ms))
            recording.wait_first(_CONNECT_S)
            time.sleep(SETTLE_S)
            before = len(sent_s(sent))
            begin_s, line = follow(schedule, lab, rest=time.sleep)
            sent_pictures = len(sent_s(sent)) - before
            ended = sender.poll()
            notes = [line_note(lab), *([] if ended is None else [f"ffmpeg ended by itself with {ended}"])]
        received = recording.received()
        end_s = begin_s + schedule.seconds - latency_ms / 1000 - TAIL_S
        lost = lost_by_time(received.pictures, sent_s(sent), begin_s, end_s)
    return srt_run(schedule, recording, received, line, begin_s=begin_s, lost=lost, sent=sent_pictures, notes=notes)


@contextlib.contextmanager
def _webrtcbin(lab: NetLab, page: Page, sent: Path) -> Iterator[None]:
    """Sends to the page, by way of an offer and an answer that this process carries."""
    argv = (sys.executable, "-m", "tests.bench.network_gst", str(sent))
    with lab.box.inside():
        sender = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=end_with_the_tests
        )
    with _ended(sender):
        assert sender.stdin is not None
        assert sender.stdout is not None
        said = sender.stdout.readline()
        if not said:
            raise RuntimeError(f"webrtcbin made no offer; it ended with {sender.wait(10)}")
        answer = page.evaluate(_ANSWER, json.loads(said)["offer"])
        sender.stdin.write(json.dumps({"answer": answer}) + "\n")
        sender.stdin.flush()
        yield


@contextlib.contextmanager
def _ffmpeg(lab: NetLab, sent: Path, latency_ms: int) -> Iterator[subprocess.Popen[bytes]]:
    url = f"srt://{lab.viewer.address}:{SRT_PORT}?mode=caller&transtype=live&pkt_size=1316&latency={latency_ms * 1000}"
    with lab.box.inside():
        feeder = subprocess.Popen(
            (sys.executable, "-m", "tests.bench.network_frames", str(sent)),
            stdout=subprocess.PIPE,
            preexec_fn=end_with_the_tests,
        )
        sender = subprocess.Popen(_ffmpeg_argv(url), stdin=feeder.stdout, preexec_fn=end_with_the_tests)
    assert feeder.stdout is not None
    feeder.stdout.close()
    with _ended(feeder), _ended(sender):
        yield sender


def _ffmpeg_argv(url: str) -> list[str]:
    raw = f"-f rawvideo -pix_fmt yuv420p -s {WIDTH}x{HEIGHT} -r {FPS} -i pipe:0"
    rate = f"-b:v {BITRATE_BPS} -maxrate {BITRATE_BPS} -bufsize {BITRATE_BPS // 10} -g {2 * FPS}"
    code = f"-c:v libx264 -preset {SPEED} -tune zerolatency {rate}"
    mux = "-f mpegts -muxdelay 0 -muxpreload 0 -flush_packets 1"
    return ["ffmpeg", "-v", "error", "-fflags", "nobuffer", *raw.split(), *code.split(), *mux.split(), url]


@contextlib.contextmanager
def _ended(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> Iterator[None]:
    """The process ends with the context."""
    try:
        yield
    finally:
        process.terminate()
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
