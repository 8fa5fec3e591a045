"""`edgectl events`: the durable record of what boxes reported."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time
from datetime import datetime
from typing import Any

from edge.controller import events
from edge.controller.event_text import date_time, event_words
from edge.controller.events import Entry
from edge.controller.home import Home
from edge.controller.ledger import Ledger
from edge.controller.reach import reach
from edge.model.errors import Invalid, NotFound

_AGO = re.compile(r"(\d{1,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LEAVES = ("link", "res")


def add_verbs(verbs: Any) -> None:
    text = "what boxes reported, from the record kept here; with --follow it is taken in and acknowledged"
    verb = verbs.add_parser("events", help=text, description=text.capitalize())
    verb.set_defaults(verb=_events)
    verb.add_argument("box", nargs="?", metavar="BOX", help="of this box alone")
    verb.add_argument("--follow", action="store_true", help="go on until Ctrl-C; this machine then keeps the events")
    verb.add_argument(
        "--kind",
        action="append",
        choices=(*events.KINDS, "gap"),
        default=[],
        help="of this kind alone; may be repeated",
    )
    verb.add_argument("--since", metavar="WHEN", help="90s, 15m, 2h, 3d ago, or a time such as 2026-01-31T08:00")
    verb.add_argument("--limit", type=int, default=100, metavar="N", help="the newest N at first (100)")
    verb.add_argument("--forget", metavar="WHEN", help="delete what is older than that from the record, as 400d")
    verb.add_argument("--json", action="store_true", help="one JSON object a line")


def since_ms(text: str | None, *, now_s: float, name: str = "--since") -> int:
    """UTC milliseconds. Raises Invalid `bad_words`."""
    if text is None:
        return 0
    if ago := _AGO.fullmatch(text):
        return int((now_s - int(ago[1]) * _SECONDS[ago[2]]) * 1000)
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise Invalid(f"{name} {text}: 90s, 15m, 2h, 3d or a time like 2026-01-31T08:00", code="bad_words") from error


async def _events(options: argparse.Namespace, home: Home) -> int:
    start_ms = since_ms(options.since, now_s=time.time())
    box = home.find(options.box).id if options.box else None
    kinds = tuple(options.kind)

    def show(found: list[Entry]) -> int:
        for entry in found:
            print(_json(entry) if options.json else _line(entry), flush=True)
        return found[-1].n if found else 0

    if options.forget:
        before_ms = since_ms(options.forget, now_s=time.time(), name="--forget")
        async with Ledger(home.ledger_path) as ledger:
            print(f"{await ledger.run(lambda db: events.forget(db, before_ms))} events forgotten")
    elif options.follow:
        await _follow(home, box, kinds, start_ms, options.limit, show)
    else:
        async with Ledger(home.ledger_path) as ledger:
            show(await ledger.run(lambda db: _newest(db, box, kinds, start_ms, options.limit)))
    return 0


async def _follow(home: Home, box: str | None, kinds: tuple[str, ...], start_ms: int, limit: int, show: Any) -> None:
    boxes = await asyncio.to_thread(home.boxes)
    if not boxes:
        raise NotFound("no box is known here: edgectl pair URL --code CODE", code="unknown_box")
    news = asyncio.Event()
    key = await asyncio.to_thread(home.key)
    told = lambda *_: news.set()  # noqa: E731
    async with reach(home, boxes, key=key, leaves=_LEAVES, follow=True, on_event=told) as found:
        ledger = found.controllers[0].ledger
        last = await ledger.run(events.last_n)
        show(await ledger.run(lambda db: _newest(db, box, kinds, start_ms, limit)))
        while True:
            await news.wait()
            news.clear()
            while fresh := await ledger.run(lambda db, n=last: events.read(db, after=n)):  # type: ignore[misc]
                last = fresh[-1].n
                show([entry for entry in fresh if _wanted(entry, box, kinds)])


def _newest(db: Any, box: str | None, kinds: tuple[str, ...], start_ms: int, limit: int) -> list[Entry]:
    return events.read(db, box=box, kinds=kinds, since_ms=start_ms, limit=limit, newest=True)


def _wanted(entry: Entry, box: str | None, kinds: tuple[str, ...]) -> bool:
    return (box is None or entry.box == box) and (not kinds or entry.body.get("kind") in kinds)


def _line(entry: Entry) -> str:
    kind = str(entry.body.get("kind", "?"))[:5]
    return f"{date_time(entry.body)}  {entry.box}  {kind:5}  {event_words(entry.body)}"


def _json(entry: Entry) -> str:
    return json.dumps({**entry.body, "n": entry.n, "box": entry.box}, ensure_ascii=False)
