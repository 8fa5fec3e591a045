"""`edge config check|show|example|reference`."""

from __future__ import annotations

import argparse
from typing import Any

from edge.app.board_profile import find_board
from edge.app.cli_options import add_config_options, config_from, layers_from
from edge.config.reference import example_file, reference_table
from edge.config.show import show, show_changed
from edge.model.errors import Invalid


def add_commands(commands: Any) -> None:
    config = commands.add_parser("config", help="check and show the settings", description=__doc__)
    actions = config.add_subparsers(title="actions", metavar="ACTION", required=True)
    check = actions.add_parser("check", help="say every problem of the settings, or that there is none")
    add_config_options(check)
    check.set_defaults(act=_check)
    shown = actions.add_parser("show", help="print the effective settings as TOML")
    add_config_options(shown)
    shown.add_argument("--changed", action="store_true", help="only what is not at its default, and who set it")
    shown.set_defaults(act=_show)
    example = actions.add_parser("example", help="print a commented file with every option")
    example.set_defaults(act=_example)
    reference = actions.add_parser("reference", help="print the table of every option in Markdown")
    reference.set_defaults(act=_reference)


def _check(arguments: argparse.Namespace) -> int:
    trouble = find_board(config_from(arguments).board).trouble
    if trouble:
        raise Invalid("\n".join(trouble), code="config")
    print("The configuration is good.")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    loaded = layers_from(arguments)
    text = show_changed(loaded) if arguments.changed else show(loaded.config)
    print(text or "# nothing differs from the defaults", end="" if text else "\n")
    return 0


def _example(arguments: argparse.Namespace) -> int:
    print(example_file(), end="")
    return 0


def _reference(arguments: argparse.Namespace) -> int:
    print(reference_table(), end="")
    return 0
