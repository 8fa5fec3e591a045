"""`edgectl rollout`: one change to many boxes, in waves."""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from edge.controller import desired
from edge.controller import rollout as rollouts
from edge.controller.choice import add_choice, chosen
from edge.controller.cli_desired import read_document
from edge.controller.home import Home
from edge.controller.ledger import Ledger
from edge.controller.reach import reach
from edge.controller.rollout import Change, Course, Mark, Rollout, Terms
from edge.controller.rollout_run import RolloutRun
from edge.controller.words import argument
from edge.model.errors import Busy, Invalid


def add_verbs(verbs: Any) -> None:
    text = "one change to many boxes in waves, each only after the one before is well"
    group = verbs.add_parser("rollout", help=text, description=text.capitalize())
    steps = group.add_subparsers(required=True, metavar="WHAT")
    verb = _add(steps, "desired", _desired, "roll a desired document out")
    verb.add_argument("file", type=Path, metavar="FILE")
    _add_terms(verb)
    verb = _add(steps, "send", _send, "roll an operation out: edgectl rollout send OP [key=value ...]")
    verb.add_argument("words", nargs="+", metavar="WORD", help="OP [key=value ...]")
    _add_terms(verb)
    verb = _add(steps, "resume", _resume, "go on with one that was interrupted")
    verb.add_argument("id", nargs="?", metavar="ID", help="the newest if left out")
    verb = _add(steps, "abort", _abort, "end one that was interrupted; what was told stays told")
    verb.add_argument("id", nargs="?", metavar="ID", help="the newest if left out")
    verb = _add(steps, "show", _show, "how one went, box by box")
    verb.add_argument("id", nargs="?", metavar="ID", help="the newest if left out")
    _add(steps, "list", _list, "all that were begun from here")


def _add(steps: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = steps.add_parser(name, help=text, description=text.capitalize())
    parser.set_defaults(verb=run)
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser


def _add_terms(verb: argparse.ArgumentParser) -> None:
    add_choice(verb)
    verb.add_argument("--canary", type=int, default=1, metavar="N", help="boxes of the first wave (1)")
    verb.add_argument("--wave", default="10%", metavar="N|N%%", help="boxes of each later wave (10%%)")
    verb.add_argument(
        "--settle", type=float, default=60.0, metavar="S", help="seconds for a box to be done and well (60)"
    )
    verb.add_argument("--soak", type=float, default=30.0, metavar="S", help="seconds for which a wave stays well (30)")
    verb.add_argument("--abort-after", default="0", metavar="N|N%%", help="more failed boxes than that end it (0)")


async def _desired(options: argparse.Namespace, home: Home) -> int:
    document = await asyncio.to_thread(read_document, options.file)
    return await _begin(options, home, Change("", document))


async def _send(options: argparse.Namespace, home: Home) -> int:
    op, *words = options.words
    if "." not in op:
        raise Invalid(f"{op}: an operation has a dot in its name", code="bad_words")
    return await _begin(options, home, Change(op, dict(argument(word) for word in words)))


async def _begin(options: argparse.Namespace, home: Home, change: Change) -> int:
    boxes = [box.id for box in chosen(options, home)]
    terms = Terms(options.settle, options.soak, rollouts.count(options.abort_after, len(boxes), "--abort-after"))
    waves = rollouts.waves(boxes, canary=options.canary, size=options.wave)
    return await _carry_out(options, home, Rollout(time.strftime("%Y%m%d-%H%M%S"), change, terms, waves), new=True)


async def _resume(options: argparse.Namespace, home: Home) -> int:
    async with Ledger(home.ledger_path) as ledger:
        rollout = await ledger.run(lambda db: rollouts.load(db, options.id))
    if rollout.course is not Course.RUNNING:
        raise Invalid(f"rollout {rollout.id} is {rollout.course} already", code="rollout_over")
    return await _carry_out(options, home, rollout)


async def _abort(options: argparse.Namespace, home: Home) -> int:
    async with Ledger(home.ledger_path) as ledger:
        rollout = await ledger.run(lambda db: rollouts.load(db, options.id))
        if rollout.course is Course.RUNNING:
            rollout = replace(rollout, course=Course.ABORTED)
            await ledger.run(lambda db: rollouts.keep(db, rollout))
    print(json.dumps(asdict(rollout)) if options.json else _report(rollout))
    return 0


async def _carry_out(options: argparse.Namespace, home: Home, rollout: Rollout, *, new: bool = False) -> int:
    names = {box for wave in rollout.waves for box in wave}
    boxes = [box for box in home.boxes() if box.id in names]

    def tell(line: str) -> None:
        if not options.json:
            print(line, flush=True)

    tell(f"rollout {rollout.id}: {len(names)} box(es) in {len(rollout.waves)} wave(s)")
    key = await asyncio.to_thread(home.key)
    async with (
        Ledger(home.ledger_path) as ledger,
        reach(home, boxes, key=key, leaves=desired.LEAVES) as found,
    ):
        if new:
            await ledger.run(lambda db: _check_alone(rollouts.load_all(db)))
        run = RolloutRun(home=home, ledger=ledger, reach=found, rollout=rollout, tell=tell)
        ended = await run.run()
    print(json.dumps(asdict(ended)) if options.json else _report(ended))
    return 0 if ended.course is Course.DONE else 1


def _check_alone(known: list[Rollout]) -> None:
    running = [one.id for one in known if one.course is Course.RUNNING]
    if running:
        sentence = f"rollout {running[-1]} is not over: edgectl rollout resume, or edgectl rollout abort"
        raise Busy(sentence, code="rollout_running")


async def _show(options: argparse.Namespace, home: Home) -> int:
    async with Ledger(home.ledger_path) as ledger:
        rollout = await ledger.run(lambda db: rollouts.load(db, options.id))
    print(json.dumps(asdict(rollout)) if options.json else _report(rollout))
    return 0


async def _list(options: argparse.Namespace, home: Home) -> int:
    async with Ledger(home.ledger_path) as ledger:
        for one in await ledger.run(rollouts.load_all):
            print(json.dumps(asdict(one)) if options.json else _head(one))
    return 0


def _head(rollout: Rollout) -> str:
    marks = [rollout.fate(box).mark for wave in rollout.waves for box in wave]
    good, bad = marks.count(Mark.GOOD), marks.count(Mark.BAD)
    what = rollout.change.op or "desired document"
    return f"rollout {rollout.id}  {what}  {rollout.course}: {good} good, {bad} bad, {len(marks) - good - bad} not told"


def _report(rollout: Rollout) -> str:
    lines = [_head(rollout)]
    for number, wave in enumerate(rollout.waves, 1):
        fates: Mapping[str, Any] = {box: rollout.fate(box) for box in wave}
        lines += [f"  wave {number}  {box}  {fate.mark}  {fate.word}".rstrip() for box, fate in fates.items()]
    return "\n".join(lines)
