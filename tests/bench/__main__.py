"""`python -m tests.bench [NAME ...]`: run all measurements, or those named, and print their figures."""

from __future__ import annotations

import importlib
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


def main() -> int:
    names = sys.argv[1:] or list(_ALL)
    unknown = [name for name in names if name not in _ALL]
    if unknown:
        say(f"no measurement {', '.join(unknown)}; there is {', '.join(_ALL)}")
        return 2
    say(conditions())
    sys.argv[1:] = []  # the measurements read their own words, when they are started alone
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
