"""Which boxes a command line means."""

from __future__ import annotations

import argparse

from edge.controller.home import Home, KnownBox
from edge.model.errors import NotFound


def add_choice(parser: argparse.ArgumentParser) -> None:
    """`--box` may be repeated; without it and `--all` the only box is meant."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--box", action="append", metavar="BOX", default=[], help="this box; may be repeated")
    group.add_argument("--all", action="store_true", help="all known boxes")


def chosen(options: argparse.Namespace, home: Home) -> list[KnownBox]:
    """Each once, in the order named. Raises NotFound, Invalid as `Home.find` does."""
    if options.all:
        boxes = list(home.boxes())
        if not boxes:
            raise NotFound("no box is known here: edgectl pair URL --code CODE", code="unknown_box")
        return boxes
    if not options.box:
        return [home.find(None)]
    return list({box.id: box for box in map(home.find, options.box)}.values())
