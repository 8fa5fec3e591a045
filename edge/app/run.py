"""`edge run`: the box's processes as children under one supervisor, with a broker where none is configured."""

from __future__ import annotations

import fcntl
import functools
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from edge.app.announcer import Announcer
from edge.app.paths import Places, media_process
from edge.app.process import run_process
from edge.config.model import Config
from edge.config.show import dump
from edge.controller.local import trust_local
from edge.link.identity import box_id
from edge.link.local_broker import local_broker
from edge.model.errors import Busy
from edge.model.inputs import Input
from edge.runtime.backoff import Backoff
from edge.runtime.child import Child
from edge.runtime.component import Component
from edge.runtime.supervisor import Supervisor
from edge.vault.keyring import Keyring
from edge.vault.secret_file import replace_whole


def main(config: Config) -> int:
    """Run until told to stop; the children read the very configuration that this process has."""
    began_s = time.monotonic()
    places = Places.of(config.paths)
    lock = _only_one(places.run)
    effective = places.run / "edge.toml"
    replace_whole(effective, dump(config).encode())
    children: list[Component] = [_media(name, effective) for name in config.inputs]
    children += [_process(name, effective, name) for name in ("rtc", "control")]
    controller_home = None
    if not config.mqtt.host:
        children.append(Child(name="broker", argv=functools.partial(local_broker, config.mqtt.port, places.run)))
        controller_home = _trust_this_machine(config, places)
    announcer = Announcer(config=config, controller_home=controller_home, began_s=began_s)

    async def body(supervisor: Supervisor) -> None:
        await supervisor.run(*children, announcer)

    with lock:
        return run_process("edge-run", config.log_level, body, make_supervisor=_make_supervisor)


def _only_one(run_dir: Path) -> TextIO:
    """Holds the folder until it is closed. Raises Busy when a box runs in it already."""
    lock = (run_dir / "lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        pid = lock.read().strip() or "unknown"
        lock.close()
        raise Busy(f"Scopecast runs in {run_dir} already (process {pid})", code="already_running") from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def _make_supervisor() -> Supervisor:
    return Supervisor(backoff=lambda: Backoff(first_s=0.3, cap_s=10.0, healthy_s=30.0))


def _media(input: Input, effective: Path) -> Child:
    name = media_process(input)
    return _process(name, effective, "media", "--input", input)


def _process(name: str, effective: Path, *command: str) -> Child:
    argv: Sequence[str] = (sys.executable, "-m", "edge", *command, "--base", str(effective))
    return Child(name=name, argv=lambda: argv)


def _trust_this_machine(config: Config, places: Places) -> Path:
    """A controller of this machine's own, so that `edgectl` works at once; returns its home."""
    home = places.state.parent / "controller"
    trust_local(
        home=home,
        keyring=Keyring(places.state / "controllers.json"),
        box=box_id(places.state),
        broker=("127.0.0.1", config.mqtt.port),
    )
    return home
