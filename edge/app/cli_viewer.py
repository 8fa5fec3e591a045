"""`edge viewer invite|end`: who may watch the box that runs here."""

from __future__ import annotations

import argparse
import json
from typing import Any

from edge.app.box_http import BoxHttp
from edge.app.cli_options import add_url_option
from edge.model.command import Op
from edge.model.feedback import Role
from edge.model.inputs import RungName


def add_commands(commands: Any) -> None:
    viewer = commands.add_parser("viewer", help="invite viewers, end what they watch", description=__doc__)
    actions = viewer.add_subparsers(title="actions", metavar="ACTION", required=True)
    invite = actions.add_parser("invite", help="make a token for one viewer; it is shown once and kept nowhere")
    invite.add_argument("--rung", default=RungName.MAIN, help="what may be watched: main, view, second")
    invite.add_argument("--role", default=Role.OBSERVER, choices=tuple(Role), help="a guide's path sets the bit rate")
    invite.add_argument("--minutes", type=int, default=10, help="to join within; what is watched then goes on")
    invite.add_argument("--name", default="", help="who it is for, for log and status")
    invite.add_argument("--json", action="store_true", help="for programs")
    add_url_option(invite)
    invite.set_defaults(act=_invite)
    end = actions.add_parser("end", help="end a session or an invitation, for good")
    what = end.add_mutually_exclusive_group(required=True)
    what.add_argument("--session", help="as in the status document's viewers")
    what.add_argument("--invitation", help="as `edge viewer invite` has shown it")
    add_url_option(end)
    end.set_defaults(act=_end)


def _invite(arguments: argparse.Namespace) -> int:
    args = {name: getattr(arguments, name) for name in ("rung", "role", "minutes", "name")}
    made = BoxHttp(arguments.url).post("/api/v1/commands", {"op": Op.VIEWER_INVITE, "args": args})["payload"]
    if arguments.json:
        print(json.dumps(made, indent=2))
        return 0
    print(f"invitation  {made['invitation']}, to join {made['rung']} as {made['role']} until {made['until']}")
    print(f"WHEP        {made['url']}")
    print(f"token       {made['token']}")
    return 0


def _end(arguments: argparse.Namespace) -> int:
    args = {"session": arguments.session} if arguments.session else {"invitation": arguments.invitation}
    BoxHttp(arguments.url).post("/api/v1/commands", {"op": Op.VIEWER_END, "args": args})
    return 0
