"""`edge linktest`: whether an uplink carries the stream, before the first procedure depends on it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from edge.app.cli_options import add_config_options, seconds
from edge.model.errors import Invalid
from edge.sinks.srt_url import MAX_LATENCY_MS, MIN_LATENCY_MS

_UNITS = {"k": 1_000, "m": 1_000_000}
_LEAST_BPS, _MOST_BPS = 100_000, 1_000_000_000
_CODES = "Exit code: 0 good, 1 tight, 2 not enough (or wrong usage), 3 not tested."


def add_commands(commands: Any) -> None:
    test = commands.add_parser("linktest", help="measure an uplink and say what it carries", description=__doc__)
    test.epilog = _CODES
    test.add_argument("address", nargs="?", metavar="srt://HOST:PORT", help="a listener, as `edge linktest --listen`")
    test.add_argument("--listen", metavar="srt://:PORT", help="be the far end: count what comes, until Ctrl-C")
    test.add_argument(
        "--for",
        dest="wanted",
        metavar="BITRATE|PRESET",
        help="what is to be sent: 8M, 8000000 or a preset's name; by default what is configured",
    )
    test.add_argument(
        "--most", type=bitrate_bps, metavar="BITRATE", help="go no higher (default: ceiling and a quarter)"
    )
    test.add_argument("--step", type=seconds, default=2.0, metavar="SECONDS", help="at each rate (default %(default)g)")
    test.add_argument("--hold", type=seconds, default=10.0, metavar="SECONDS", help="at the end (default %(default)g)")
    test.add_argument("--latency", type=_latency, default=120, metavar="MS", help="SRT latency (default %(default)d)")
    test.add_argument("--stream-id", default="", metavar="ID", help="SRT stream id")
    test.add_argument("--passphrase-file", type=Path, metavar="FILE", help="its first line is the SRT passphrase")
    test.add_argument("--json", action="store_true", help="the figures as JSON")
    add_config_options(test)
    test.set_defaults(act=_linktest)


def bitrate_bps(text: str) -> int:
    """An argument of argparse: bit/s, with `k` or `M` behind for thousands and millions."""
    factor = _UNITS.get(text[-1:].lower(), 1)
    value = float(text if factor == 1 else text[:-1]) * factor
    if not _LEAST_BPS <= value <= _MOST_BPS:
        raise ValueError(text)
    return round(value)


def _latency(text: str) -> int:
    if not MIN_LATENCY_MS <= int(text) <= MAX_LATENCY_MS:
        raise ValueError(text)
    return int(text)


def _linktest(arguments: argparse.Namespace) -> int:
    if (arguments.address is None) == (arguments.listen is None):
        raise Invalid("linktest: give the address of the far end, or --listen to be it")
    from edge.app import cli_linktest_call, cli_linktest_listen  # the box's processes need not load them

    if arguments.listen is not None:
        return cli_linktest_listen.listen(arguments)
    return cli_linktest_call.test_and_print(arguments)
