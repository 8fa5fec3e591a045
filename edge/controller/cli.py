"""`edgectl`: pair with boxes, command them, watch them.

Exit codes: 0 done, 1 the box or the world said no, 2 the command line was wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from edge.controller import (
    cli_asyncapi,
    cli_broker,
    cli_desired,
    cli_events,
    cli_exporter,
    cli_keys,
    cli_pairing,
    cli_rollout,
)
from edge.controller.client import Controller
from edge.controller.home import ENV, Home, KnownBox, default_home
from edge.controller.watch import watch_live, watch_once
from edge.controller.words import argument
from edge.model.command import Op, Result, ResultState
from edge.model.errors import EdgeError, Invalid
from edge.runtime.interruptible import run_interruptible
from edge.vault.pkcs11 import no_pin

_OK, _FAILED, _USAGE, _INTERRUPTED = 0, 1, 2, 130
_USAGE_CODES = frozenset(
    (
        *("ambiguous_box", "unknown_box", "bad_words", "bad_url", "bad_code", "bad_broker", "bad_document"),
        *("bad_key_uri", "unknown_key", "unknown_rollout", "no_revision", "id_reused"),
    )
)
_OUT = Console(highlight=False)
_LEAVES = ("link", "res")


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; an error is one line on stderr."""
    options = _parser().parse_args(argv)
    try:
        home = Home(options.home or default_home(), ask_pin=_ask_pin)
        code: int = run_interruptible(options.verb(options, home))
        return code
    except KeyboardInterrupt:
        endless = options.verb in (_watch, cli_exporter.run) or getattr(options, "follow", False)
        return _OK if endless else _INTERRUPTED
    except EdgeError as error:
        print(f"edgectl: {error}", file=sys.stderr)
        return _USAGE if error.code in _USAGE_CODES else _FAILED


def _ask_pin(token: str) -> str:
    """From the terminal; a program without one names the PIN's file in the URI."""
    if not sys.stdin.isatty():
        return no_pin(token)
    return getpass.getpass(f"PIN of the token {token}: ")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="edgectl", description="Command and watch Scopecast boxes.")
    parser.add_argument(
        "--home", type=Path, metavar="DIR", help=f"keys and known boxes (default: ${ENV}, {default_home()})"
    )
    parser.add_argument("--timeout", type=float, default=10.0, metavar="S", help="seconds to wait for an answer (10)")
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    cli_pairing.add_verbs(verbs)
    cli_broker.add_verbs(verbs)
    verb = _add(verbs, "list", _list, "the boxes that are known here")
    verb.add_argument("--json", action="store_true", help="for programs: one JSON object a line")
    verb = _add(verbs, "send", _send, "one command: edgectl send [BOX] OP [key=value ...]")
    verb.add_argument("words", nargs="+", metavar="WORD", help="[BOX] OP [key=value ...]; values are JSON or text")
    verb.add_argument("--id", metavar="ID", help="yours: given again it is the same command, and done once at most")
    verb.add_argument("--json", action="store_true", help="for programs: the result as a JSON object")
    verb.add_argument("--if-rev", type=int, metavar="N", help="only if the box's state is still revision N")
    for name, run, help_text in (("start", _start, "start an output"), ("stop", _stop, "stop an output")):
        verb = _add(verbs, name, run, f"{help_text}: edgectl {name} [BOX] SINK")
        verb.add_argument("words", nargs="+", metavar="WORD", help="[BOX] SINK")
    verb = _add(verbs, "watch", _watch, "all boxes, live")
    verb.add_argument("--once", action="store_true", help="print a plain table once and leave, for scripts")
    for group in (cli_events, cli_desired, cli_rollout, cli_keys, cli_asyncapi):
        group.add_verbs(verbs)
    cli_exporter.add_to(verbs)
    return parser


def _add(
    verbs: Any, name: str, run: Callable[[argparse.Namespace, Home], Awaitable[int]], help_text: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=help_text, description=help_text.capitalize())
    parser.set_defaults(verb=run)
    return parser


async def _list(options: argparse.Namespace, home: Home) -> int:
    boxes = home.boxes()
    if not boxes:
        print("no box is known here: edgectl pair URL --code CODE", file=sys.stderr)
        return _OK
    if options.json:
        for box in boxes:
            print(json.dumps(asdict(box)))
        return _OK
    table = Table("box", "broker", "address", box=None, pad_edge=False)
    for box in boxes:
        table.add_row(box.id, f"{box.host}:{box.port}", box.url or "-")
    _OUT.print(table)
    return _OK


async def _send(options: argparse.Namespace, home: Home) -> int:
    box, words = _split_box(options.words, home)
    if not words:
        raise Invalid("name an operation: edgectl send [BOX] OP [key=value ...]", code="bad_words")
    args = dict(argument(word) for word in words[1:])
    began_s = time.monotonic()
    result = await _command(options, home, box, words[0], args, id=options.id, if_rev=options.if_rev)
    if options.json:
        print(json.dumps({"box": box.id, "op": words[0], **asdict(result)}))
        return _OK if result.st is ResultState.DONE else _FAILED
    return _report(box.id, words[0], result, began_s)


async def _start(options: argparse.Namespace, home: Home) -> int:
    return await _sink_command(options, home, Op.STREAM_START)


async def _stop(options: argparse.Namespace, home: Home) -> int:
    return await _sink_command(options, home, Op.STREAM_STOP)


async def _watch(options: argparse.Namespace, home: Home) -> int:
    await (watch_once if options.once else watch_live)(home, _OUT)
    return _OK


async def _sink_command(options: argparse.Namespace, home: Home, op: str) -> int:
    if len(options.words) > 2:
        raise Invalid("too many words: [BOX] SINK", code="bad_words")
    name, *rest = options.words
    box, sink = (home.find(name), rest[0]) if rest else (home.find(None), name)
    began_s = time.monotonic()
    return _report(box.id, op, await _command(options, home, box, op, {"sink": sink}), began_s)


async def _command(
    options: argparse.Namespace,
    home: Home,
    box: KnownBox,
    op: str,
    args: Mapping[str, Any],
    *,
    id: str | None = None,
    if_rev: int | None = None,
) -> Result:
    key = await asyncio.to_thread(home.key_for, box.id)
    broker = home.broker(box)
    async with Controller(broker=broker, key=key, home=home, boxes=(box.id,), leaves=_LEAVES) as controller:
        return await controller.send(box.id, op, args, id=id, if_rev=if_rev, timeout_s=options.timeout)


def _report(box: str, op: str, result: Result, began_s: float) -> int:
    if result.st is not ResultState.DONE:
        sentence = f": {result.detail}" if result.detail else ""
        print(f"edgectl: {box}: {op} {result.st}: {result.code}{sentence}", file=sys.stderr)
        return _FAILED
    print(f"{box}: {op} done ({(time.monotonic() - began_s) * 1000:.0f} ms)")
    if result.payload:
        print(json.dumps(result.payload, indent=2, ensure_ascii=False))
    return _OK


def _split_box(words: Sequence[str], home: Home) -> tuple[KnownBox, Sequence[str]]:
    """An operation has a dot, a box's name has none."""
    if "." in words[0]:
        return home.find(None), words
    return home.find(words[0]), words[1:]


if __name__ == "__main__":
    sys.exit(main())
