"""`edgectl exporter`: the fleet's telemetry for Prometheus."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from edge.controller.exporter import Exporter
from edge.controller.home import Home
from edge.link.engine import Broker
from edge.model.errors import Invalid, NotFound

PORT = 9478


def add_to(verbs: Any) -> None:
    text = "serve the telemetry of all boxes to Prometheus"
    verb = verbs.add_parser("exporter", help=text, description=text.capitalize())
    verb.add_argument("--host", default="127.0.0.1", help="address to listen at (%(default)s)")
    verb.add_argument("--port", type=int, default=PORT, help="port to listen at (%(default)s)")
    verb.add_argument(
        "--broker",
        action="append",
        default=[],
        metavar="HOST:PORT",
        help="one on this machine; else those of known boxes",
    )
    verb.set_defaults(verb=run)


async def run(options: argparse.Namespace, home: Home) -> int:
    """Until interrupted. Raises NotFound without a broker, Unavailable when it cannot listen."""
    brokers = [_broker(text) for text in options.broker] or await asyncio.to_thread(_known, home)
    exporter = Exporter(brokers=brokers, host=options.host, port=options.port)
    async with asyncio.TaskGroup() as group:
        group.create_task(exporter.run())
        port = await exporter.listening
        print(f"http://{options.host}:{port}/metrics", flush=True)
    return 0


def _known(home: Home) -> list[Broker]:
    boxes = home.boxes()
    if not boxes:
        raise NotFound("no box is known here: edgectl pair URL --code CODE, or --broker", code="unknown_box")
    return [home.broker(box) for box in {(box.host, box.port): box for box in boxes}.values()]


def _broker(text: str) -> Broker:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise Invalid(f"--broker: {text!r} is not HOST:PORT", code="bad_words")
    return Broker(host, int(port))
