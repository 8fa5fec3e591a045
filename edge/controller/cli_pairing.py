"""`edgectl pair`, `renew`, `revoke`, `unpair`: boxes come to this controller, stay and go."""

from __future__ import annotations

import argparse
import asyncio
import time
from typing import Any

from edge.controller.central import Central, CentralBroker
from edge.controller.client import Controller
from edge.controller.home import Home, KnownBox
from edge.controller.pairing import Target, pair
from edge.model.command import Op, Result, ResultState
from edge.model.errors import EdgeError, Forbidden, Invalid, Unavailable
from edge.vault.authority import Purpose

_OK = 0
_LEAVES = ("link", "res")


def add_verbs(verbs: Any) -> None:
    verb = _add(verbs, "pair", _pair, "enrol this controller at a box that shows a code")
    verb.add_argument("url", metavar="URL", help="the box's address, as http://10.0.0.5:8080, or its QR code's text")
    verb.add_argument("--code", default="", help="the eight digits on the box's screen; not with a QR code's text")
    where = verb.add_mutually_exclusive_group()
    where.add_argument("--broker", metavar="HOST[:PORT]", help="central broker (default: that of `edgectl broker set`)")
    where.add_argument("--local", action="store_true", help="leave the box at the broker where it is")
    verb = _add(verbs, "renew", _renew, "give a box a new certificate for the central broker")
    verb.add_argument("box", nargs="?", metavar="BOX")
    verb = _add(verbs, "unpair", _unpair, "let a box forget this controller, and forget the box")
    verb.add_argument("box", metavar="BOX")
    verb = _add(verbs, "revoke", _revoke, "shut a box out of the central broker, whether it answers or not")
    verb.add_argument("box", metavar="BOX", help="its whole id, also of a box that is no longer known here")


def _add(verbs: Any, name: str, run: Any, help_text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=help_text, description=help_text.capitalize())
    parser.set_defaults(verb=run)
    return parser


async def _pair(options: argparse.Namespace, home: Home) -> int:
    target = Target.parse(options.url, options.code)
    central = CentralBroker.parse(options.broker) if options.broker else await asyncio.to_thread(home.central.broker)
    box = await pair(target, home=home, central=None if options.local else central)
    secured = " with TLS" if box.tls else ""
    print(f"paired with {box.id}, met at the broker {box.host}:{box.port}{secured}")
    return _OK


async def _renew(options: argparse.Namespace, home: Home) -> int:
    box = home.find(options.box)
    if not box.tls:
        raise Invalid(f"{box.id} is met without a certificate", code="not_enrolled")
    async with await _controller(home, box) as controller:
        asked = _done(await controller.send(box.id, Op.KEYS_REQUEST, timeout_s=options.timeout))
        issuer = home.central.issuer()
        request = str(asked.payload.get("request"))
        certificate = await asyncio.to_thread(issuer.issue, request, name=box.id, purpose=Purpose.CLIENT)
        args = {"certificate": certificate}
        done = _done(await controller.send(box.id, Op.KEYS_CERTIFICATE, args, timeout_s=max(40.0, options.timeout)))
    until = time.strftime("%Y-%m-%d", time.gmtime(int(done.payload.get("until", 0))))
    print(f"{box.id}: new certificate, good until {until}")
    return _OK


async def _unpair(options: argparse.Namespace, home: Home) -> int:
    box = home.find(options.box)
    try:
        async with await _controller(home, box) as controller:
            _done(await controller.send(box.id, Op.KEYS_LEAVE, timeout_s=options.timeout))
    except Unavailable as error:
        raise type(error)(f"{error}; to shut it out all the same: edgectl revoke {box.id}", code=error.code) from error
    if box.tls and not home.central.others:
        await asyncio.to_thread(_revoke_certificates, home.central, box.id)
    await asyncio.to_thread(home.forget, box.id)
    print(f"{box.id} has forgotten this controller, and is forgotten here")
    return _OK


async def _revoke(options: argparse.Namespace, home: Home) -> int:
    central = home.central
    if central.others:
        raise Invalid("certificates are of another authority: revoke them there", code="other_authority")
    count = await asyncio.to_thread(_revoke_certificates, central, options.box)
    try:
        known = home.find(options.box)
    except EdgeError:
        if not count:
            raise
    else:
        await asyncio.to_thread(home.forget, known.id)
    print(f"{options.box}: {count} certificate{'' if count == 1 else 's'} revoked, and forgotten here")
    print(f"give the broker the new list and restart it, so that no connection stands: {central.authority.crl_file}")
    return _OK


def _revoke_certificates(central: Central, box: str) -> int:
    return len(central.authority.revoke(box, now_s=int(time.time())))


async def _controller(home: Home, box: KnownBox) -> Controller:
    key, broker = await asyncio.to_thread(home.key_for, box.id), await asyncio.to_thread(home.broker, box)
    return Controller(broker=broker, key=key, home=home, boxes=(box.id,), leaves=_LEAVES)


def _done(result: Result) -> Result:
    if result.st is not ResultState.DONE:
        raise Forbidden(f"{result.st}: {result.code}: {result.detail}", code=result.code)
    return result
