"""The command `edge`: runs the box's processes, checks its settings, asks and measures it."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence

import edge
from edge.app import (
    cli_board,
    cli_config,
    cli_devices,
    cli_edid,
    cli_fleet,
    cli_latency,
    cli_linktest,
    cli_preset,
    cli_report,
    cli_sim,
    cli_status,
    cli_viewer,
)
from edge.app.cli_options import add_config_options, add_input_option, config_from
from edge.config.model import Config
from edge.model.errors import EdgeError
from edge.model.inputs import Input

_INTERRUPTED = 130  # what a shell reports of a program that Ctrl-C ended


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code: 0 done, 1 failed (one line on stderr per problem), 2 wrong usage, 130 interrupted."""
    arguments = parser().parse_args(argv)
    for ours in ("edge", "board"):
        logging.getLogger(ours).addHandler(logging.NullHandler())  # a command's words are what it prints
    try:
        code: int = arguments.act(arguments)
        return code
    except EdgeError as error:
        for line in str(error).splitlines() or [error.code]:
            print(f"edge: {line}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has left; nobody is there to be told
        return 1
    except OSError as error:
        print(f"edge: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="edge", description=__doc__)
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, act, what in _PROCESSES:
        process = commands.add_parser(name, help=what, description=what)
        add_config_options(process)
        if act is _media:
            add_input_option(process)
        process.set_defaults(act=act)
    cli_config.add_commands(commands)
    cli_status.add_commands(commands)
    cli_board.add_commands(commands)
    cli_report.add_commands(commands)
    cli_devices.add_commands(commands)
    cli_preset.add_commands(commands)
    cli_sim.add_commands(commands)
    cli_fleet.add_commands(commands)
    cli_latency.add_commands(commands)
    cli_linktest.add_commands(commands)
    cli_edid.add_commands(commands)
    cli_viewer.add_commands(commands)
    version = commands.add_parser("version", help="print the version")
    version.set_defaults(act=_version)
    return top


def _version(arguments: argparse.Namespace) -> int:
    print(f"scopecast {edge.__version__}")
    return 0


def _run(arguments: argparse.Namespace) -> int:
    from edge.app import run

    return _process(run.main, arguments)


def _media(arguments: argparse.Namespace) -> int:
    from edge.app import media

    return media.main(config_from(arguments), Input(arguments.input))


def _rtc(arguments: argparse.Namespace) -> int:
    from edge.app import rtc

    return _process(rtc.main, arguments)


def _control(arguments: argparse.Namespace) -> int:
    from edge.app import control

    return _process(control.main, arguments)


def _process(root: Callable[[Config], int], arguments: argparse.Namespace) -> int:
    return root(config_from(arguments))


_PROCESSES = (
    ("run", _run, "run the whole box: every process below, and a broker where none is configured"),
    ("media", _media, "run the process that captures, encodes and sends one input"),
    ("rtc", _rtc, "run the process that serves WebRTC viewers"),
    ("control", _control, "run the process with the page, the HTTP API and the link to the controller"),
)
