"""`edgectl keys`: what this controller signs with."""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import textwrap
import time
from dataclasses import asdict
from typing import Any

from edge.controller.home import Home
from edge.controller.keychain import HeldKey
from edge.controller.rotate import begin, carry_on
from edge.controller.rotation import Rotation
from edge.model.errors import NotFound
from edge.vault.keyring import Keyring, TrustedKey, key_entry, trusted_key

_AGAIN_S = 5.0
# SubjectPublicKeyInfo of Ed25519 up to the key (RFC 8410, 4)
_SPKI = bytes.fromhex("302a300506032b6570032100")


def add_verbs(verbs: Any) -> None:
    text = "the keys this controller signs with"
    group = verbs.add_parser("keys", help=text, description=text.capitalize())
    group.set_defaults(verb=_list, json=False)
    steps = group.add_subparsers(metavar="WHAT")
    _add(steps, "list", _list, "every key, the active one first marked so")
    verb = _add(steps, "new", _new, "make a key for later, in a file or in a token")
    verb.add_argument("--pkcs11", metavar="URI", help="a key in a token, such as pkcs11:token=T;object=O (RFC 7512)")
    verb.add_argument("--generate", action="store_true", help="let the token make it when it has none there")
    verb = _add(steps, "rotate", _rotate, "teach all boxes a new key, then take the old one away; goes on where it was")
    verb.add_argument("--to", metavar="KID", help="this key; the one made last for it, or a new one, if left out")
    verb.add_argument("--wait", action="store_true", help="until every box is done, however long it is away")
    verb.add_argument("--sole", action="store_true", help="no other controller commands these boxes")
    verb = _add(steps, "retire", _retire, "use a key no more that does not sign now")
    verb.add_argument("kid", metavar="KID")
    verb = _add(steps, "trust", _trust, "let boxes keep another controller's key when keys are rotated")
    verb.add_argument("kid", metavar="KID", help="as the other's edgectl keys export --json says")
    verb.add_argument("public", metavar="PUBLIC", help="its public key in base64, from the same")
    verb.add_argument("--ops", action="append", metavar="PATTERN", help="operations it may do (*); may be repeated")
    verb.add_argument("--boxes", action="append", metavar="PATTERN", help="boxes it may command (*); may be repeated")
    verb.add_argument("--days", type=int, default=730, metavar="N", help="for how long (730)")
    verb = _add(steps, "distrust", _distrust, "boxes need not keep that key any more")
    verb.add_argument("kid", metavar="KID")
    verb = _add(steps, "export", _export, "the public half as PEM, for whoever checks signatures")
    verb.add_argument("kid", nargs="?", metavar="KID", help="the active one if left out")


def _add(steps: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = steps.add_parser(name, help=text, description=text.capitalize())
    parser.set_defaults(verb=run)
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser


async def _list(options: argparse.Namespace, home: Home) -> int:
    for key in await asyncio.to_thread(home.keychain.held):
        print(json.dumps(asdict(key)) if options.json else _line(key))
    others = (await asyncio.to_thread(Keyring, home.others_path)).keys()
    for other in others:
        print(json.dumps({**key_entry(other), "state": "other"}) if options.json else _other_line(other))
    rotation = await asyncio.to_thread(Rotation.load, home.folder)
    if rotation is not None and not options.json:
        print(f"being rotated from {rotation.old} to {rotation.new}: edgectl keys rotate goes on")
    return 0


async def _new(options: argparse.Namespace, home: Home) -> int:
    key = await asyncio.to_thread(home.keychain.add, options.pkcs11, make=options.generate)
    print(json.dumps(asdict(key)) if options.json else _line(key))
    return 0


async def _retire(options: argparse.Namespace, home: Home) -> int:
    await asyncio.to_thread(home.keychain.retire, options.kid)
    print(f"{options.kid} retired")
    return 0


async def _trust(options: argparse.Namespace, home: Home) -> int:
    key = trusted_key(
        kid=options.kid,
        public=options.public,
        ops=tuple(options.ops or ("*",)),
        boxes=tuple(options.boxes or ("*",)),
        not_after_s=int(time.time()) + options.days * 86_400,
    )
    others = await asyncio.to_thread(Keyring, home.others_path)
    await asyncio.to_thread(others.add, key)
    print(json.dumps(key_entry(key)) if options.json else f"{key.kid} is kept from the next rotation on")
    return 0


async def _distrust(options: argparse.Namespace, home: Home) -> int:
    others = await asyncio.to_thread(Keyring, home.others_path)
    if others.find(options.kid) is None:
        raise NotFound(f"no key {options.kid} of another controller is known here", code="unknown_key")
    await asyncio.to_thread(others.remove, options.kid)
    print(f"{options.kid} is not kept from the next rotation on")
    return 0


async def _export(options: argparse.Namespace, home: Home) -> int:
    keys = await asyncio.to_thread(home.keychain.held)
    kid = options.kid or next(key.kid for key in keys if key.state == "active")
    key = await asyncio.to_thread(home.keychain.find, kid)
    if options.json:
        print(json.dumps({"kid": key.kid, "alg": "ed25519", "public": key.public}))
    else:
        text = base64.b64encode(_SPKI + base64.b64decode(key.public)).decode()
        print("\n".join(("-----BEGIN PUBLIC KEY-----", *textwrap.wrap(text, 64), "-----END PUBLIC KEY-----")))
    return 0


async def _rotate(options: argparse.Namespace, home: Home) -> int:
    await asyncio.to_thread(begin, home, kid=options.to)

    def tell(box: str, word: str) -> None:
        print(json.dumps({"box": box, "word": word}) if options.json else f"{box}: {word}", flush=True)

    rotation = await carry_on(home, tell=tell, timeout_s=options.timeout, sole=options.sole)
    while rotation is not None and options.wait:
        await asyncio.sleep(_AGAIN_S)
        rotation = await carry_on(home, tell=tell, timeout_s=options.timeout, sole=options.sole)
    active = await asyncio.to_thread(home.key)
    if rotation is None:
        print(json.dumps({"done": True, "kid": active.kid}) if options.json else f"done: {active.kid} signs now")
        return 0
    waiting = rotation.waiting([box.id for box in await asyncio.to_thread(home.boxes)])
    word = f"not done: {len(waiting)} box(es) have not confirmed ({', '.join(waiting)}); edgectl keys rotate goes on"
    print(json.dumps({"done": False, "waiting": waiting}) if options.json else word)
    return 1


def _line(key: HeldKey) -> str:
    return f"{key.kid}  ed25519  {key.public}  {key.state}  {key.made}  {key.source.partition('?')[0]}"


def _other_line(key: TrustedKey) -> str:
    scopes = f"may do {', '.join(key.ops)} on {', '.join(key.boxes)}"
    return f"{key.kid}  ed25519  {key.public.base64}  other controller, {scopes}"
