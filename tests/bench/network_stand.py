"""One run: a sender at one end of the line, a receiver at the other, the schedule, and what is counted meanwhile."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.bench import network_page
from tests.bench.network_clip import BITRATE_BPS, FPS, GRAIN, HEIGHT, MAX_BITRATE_BPS, SPEED, WIDTH, Original
from tests.bench.network_figures import LineSample, Run, Shown
from tests.bench.network_srt import Received, SrtRecording, lost_by_seq
from tests.chromium import CHROMIUM, FLAGS
from tests.netlab.lab import NetLab
from tests.netlab.profiles import Profile
from tests.running_box import RunningBox

SRT_PORT = 9710
SETTLE_S = 5
TAIL_S = 1.0  # pictures captured this close to the end may still be on their way
_START_S = 90  # a busy machine takes its time
_NEWS_S = 2.0
_LOOK_S = 0.5  # between two looks at line and sender
_LOOKS = 5  # at whole pictures in the browser
_VIEWPORT = {"width": 640, "height": 400}  # pictures are decoded whole; painting them large costs half a core
_LEAST_SRT_LATENCY_MS = 120


@dataclass(frozen=True, slots=True)
class Schedule:
    """A line for so many seconds; SRT may wait for so many of its round trips."""

    profile: Profile
    seconds: float
    srt_round_trips: float = 4.0

    @property
    def change_s(self) -> tuple[float, ...]:
        """Where the line changes and is not down afterwards."""
        return tuple(step.at_s for step in self.profile.steps[1:] if not step.uplink.down)

    @property
    def srt_latency_ms(self) -> int:
        """By the longest round trip of the schedule, 120 ms at least."""
        rtt_ms = max(step.uplink.delay_ms + step.downlink.delay_ms for step in self.profile.steps)
        return max(_LEAST_SRT_LATENCY_MS, round(self.srt_round_trips * rtt_ms))


@contextlib.contextmanager
def lab_for(profile: Profile) -> Iterator[NetLab]:
    """The line is already as the schedule begins."""
    with NetLab() as lab:
        lab.set(profile.steps[0].uplink, profile.steps[0].downlink)
        yield lab


def box_webrtc(schedule: Schedule) -> Run:
    """The box's own page in Chromium."""
    with lab_for(schedule.profile) as lab, _box(lab, "srt=[]") as box, chromium_at(lab) as page:
        page.goto(f"http://{lab.box.address}:{box.ports.web}/")
        return page_run(schedule, lab, page, sent=lambda: _units(lab, box), notes=lambda: _box_notes(lab, box))


def page_run(
    schedule: Schedule,
    lab: NetLab,
    page: Page,
    *,
    sent: Callable[[], int],
    notes: Callable[[], list[str]] = list,
) -> Run:
    """Play the schedule to a page that has, or soon will have, a video. `sent` counts the sender's pictures."""
    page.wait_for_function("document.querySelector('video')?.videoWidth > 0", timeout=30_000)
    page.wait_for_timeout(SETTLE_S * 1000)
    network_page.watch_pictures(page)
    sent_before, before = sent(), network_page.counts(page)
    begin_s, line = follow(schedule, lab, rest=lambda seconds: page.wait_for_timeout(seconds * 1000))
    sent_after, after = sent(), network_page.counts(page)
    shown = [Shown(one.captured_s - begin_s, one.shown_s - begin_s) for one in network_page.pictures(page)]
    grown = {name: after[name] - before[name] for name in after}
    sent_pictures = sent_after - sent_before
    lost = max(0.0, 1 - grown["framesDecoded"] / max(1, sent_pictures))
    told = ", ".join(f"{name} {count}" for name, count in grown.items())
    return Run(
        seconds=schedule.seconds,
        shown=shown,
        line=line,
        lost=lost,
        sent=sent_pictures,
        psnr_db=_likeness(page),
        change_s=schedule.change_s,
        notes=[f"Chromium: {told}", *notes(), line_note(lab)],
    )


def _likeness(page: Page) -> list[float]:
    """The PSNR of some pictures after the measurement, on the line as its schedule left it."""
    original = Original()
    lumas = (network_page.luma(page) for _ in range(_LOOKS))
    found = (original.psnr_now_db(luma) for luma in lumas if luma is not None)
    return [found_db for found_db in found if found_db is not None]


def box_srt(schedule: Schedule) -> Run:
    """The box calls a receiver of ours, which waits again whenever it left."""
    latency_ms = schedule.srt_latency_ms
    with tempfile.TemporaryDirectory(prefix="srt-") as folder, lab_for(schedule.profile) as lab:
        url = f"srt://{lab.viewer.address}:{SRT_PORT}?mode=caller"
        sets = (f'srt=[{{name="srt", url="{url}", latency_ms={latency_ms}}}]',)
        with contextlib.ExitStack() as ending:
            with lab.viewer.inside():
                kept = Path(folder) / "kept"
                recording = ending.enter_context(SrtRecording(kept, port=SRT_PORT, latency_ms=latency_ms))
            box = ending.enter_context(_box(lab, *sets))
            with lab.box.inside():
                box.wait_until(lambda: box.sink("srt")["state"] == "live", what="SRT connected")
            time.sleep(SETTLE_S)
            before = _units(lab, box)
            begin_s, line = follow(schedule, lab, rest=time.sleep, sender_queue_ms=lambda: _srt_queue_ms(lab, box))
            sent = _units(lab, box) - before
            notes = [*_box_notes(lab, box), line_note(lab)]
        received = recording.received()
    lost = lost_by_seq(received.seqs, begin_s, begin_s + schedule.seconds - latency_ms / 1000 - TAIL_S)
    return srt_run(schedule, recording, received, line, begin_s=begin_s, lost=lost, sent=sent, notes=notes)


def srt_run(
    schedule: Schedule,
    recording: SrtRecording,
    received: Received,
    line: list[LineSample],
    *,
    begin_s: float,
    lost: float,
    sent: int,
    notes: list[str],
) -> Run:
    end_s = begin_s + schedule.seconds
    return Run(
        seconds=schedule.seconds,
        shown=[
            Shown(one.captured_s - begin_s, one.shown_s - begin_s)
            for one in received.pictures
            if begin_s <= one.shown_s < end_s
        ],
        line=line,
        lost=lost,
        sent=sent,
        psnr_db=[found_db for at_s, found_db in received.psnr_db if begin_s <= at_s < end_s],
        change_s=schedule.change_s,
        dropped_packets=recording.dropped_packets(begin_s, end_s),
        notes=[f"{recording.sessions} SRT connection(s), {received.unreadable} pictures without their time", *notes],
    )


@contextlib.contextmanager
def chromium_at(lab: NetLab) -> Iterator[Page]:
    """A page of a browser in the viewer's namespace."""
    with contextlib.ExitStack() as ending:
        with lab.viewer.inside():
            playwright = ending.enter_context(sync_playwright())
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        ending.callback(browser.close)
        page = browser.new_page(viewport=_VIEWPORT, bypass_csp=True)
        page.add_init_script(network_page.HOOK)
        yield page


def line_note(lab: NetLab) -> str:
    counts = lab.counts()
    up, down = counts["uplink"], counts["downlink"]
    return (
        f"line up: {up['offered']} packets, {up['lost']} lost, {up['overflowed']} overflowed, "
        f"{up['outage']} in outages, {up['astray']} to an old address, queue {up['longest_queue_ms']:.0f} ms at most; "
        f"down: {down['offered']} packets, {down['lost']} lost; "
        f"emulator late p50 {up['late_p50_ms']:.2f} p99 {up['late_p99_ms']:.2f} ms"
    )


def follow(
    schedule: Schedule,
    lab: NetLab,
    *,
    rest: Callable[[float], object],
    sender_queue_ms: Callable[[], float | None] = lambda: None,
) -> tuple[float, list[LineSample]]:
    """Play the schedule to its end. UTC seconds at which it began, and what was sampled meanwhile."""
    begin_ns = lab.play(schedule.profile.steps)
    samples = []
    while (at_s := (time.monotonic_ns() - begin_ns) / 1e9) < schedule.seconds:
        delivered = lab.counts()["uplink"]["delivered_bytes"]
        samples.append(LineSample(at_s, delivered, sender_queue_ms()))
        rest(min(_LOOK_S, max(0.0, schedule.seconds - at_s)))
    return begin_ns / 1e9 + time.time() - time.monotonic(), samples


@contextlib.contextmanager
def _box(lab: NetLab, *sets: str) -> Iterator[RunningBox]:
    """Live, in the box's namespace, with the benchmark's clip."""
    clip = (
        f"source.sim.width={WIDTH}",
        f"source.sim.height={HEIGHT}",
        f"source.sim.fps={FPS}",
        f"source.sim.grain={GRAIN}",
        "webrtc.require_token=never",
        f"encoder.bitrate_bps={BITRATE_BPS}",
        f"encoder.max_bitrate_bps={MAX_BITRATE_BPS}",
        f"encoder.speed={SPEED}",
        "web.host=0.0.0.0",
    )
    with contextlib.ExitStack() as ending:
        folder = ending.enter_context(tempfile.TemporaryDirectory(prefix="box-", dir="/tmp"))
        with lab.box.inside():
            box = ending.enter_context(RunningBox(Path(folder), *clip, *sets))
            box.wait_until(lambda: box.input("main")["picture"]["live"] is True, what="live", patience_s=_START_S)
        yield box


def _units(lab: NetLab, box: RunningBox) -> int:
    """How many pictures were encoded, just when the box says so anew: its status is up to half a second old."""
    with lab.box.inside():
        before = units = _told_units(box)
        until_s = time.monotonic() + _NEWS_S
        while units == before and time.monotonic() < until_s:
            time.sleep(0.03)
            units = _told_units(box)
    return units


def _told_units(box: RunningBox) -> int:
    return int(box.status()["encoder"]["rungs"][0]["units"])


def _srt_queue_ms(lab: NetLab, box: RunningBox) -> float:
    with lab.box.inside():
        return float(box.sink("srt")["detail"].get("stats", {}).get("send_buffer_ms", 0))


def _box_notes(lab: NetLab, box: RunningBox) -> list[str]:
    with lab.box.inside():
        status = box.status()
    rung, own = status["encoder"]["rungs"][0], status["latency"]["box"]
    sinks = ", ".join(
        f"{sink['name']} {sink['delivered']} delivered {sink['dropped']} dropped" for sink in status["sinks"]
    )
    return [
        (
            f"box: target {rung['target_bps'] / 1e6:.1f} Mb/s, keyframes {rung['keyframes']}, "
            f"itself p50 {own['p50'] / 1000:.0f} p95 {own['p95'] / 1000:.0f} ms; {sinks}"
        )
    ]
