"""A controller on the box itself, for `make run`: trusted without a code, as both are the same person's."""

from __future__ import annotations

import time
from pathlib import Path

from edge.controller.home import Home, KnownBox
from edge.vault.keyring import Keyring, trusted_key

_HOLDS_S = 365 * 86_400


def trust_local(*, home: Path, keyring: Keyring, box: str, broker: tuple[str, int], url: str = "") -> str:
    """Make the key pair in `home`, enrol it for everything on this box, remember the box; gives the kid.

    `broker` is host and port of where both meet. Blocking. Raises Fault, Unavailable,
    Forbidden as key files and keyring do.
    """
    controller = Home(home)
    key = controller.key()
    enrolled = trusted_key(
        kid=key.kid,
        public=key.public.base64,
        ops=("*",),
        boxes=(box,),
        not_after_s=int(time.time()) + _HOLDS_S,
    )
    keyring.add(enrolled)
    host, port = broker
    controller.remember(KnownBox(id=box, host=host, port=port, url=url))
    return key.kid
