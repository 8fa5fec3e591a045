"""`python -m tests.bench [NAME ...] [--OPTION ...]`: run all measurements, or those named, and print their figures.

Options follow the names and are a named measurement's own. The long ones run only when they are named.
"""

from __future__ import annotations

import importlib
import itertools
import sys
import traceback

from tests.bench.conditions import conditions, say

_ALL = (
    "start_up",
    "sim_cost",
    "intake_cost",
    "encode_cost",
    "encode_rate",
    "srt_cost",
    "overhead",
    "viewer_cost",
    "latency_browser",
    "recovery",
    "memory",
)
_NAMED_ONLY = ("quality", "clock_skew", "network", "viewers", "durability", "fleet", "tls_handshakes")


def main() -> int:
    words = sys.argv[1:]
    named = list(itertools.takewhile(lambda word: not word.startswith("--"), words))
    names = named or list(_ALL)
    unknown = [name for name in names if name not in _ALL + _NAMED_ONLY]
    if unknown:
        say(f"no measurement {', '.join(unknown)}; there is {', '.join(_ALL + _NAMED_ONLY)}")
        return 2
    say(conditions())
    sys.argv[1:] = words[len(named) :]  # the rest they read when started alone
    failed = [name for name in names if not _measured(name)]
    if failed:
        say(f"\nnot measured: {', '.join(failed)}")
    return 1 if failed else 0


def _measured(name: str) -> bool:
    say(f"\n== {name}")
    try:
        importlib.import_module(f"tests.bench.{name}").main()
    except Exception:
        traceback.print_exc()
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
