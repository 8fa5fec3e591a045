"""`edge report`: the commissioning report of the box that runs here."""

from __future__ import annotations

import argparse
import json
from typing import Any

from edge.app.box_http import BoxHttp
from edge.app.cli_options import add_url_option
from edge.app.report import Report, report_of
from edge.runtime.clock import SystemClock, rfc3339


def add_commands(commands: Any) -> None:
    report = commands.add_parser(
        "report", help="say whether the installation is right, line by line", description=__doc__
    )
    add_url_option(report)
    report.add_argument("--json", action="store_true", help="for programs")
    report.set_defaults(act=_report)


def _report(arguments: argparse.Namespace) -> int:
    """Exit code 1 when something is not as it must be."""
    document = BoxHttp(arguments.url).get("/api/v1/status")
    report = report_of(document, made_at=rfc3339(SystemClock().utc_ns()))
    print(json.dumps(report.wire(), indent=2) if arguments.json else page(report))
    return 0 if report.ready else 1


def page(report: Report) -> str:
    """For a printer and a signature."""
    bad = sum(not check.good for check in report.checks)
    width = max((len(check.what) for check in report.checks), default=0)
    return "\n".join((
        "COMMISSIONING REPORT",
        f"made at  {report.made_at}",
        f"box      {report.box}, scopecast {report.version}",
        f"board    {report.board}",
        "",
        *(f"{'  ok' if check.good else 'MEND'}  {check.what:<{width}}  {check.found}" for check in report.checks),
        "",
        "RESULT   ready" if not bad else f"RESULT   {bad} thing(s) to mend",
    ))  # fmt: skip
