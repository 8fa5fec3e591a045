"""The whole box through emulated lines, to Chromium and to an SRT receiver: `make bench-network`.

`python -m tests.bench network [--quick] [--only PROFILE] [--transport webrtc|srt] [--srt-round-trips N] [--no-rivals]`;
`--only` as often as you like. Sender, line and receiver share this machine: one clock, and one set of cores.
Glass to glass is from the capture time in the picture to its `requestVideoFrameCallback` (WebRTC), or to the
arrival of its last byte and the time that decoding takes (SRT). Needs root.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.bench import network_rivals, network_stand
from tests.bench.conditions import conditions, say
from tests.bench.network_clip import DESCRIPTION
from tests.bench.network_figures import Run
from tests.bench.network_stand import Schedule
from tests.bench.network_table import Column, render
from tests.bench.network_targets import Transport, verdicts
from tests.netlab.path import End
from tests.netlab.profiles import PROFILES, Profile

_STEADY_S, _QUICK_S = 30.0, 12.0
_AFTER_LAST_CHANGE_S = {"cut-20-4-20": 16.0}  # its target looks 15 s back
_AFTER_S = 8.0
_TRANSPORTS = ("webrtc", "srt")
_CALLERS = {Transport.WEBRTC: End.VIEWER, Transport.SRT: End.BOX}
_SENDERS: dict[Transport, Sequence[tuple[str, Callable[[Schedule], Run]]]] = {
    Transport.WEBRTC: (("Scopecast", network_stand.box_webrtc), ("GStreamer webrtcbin", network_rivals.gst_webrtc)),
    Transport.SRT: (("Scopecast", network_stand.box_srt), ("ffmpeg", network_rivals.ffmpeg_srt)),
}


def main() -> None:
    options = options_of(sys.argv[1:])
    if os.geteuid() != 0:
        raise SystemExit("network namespaces and TUN devices need root: run this as root")
    say(f"clip: {DESCRIPTION}")
    say(network_rivals.DESCRIPTION)
    say("an encoder below its frame rate: the machine was too busy, or rate control gave up pictures")
    judged: list[str] = []
    for profile in (PROFILES[name] for name in options.only or PROFILES):
        schedule = Schedule(profile, measured_s(profile, quick=options.quick), options.srt_round_trips)
        for transport in [Transport[name.upper()] for name in options.transport or _TRANSPORTS]:
            judged += _one(schedule, transport, rivals=options.rivals)
    missed = [words for words in judged if words]
    say(f"\nScopecast met {len(judged) - len(missed)} of {len(judged)} targets")
    for words in missed:
        say(f"  not met: {words}")


def _one(schedule: Schedule, transport: Transport, *, rivals: bool) -> list[str]:
    """Prints its table. One entry for each of the box's targets, empty where it was met."""
    profile = schedule.profile.called_by(_CALLERS[transport])
    schedule = replace(schedule, profile=profile)
    setting = f", SRT latency {schedule.srt_latency_ms} ms" if transport is Transport.SRT else ""
    say(f"\n{profile.name}, {transport}: {profile.note}{setting}; {schedule.seconds:g} s; {conditions()}")
    senders = _SENDERS[transport] if rivals else _SENDERS[transport][:1]
    columns = [_column(name, measure, schedule) for name, measure in senders]
    latency_ms = schedule.srt_latency_ms if transport is Transport.SRT else 0
    say(render(profile, transport, columns, latency_ms=latency_ms))
    own = columns[0].run
    if own is None:
        return [f"{profile.name}, {transport}: not measured"]
    return [
        "" if one.met else f"{profile.name}, {transport}: {one.what} {one.figure}, target {one.target}"
        for one in verdicts(profile, transport, own, latency_ms=latency_ms)
    ]


def _column(name: str, measure: Callable[[Schedule], Run], schedule: Schedule) -> Column:
    try:
        return Column(name, measure(schedule))
    except Exception as error:
        traceback.print_exc()
        return Column(name, None, f"{type(error).__name__}: {error}".partition("\n")[0])


def measured_s(profile: Profile, *, quick: bool) -> float:
    """A schedule is played whole, whatever the hurry."""
    if profile.changes_s:
        return profile.changes_s[-1] + _AFTER_LAST_CHANGE_S.get(profile.name, _AFTER_S)
    return _QUICK_S if quick else _STEADY_S


def options_of(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="network", description="the box through emulated lines")
    parser.add_argument("--quick", action="store_true", help="steady lines for 12 s instead of 30")
    parser.add_argument("--only", action="append", choices=list(PROFILES), metavar="PROFILE", help="this line")
    parser.add_argument("--transport", action="append", choices=_TRANSPORTS, help="this one only")
    parser.add_argument("--srt-round-trips", type=float, default=4.0, help="SRT's latency (default %(default)g)")
    parser.add_argument("--no-rivals", dest="rivals", action="store_false", help="the box alone")
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
