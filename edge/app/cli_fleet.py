"""`edge fleet-sim`: many simulated boxes speak the real contract with a real broker, from this one process."""

from __future__ import annotations

import argparse
import asyncio
import logging
import re
import signal
import sys
import time
from pathlib import Path
from typing import Any

from edge.app.cli_options import seconds
from edge.app.fleet_sim import FleetSim, box_names, make_room
from edge.app.one_clock import OneClock
from edge.app.sim_box import Shared
from edge.config.model import MqttConfig
from edge.controller.home import ENV, Home, KnownBox, default_home
from edge.link.workers import Workers
from edge.model.errors import Invalid
from edge.vault.keyring import Keyring, trusted_key

_SAY_EVERY_S = 5.0
_THREADS = 4
_SWITCH_S = 0.0005  # the stores' threads must not keep the event loop waiting: 5 ms each time is the default
_HOLDS_S = 365 * 86_400
_PREFIX = re.compile(r"[a-z][a-z0-9-]{0,30}")


def add_commands(commands: Any) -> None:
    fleet = commands.add_parser("fleet-sim", help="simulate many boxes at one broker", description=__doc__)
    fleet.add_argument("--boxes", type=int, default=100, metavar="N", help="how many (%(default)s)")
    fleet.add_argument("--first", type=int, default=1, metavar="N", help="number of the first, for a further process")
    fleet.add_argument("--prefix", default="sim", help="beginning of their ids (%(default)s)")
    fleet.add_argument("--broker", default="127.0.0.1:1883", metavar="HOST:PORT", help="on this machine (%(default)s)")
    fleet.add_argument(
        "--state", type=Path, default=Path("var/fleet"), metavar="DIR", help="their memory (%(default)s)"
    )
    fleet.add_argument(
        "--home", type=Path, metavar="DIR", help=f"the controller they obey, made if need be (${ENV}, {default_home()})"
    )
    fleet.add_argument("--ramp", type=seconds, default=10.0, metavar="S", help="start them over so long (%(default)s)")
    fleet.add_argument(
        "--spread", type=seconds, default=5.0, metavar="S", help="their reconnect_spread_s (%(default)s)"
    )
    fleet.add_argument("--streaming", type=_share, default=0.1, metavar="SHARE", help="how many stream (%(default)s)")
    fleet.add_argument(
        "--trouble", type=float, default=1.0, metavar="N", help="signal losses of a box in an hour (%(default)s)"
    )
    fleet.set_defaults(act=_run)


def _run(arguments: argparse.Namespace) -> int:
    host, port = _address(arguments.broker)
    if arguments.boxes < 1 or arguments.first < 1 or arguments.first + arguments.boxes > 100_000:
        raise Invalid("--boxes, --first: numbers from 1 to 99999")
    if not _PREFIX.fullmatch(arguments.prefix):
        raise Invalid("--prefix: must be lower case letters, digits and -, 31 at most")
    make_room(arguments.boxes)
    sys.setswitchinterval(_SWITCH_S)
    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    names = box_names(arguments.prefix, arguments.first, arguments.boxes)
    home = Home(arguments.home or default_home())
    shared = Shared(
        mqtt=MqttConfig(host=host, port=port, reconnect_spread_s=arguments.spread),
        keyring=_trust(home, arguments.state),
        clock=OneClock(),
        workers=Workers(threads=_THREADS),
        trouble_per_h=arguments.trouble,
    )
    home.remember(*(KnownBox(id=name, host=host, port=port) for name in names))
    print(f"{len(names)} boxes, {names[0]} to {names[-1]}, at {host}:{port}; commanded from {home.path}", flush=True)
    asyncio.run(_simulate(shared, arguments))
    shared.workers.close()
    return 0


async def _simulate(shared: Shared, arguments: argparse.Namespace) -> None:
    fleet = FleetSim(
        shared=shared,
        folder=arguments.state,
        prefix=arguments.prefix,
        first=arguments.first,
        count=arguments.boxes,
        ramp_s=arguments.ramp,
        streaming=arguments.streaming,
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, fleet.stop)
    saying = asyncio.ensure_future(_say(fleet))
    await fleet.run()
    saying.cancel()
    print(f"stopped: {fleet.count().commands} commands run in all", flush=True)


async def _say(fleet: FleetSim) -> None:
    began_s = time.monotonic()
    while True:
        await asyncio.sleep(_SAY_EVERY_S)
        print(f"{time.monotonic() - began_s:6.0f} s  {fleet.count()}", flush=True)


def _trust(home: Home, folder: Path) -> Keyring:
    """The keyring of all of them: that controller may do everything."""
    key = home.key()
    keyring = Keyring(folder / "controllers.json")
    keyring.add(
        trusted_key(
            kid=key.kid, public=key.public.base64, ops=("*",), boxes=("*",), not_after_s=int(time.time()) + _HOLDS_S
        )
    )
    return keyring


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise Invalid(f"--broker: {text!r} is not HOST:PORT")
    return host, int(port)


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(text)
    return value
