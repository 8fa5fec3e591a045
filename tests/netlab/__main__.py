"""The emulator by hand.

`python -m tests.netlab` prints its own error and cost; `python -m tests.netlab PROFILE` holds a line to try things on.
"""

from __future__ import annotations

import os
import sys
import time

from tests.bench.conditions import conditions, cpu_s, percentile, say
from tests.netlab.lab import NetLab
from tests.netlab.path import Path
from tests.netlab.probe import send_through
from tests.netlab.profiles import PROFILES, Profile

_DELAY_MS, _SECONDS = 20, 4


def main() -> int:
    names = sys.argv[1:]
    if not names:
        return _measure()
    profile = PROFILES.get(names[0])
    if profile is None:
        say(f"no line {names[0]}; there is {', '.join(PROFILES)}")
        return 2
    return _hold(profile)


def _measure() -> int:
    say(conditions())
    with NetLab() as lab:
        lab.set(Path(delay_ms=_DELAY_MS), Path())
        for per_s in (1000, 2000, 4000):
            before_s = cpu_s(lab.pid)
            came = send_through(lab.box, lab.viewer, packets=per_s * _SECONDS, per_s=per_s)
            used = 100 * (cpu_s(lab.pid) - before_s) / _SECONDS
            errors = [arrival.took_ms - _DELAY_MS for arrival in came]
            ranks = ", ".join(f"{name} {percentile(errors, share):.2f}" for name, share in _RANKS)
            say(f"{per_s} packets/s: error in ms: {ranks}; {len(came)} came; {used:.0f} % of a core")
    return 0


def _hold(profile: Profile) -> int:
    with NetLab() as lab:
        for name, place in (("box", lab.box), ("viewer", lab.viewer)):
            fd = f"/proc/{os.getpid()}/fd/{place.namespace}"
            say(f"{name}, {place.address}: nsenter --net={fd} COMMAND")
        lab.play(profile.steps)
        say(f"{profile.name}: {profile.note}; its schedule runs from now; Ctrl-C ends it")
        try:
            while True:
                time.sleep(5)
                say(str(lab.counts()))
        except KeyboardInterrupt:
            return 0


_RANKS = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))


if __name__ == "__main__":
    sys.exit(main())
