"""`edge latency URL`: how late the pictures of a stream are, measured from outside the box."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from edge.app.cli_options import seconds


def add_commands(commands: Any) -> None:
    latency = commands.add_parser("latency", help="measure a stream by the capture times it carries")
    latency.add_argument("url", metavar="URL", help="srt://, udp://, a WHEP address (http://HOST/whep/main) or a file")
    latency.add_argument("--seconds", type=seconds, default=10.0, help="how long to measure (default %(default)g)")
    only = latency.add_mutually_exclusive_group()
    only.add_argument("--sei", action="store_true", help="read only the SEI: nothing is decoded")
    only.add_argument("--strip", action="store_true", help="read only the strip in the picture")
    latency.add_argument("--json", action="store_true", help="the figures as JSON")
    latency.add_argument(
        "--srt-latency-ms", type=int, default=120, metavar="MS", help="SRT latency (default %(default)d)"
    )
    latency.add_argument("--stream-id", default="", metavar="ID", help="SRT stream id")
    latency.add_argument("--passphrase-file", type=Path, metavar="FILE", help="its first line is the SRT passphrase")
    latency.set_defaults(act=_latency)


def _latency(arguments: argparse.Namespace) -> int:
    from edge.app import cli_measurement  # PyAV is large; the box's other processes need not load it

    return cli_measurement.measure_and_print(arguments)
