"""`edgectl broker` and `edgectl ca`: the central broker, its files, and the authority that signs for it."""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path, PurePosixPath
from typing import Any

from edge.controller.central import DEFAULT_PORT, CentralBroker
from edge.controller.home import Home
from edge.controller.mosquitto import CONF, Listener, broker_files
from edge.model.errors import NotFound, Unavailable
from edge.vault.certificates import Certificate
from edge.vault.secret_file import replace_whole

_OK = 0


def add_verbs(verbs: Any) -> None:
    broker = verbs.add_parser("broker", help="the central broker that boxes are paired to")
    broker_verbs = broker.add_subparsers(required=True, metavar="WHAT")
    verb = _add(broker_verbs, "set", _set, "where the central broker is")
    verb.add_argument("broker", metavar="HOST[:PORT]", help=f"as boxes reach it; port {DEFAULT_PORT} if left out")
    verb.add_argument("--ca-command", default="", metavar="CMD", help="another authority: reads a request, writes PEM")
    verb.add_argument("--ca-file", default="", metavar="FILE", help="that authority's certificates, PEM")
    _add(broker_verbs, "show", _show, "which broker that is, and under what name this controller goes there")
    verb = _add(broker_verbs, "mosquitto", _mosquitto, "write what a Mosquitto needs: configuration, access list, keys")
    verb.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write it")
    verb.add_argument("--at", type=PurePosixPath, metavar="DIR", help="where it will be on the broker (default: --out)")
    verb.add_argument("--name", action="append", metavar="HOST", help="name or address of the broker, repeatable")
    verb.add_argument("--controller", action="append", default=[], metavar="NAME", help="further controllers")
    verb.add_argument("--days", type=int, default=825, metavar="N", help="how long the broker's certificate holds")
    ca = verbs.add_parser("ca", help="this controller's certificate authority")
    ca_verbs = ca.add_subparsers(required=True, metavar="WHAT")
    _add(ca_verbs, "show", _ca_show, "its certificate, and what it has issued")
    verb = _add(ca_verbs, "crl", _ca_crl, "write the list of what is revoked, fresh for another year")
    verb.add_argument("--out", type=Path, metavar="FILE", help="also to this file")


def _add(verbs: Any, name: str, run: Any, help_text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=help_text, description=help_text.capitalize())
    parser.set_defaults(verb=run)
    return parser


async def _set(options: argparse.Namespace, home: Home) -> int:
    broker = CentralBroker.parse(options.broker, ca_command=options.ca_command, ca_file=options.ca_file)
    await asyncio.to_thread(home.central.use, broker)
    print(f"boxes are paired to {broker.host}:{broker.port} from now on")
    return _OK


async def _show(options: argparse.Namespace, home: Home) -> int:
    broker = _central(home)
    signs = f"the command {broker.ca_command}" if broker.ca_command else "this controller's own authority"
    print(f"broker       {broker.host}:{broker.port}")
    print(f"certificates {signs}")
    print(f"known as     {home.central.client_name}")
    return _OK


async def _mosquitto(options: argparse.Namespace, home: Home) -> int:
    broker, at = _central(home), options.at or PurePosixPath(options.out.absolute())
    files = await asyncio.to_thread(
        broker_files,
        home.central,
        Listener(at, broker.port),
        hosts=options.name or [broker.host],
        controllers=options.controller,
        days=options.days,
    )
    for name, text in files.items():
        await asyncio.to_thread(_write, options.out / name, text)
    print(f"written to {options.out}: {', '.join(files)}")
    print(f"start it there with: mosquitto -c {at / CONF}")
    return _OK


async def _ca_show(options: argparse.Namespace, home: Home) -> int:
    authority = home.central.authority
    ca = await asyncio.to_thread(lambda: authority.ca)
    print(ca, end="")
    print(f"valid until  {_day(Certificate.read(ca).not_after_s)}")
    for one in authority.issued():
        state = f"revoked {_day(one.revoked_s)}" if one.revoked_s else f"until   {_day(one.not_after_s)}"
        print(f"{one.purpose:6}  {state}  {one.name}  {one.serial}")
    return _OK


async def _ca_crl(options: argparse.Namespace, home: Home) -> int:
    path = await asyncio.to_thread(home.central.authority.write_crl, now_s=int(time.time()))
    if options.out is not None:
        await asyncio.to_thread(_write, options.out, path.read_text())
    print(options.out or path)
    return _OK


def _central(home: Home) -> CentralBroker:
    broker = home.central.broker()
    if broker is None:
        raise NotFound("no central broker is set: edgectl broker set HOST[:PORT]", code="no_broker")
    return broker


def _write(path: Path, text: str) -> None:
    try:
        replace_whole(path, text.encode())
    except OSError as error:
        raise Unavailable(f"cannot write {path}: {error.strerror}", code="controller_home") from error


def _day(utc_s: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(utc_s))
