"""`edgectl desired`: what boxes should be."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from edge.controller import desired
from edge.controller.choice import add_choice, chosen
from edge.controller.client import Controller
from edge.controller.desired import Document, Revision, Verdict
from edge.controller.difference import differences
from edge.controller.home import Home, KnownBox
from edge.controller.ledger import Ledger
from edge.controller.reach import Reach, reach
from edge.model.errors import EdgeError, Invalid, NotFound


def add_verbs(verbs: Any) -> None:
    text = "what boxes should be, as whole documents with revisions"
    group = verbs.add_parser("desired", help=text, description=text.capitalize())
    steps = group.add_subparsers(required=True, metavar="WHAT")
    verb = _add(steps, "apply", _apply, "put a document (JSON) to boxes and wait for what they make of it")
    verb.add_argument("file", type=Path, metavar="FILE", help="the whole document; - reads standard input")
    add_choice(verb)
    verb = _add(steps, "diff", _diff, "what a file, or another revision, changes against the last one put from here")
    verb.add_argument("file", type=Path, nargs="?", metavar="FILE")
    verb.add_argument("--rev", type=int, metavar="N", help="against this revision instead of the last")
    add_choice(verb)
    verb = _add(steps, "rollback", _rollback, "put an earlier document again, as a new revision")
    verb.add_argument("--to", type=int, metavar="N", help="that revision; the last that was different if left out")
    add_choice(verb)
    add_choice(_add(steps, "show", _show, "the last document and what the box says of it"))
    add_choice(_add(steps, "history", _history, "every document put from here"))


def _add(steps: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = steps.add_parser(name, help=text, description=text.capitalize())
    parser.set_defaults(verb=run)
    parser.add_argument("--json", action="store_true", help="for programs: one JSON object a line")
    return parser


def read_document(path: Path) -> Document:
    """From a file, or with `-` from standard input. Blocking. Raises Invalid `bad_document`."""
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except OSError as error:
        raise Invalid(f"cannot read {path}: {error.strerror}", code="bad_document") from error
    except UnicodeDecodeError as error:
        raise Invalid(f"{path}: not UTF-8", code="bad_document") from error
    return desired.parse(text, str(path))


async def _apply(options: argparse.Namespace, home: Home) -> int:
    document = await asyncio.to_thread(read_document, options.file)
    return await _put_all(options, home, {box.id: document for box in chosen(options, home)}, why="apply")


async def _rollback(options: argparse.Namespace, home: Home) -> int:
    documents = {}
    async with Ledger(home.ledger_path) as ledger:
        for box in chosen(options, home):
            revisions = await ledger.run(lambda db, name=box.id: desired.history(db, name))  # type: ignore[misc]
            try:
                documents[box.id] = desired.before(revisions, options.to).document
            except NotFound as error:
                raise NotFound(f"{box.id}: {error}", code=error.code) from error
    return await _put_all(options, home, documents, why="rollback")


async def _diff(options: argparse.Namespace, home: Home) -> int:
    if options.file is None and options.rev is None:
        raise Invalid("name a FILE or --rev N to compare with", code="bad_words")
    new = None if options.file is None else await asyncio.to_thread(read_document, options.file)
    async with Ledger(home.ledger_path) as ledger:
        for box in chosen(options, home):
            revisions = await ledger.run(lambda db, name=box.id: desired.history(db, name))  # type: ignore[misc]
            old = desired.before(revisions, options.rev).document if options.rev else _last(revisions)
            for change in differences(old, _last(revisions) if new is None else new):
                line = {"box": box.id, **asdict(change)}
                print(json.dumps(line) if options.json else f"{box.id}  {change}")
    return 0


async def _show(options: argparse.Namespace, home: Home) -> int:
    boxes = chosen(options, home)
    async with _reached(home, boxes) as found:
        for box in boxes:
            controller = found.of(box.id)
            revisions = await controller.ledger.run(lambda db, name=box.id: desired.history(db, name))  # type: ignore[misc]
            with contextlib.suppress(EdgeError):
                await controller.box(box.id, timeout_s=1.0)
            view = controller.view(box.id)
            newest = view.desired or (json.loads(revisions[-1].payload) if revisions else {})
            verdict = desired.verdict_of(view, newest.get("rev", 0))
            sections = desired.sections(newest)
            entry = {"box": box.id, "rev": newest.get("rev"), "status": verdict.status, "document": sections}
            print(json.dumps({**entry, "errors": verdict.errors}) if options.json else _shown(entry, verdict))
    return 0


async def _history(options: argparse.Namespace, home: Home) -> int:
    async with Ledger(home.ledger_path) as ledger:
        for box in chosen(options, home):
            for one in await ledger.run(lambda db, name=box.id: desired.history(db, name)):  # type: ignore[misc]
                when = datetime.fromtimestamp(one.at_ms / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S")
                text = f"{one.box}  rev {one.rev}  {when}  {one.why}"
                line = {"box": one.box, "rev": one.rev, "at_ms": one.at_ms, "why": one.why, "document": one.document}
                print(json.dumps(line) if options.json else text)
    return 0


async def _put_all(options: argparse.Namespace, home: Home, documents: dict[str, Document], *, why: str) -> int:
    boxes = [box for box in home.boxes() if box.id in documents]
    async with _reached(home, boxes) as found:
        verdicts = await asyncio.gather(
            *(_put(options, home, found.of(name), name, document, why) for name, document in documents.items()),
            return_exceptions=True,
        )
    worst = 0
    for name, verdict in zip(documents, verdicts, strict=True):
        worst = max(worst, _told(options, name, verdict))
    return worst


async def _put(
    options: argparse.Namespace, home: Home, controller: Controller, box: str, document: Document, why: str
) -> Verdict:
    rev = await desired.put(controller, box, document, why=why, key=await asyncio.to_thread(home.key_for, box))
    online = controller.view(box).online
    return await desired.follow(controller, box, rev, timeout_s=options.timeout if online else 0.1)


def _told(options: argparse.Namespace, box: str, verdict: Verdict | BaseException) -> int:
    if isinstance(verdict, EdgeError):
        print(f"edgectl: {box}: {verdict}", file=sys.stderr)
        return 1
    if isinstance(verdict, BaseException):
        raise verdict
    if options.json:
        print(json.dumps({"box": box, **asdict(verdict)}))
    elif verdict.status == "rejected":
        print(f"edgectl: {box}: rev {verdict.rev} rejected: {verdict.words or 'no reason given'}", file=sys.stderr)
    else:
        words = {"waiting": "put, the box takes it when it is there"}
        print(f"{box}: rev {verdict.rev} {words.get(verdict.status, verdict.status)}")
    return 1 if verdict.status == "rejected" else 0


def _shown(entry: dict[str, Any], verdict: Verdict) -> str:
    if entry["rev"] is None:
        return f"{entry['box']}: no document"
    head = f"{entry['box']}: rev {entry['rev']} {verdict.status}{': ' if verdict.words else ''}{verdict.words}"
    return f"{head}\n{json.dumps(entry['document'], indent=2, ensure_ascii=False)}"


def _last(revisions: list[Revision]) -> Document:
    return revisions[-1].document if revisions else {}


@contextlib.asynccontextmanager
async def _reached(home: Home, boxes: list[KnownBox]) -> AsyncIterator[Reach]:
    key = await asyncio.to_thread(home.key)
    async with reach(home, boxes, key=key, leaves=desired.LEAVES) as found:
        yield found
