"""`edge status` and `edge pair`: what the box says of itself."""

from __future__ import annotations

import argparse
import json
import time
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from rich.live import Live

from edge.app.box_http import BoxHttp
from edge.app.cli_options import add_url_option
from edge.app.status_page import status_page

_WATCH_S = 1.0


def add_commands(commands: Any) -> None:
    status = commands.add_parser("status", help="say how the box is")
    add_url_option(status)
    status.add_argument("--json", action="store_true", help="the whole status document")
    status.add_argument("--watch", action="store_true", help="go on until Ctrl-C")
    status.set_defaults(act=_status)
    pair = commands.add_parser("pair", help="open a one-time code that lets a controller in")
    add_url_option(pair)
    pair.set_defaults(act=_pair)


def _status(arguments: argparse.Namespace) -> int:
    box = BoxHttp(arguments.url)
    document = box.get("/api/v1/status")
    if arguments.json:
        print(json.dumps(document, indent=2))
    elif arguments.watch:
        _watch(box)
    else:
        Console(highlight=False).print(status_page(document))
    return 0


def _watch(box: BoxHttp) -> None:
    with Live(console=Console(highlight=False), auto_refresh=False) as live:
        while True:
            live.update(status_page(box.get("/api/v1/status")), refresh=True)
            time.sleep(_WATCH_S)


def _pair(arguments: argparse.Namespace) -> int:
    answer = BoxHttp(arguments.url).post("/api/v1/pairing", {})
    host = urlsplit(arguments.url).netloc.rpartition("@")[2]
    print(f"Code {answer['code']}, good once, for {answer['seconds']:.0f} seconds.")
    print(f"On the controller type: edgectl pair {urlsplit(arguments.url).scheme}://{host} --code {answer['code']}")
    if qr := answer.get("qr"):
        print(f"or, proof against a mistaken box: edgectl pair '{qr['text']}'")
    return 0
