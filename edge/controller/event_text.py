"""Events in words for people. Pure."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

Event = Mapping[str, Any]


def event_words(event: Event) -> str:
    """What happened, in one line without box and time; a command's result by its operation."""
    cmd, facts = event.get("cmd"), event.get("data")
    facts = facts if isinstance(facts, Mapping) else {}
    if event.get("kind") == "gap":
        return f"events {facts.get('first')} to {facts.get('last')} are lost: {facts.get('reason')}"
    if isinstance(cmd, Mapping):
        code = cmd.get("code") if cmd.get("code") != "ok" else ""
        words = (cmd.get("op", "command"), cmd.get("st"), code, cmd.get("detail"))
    else:
        words = (event.get("code"), event.get("state"), facts.get("subject"), facts.get("detail"))
    return " ".join(_one_line(word) for word in words if word)


def clock_time(event: Event) -> str:
    """The box's time of it, in this machine's zone."""
    return time.strftime("%H:%M:%S", time.localtime(_seconds(event)))


def date_time(event: Event) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(_seconds(event)))


def _one_line(word: Any) -> str:
    """Words come from outside: no control characters reach a terminal."""
    return "".join(c if c.isprintable() else " " for c in str(word))


def _seconds(event: Event) -> float:
    """Of odd times, the beginning of all time."""
    ts = event.get("ts")
    whole = isinstance(ts, int) and not isinstance(ts, bool) and 0 <= ts < 1 << 47
    return ts / 1000 if whole and ts is not None else 0.0
