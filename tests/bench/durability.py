"""What survives `kill -9` and what never runs: `make bench-durability`, about 18 minutes.

`python -m tests.bench durability [--only commands|events|envelopes] [--seed N] [--quick]`. Box (its link alone),
Mosquitto (persistence on, saved once a second) and controller are real processes on this machine; each is killed by
its pid and started again at once. The box waits 2 s at most between two tries here, not 300 as the contract has it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.bench.conditions import conditions, say
from tests.bench.quality_table import table
from tests.durability.commands import CommandFigures, measure_commands
from tests.durability.envelopes import EnvelopeFigures, measure_envelopes
from tests.durability.events import EventFigures, measure_events

Row = tuple[str, str, str, bool]
_PARTS = ("commands", "events", "envelopes")
_GROWTH_MB = 5.0


def main() -> None:
    options = _options(sys.argv[1:])
    measures: Mapping[str, Callable[[Path, int, bool], Sequence[Row]]] = {
        "commands": _commands,
        "events": _events,
        "envelopes": _envelopes,
    }
    missed = 0
    for name in options.only or _PARTS:
        with tempfile.TemporaryDirectory(prefix="durability-") as folder:
            say(f"\n{name}: seed {options.seed}, fsync here {_fsync_ms(Path(folder)):.2f} ms; {conditions()}")
            rows = measures[name](Path(folder), options.seed, options.quick)
        words = [[what, figure, target, "met" if met else "NOT MET"] for what, figure, target, met in rows]
        say(table(["", "figure", "target", ""], words))
        missed += sum(not met for *_, met in rows)
    if missed:
        raise AssertionError(f"{missed} targets not met")


def _commands(folder: Path, seed: int, quick: bool) -> Sequence[Row]:
    count, kills = (200, 10) if quick else (10_000, 200)
    found: CommandFigures = asyncio.run(
        measure_commands(folder, commands=count, kills=kills, seed=seed, rate=20, pause_s=(1.0, 3.4))
    )
    deaths = ", ".join(f"{name} {number}" for name, number in found.kills.items())
    say(f"{found.commands} commands, kill -9: {deaths}; {found.seconds:.0f} s")
    say("final states: " + ", ".join(f"{st} {number}" for st, number in sorted(found.ended.items())))
    return [
        ("kills", str(sum(found.kills.values())), str(kills), sum(found.kills.values()) == kills),
        _none("run twice", found.run_twice),
        _none("lost after accepted", found.lost_after_accepted),
        _none("without a final state", found.without_one_end),
        _none("with two final states", found.contradicted),
        _none("done, but never run", found.done_not_run),
        _none("rejected, but run", found.rejected_but_run),
    ]


def _events(folder: Path, seed: int, quick: bool) -> Sequence[Row]:
    count, kills = (5_000, 5) if quick else (100_000, 100)
    found: EventFigures = asyncio.run(
        measure_events(folder, events=count, kills=kills, seed=seed, pause_s=(1.0, 4.0), timeout_s=1800)
    )
    say(f"{found.events} events, broker killed {found.kills} times; {found.seconds:.0f} s")
    return [
        ("kills", str(found.kills), str(kills), found.kills == kills),
        _none("lost", found.lost),
        _none("doubled", found.doubled),
        _none("out of order", found.out_of_order),
        _none("holes given up", found.given_up),
    ]


def _envelopes(folder: Path, seed: int, quick: bool) -> Sequence[Row]:
    count = 5_000 if quick else 100_000
    found: EnvelopeFigures = asyncio.run(measure_envelopes(folder, count=count, seed=seed))
    say(", ".join(f"{kind} {number}" for kind, number in found.sent.items()) + f"; {found.seconds:.0f} s")
    growth = ("growth of RSS", f"{found.growth_mb:+.1f} MB", f"< {_GROWTH_MB:g} MB", found.growth_mb < _GROWTH_MB)
    return [
        _none("run", found.run),
        _none("crashes", found.crashes),
        growth,
        ("letters in the outbox after it", str(found.stored), "", True),
        ("obeys a good one after it", "yes" if found.still_obeys else "no", "yes", found.still_obeys),
    ]


def _none(what: str, figure: int) -> Row:
    return what, str(figure), "0", figure == 0


def _fsync_ms(folder: Path) -> float:
    """Median of 100 small appends, each flushed."""
    file = os.open(folder / "probe", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    took = []
    for _ in range(100):
        os.write(file, b"x" * 400)
        begun_s = time.perf_counter()
        os.fsync(file)
        took.append(1000 * (time.perf_counter() - begun_s))
    os.close(file)
    return statistics.median(took)


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="durability", description="kill -9 of everything, and hostile envelopes")
    parser.add_argument("--only", action="append", choices=_PARTS, help="this part")
    parser.add_argument("--seed", type=int, default=1, help="of the moments and victims (default %(default)d)")
    parser.add_argument("--quick", action="store_true", help="a twentieth of it")
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
