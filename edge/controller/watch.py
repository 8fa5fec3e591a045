"""`edgectl watch`: the whole fleet, over every broker that known boxes use."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from edge.controller.client import Controller
from edge.controller.event_text import clock_time, event_words
from edge.controller.fleet import BoxView
from edge.controller.home import Home
from edge.controller.reach import reach
from edge.controller.table import Row, plain_table, rich_table, row_of
from edge.model.errors import NotFound

_REDRAW_S = 0.5
_TOGETHER_S = 0.1
_SETTLE_S = 2.0
_EVENTS_SHOWN = 6
_LEAVES = ("link", "state", "res", "evt", "tele/stream")


async def watch_once(home: Home, console: Console) -> None:
    """A plain table as soon as every known box has said its state, or after 2 s."""
    async with _connected(home, deque()) as controllers:
        known = {box.id for box in await asyncio.to_thread(home.boxes)}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_S):
                while not known <= {view.id for view in _views(controllers) if view.state}:
                    await _next_word(controllers)
        console.out(plain_table(_rows(controllers, known)), highlight=False)


async def watch_live(home: Home, console: Console) -> None:
    """A table that follows every word, with the last events below, until cancelled. It acknowledges none."""
    events: deque[Text] = deque(maxlen=_EVENTS_SHOWN)
    async with _connected(home, events) as controllers:
        known = {box.id for box in await asyncio.to_thread(home.boxes)}
        with Live(console=console, auto_refresh=False) as live:
            while True:
                table = rich_table(_rows(controllers, known), title=_title(controllers))
                live.update(Group(table, *events), refresh=True)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_REDRAW_S):  # not wait_for: in Python 3.11 it can lose a Ctrl-C
                        await _next_word(controllers)
                await asyncio.sleep(_TOGETHER_S)


@contextlib.asynccontextmanager
async def _connected(home: Home, events: deque[Text]) -> AsyncIterator[tuple[Controller, ...]]:
    """Every broker that answers. Raises the last error when none does, NotFound without boxes."""
    boxes = await asyncio.to_thread(home.boxes)
    if not boxes:
        raise NotFound("no box is known here: edgectl pair URL --code CODE", code="unknown_box")
    key = await asyncio.to_thread(home.key)

    def told(box: str, event: Mapping[str, Any]) -> None:
        events.append(_event_line(box, event))

    async with reach(home, boxes, key=key, leaves=_LEAVES, all_boxes=True, on_event=told) as found:
        yield found.controllers


async def _next_word(controllers: Sequence[Controller]) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(controller.changed()) for controller in controllers]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()


def _views(controllers: Sequence[Controller]) -> list[BoxView]:
    return [view for controller in controllers for view in controller.fleet.boxes()]


def _rows(controllers: Sequence[Controller], known: set[str]) -> list[Row]:
    """Known boxes and those that speak, each once, by name."""
    views = {name: BoxView(name) for name in known} | {view.id: view for view in _views(controllers)}
    now_s = time.monotonic()
    return [row_of(views[name], now_s=now_s) for name in sorted(views)]


def _title(controllers: Sequence[Controller]) -> str:
    gone = [controller.where for controller in controllers if not controller.connected]
    brokers = ", ".join(controller.where for controller in controllers)
    warning = f"   [bold red]broker {', '.join(gone)} is not there, trying again[/]" if gone else ""
    return f"Scopecast fleet   {brokers}   {time.strftime('%H:%M:%S')}{warning}   [dim]Ctrl-C leaves[/]"


def _event_line(box: str, event: Mapping[str, Any]) -> Text:
    style = "red" if event.get("state") == "raised" else "dim"
    return Text(f"{clock_time(event)}  {box}  {event_words(event)}", style=style)
