"""Commands as an outside controller would write and sign them, byte by byte, without our code."""

from __future__ import annotations

import base64
import itertools
import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.vault.keyring import TrustedKey, trusted_key

_CTR = itertools.count(time.time_ns() // 1_000_000)
FAR_S = 4_102_444_800  # 2100
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
KID = "ctl-test-1"


def public_text(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def trust(**changes: Any) -> TrustedKey:
    """The test controller's entry in a keyring: everything allowed until 2100."""
    fields = {"kid": KID, "public": public_text(KEY), "ops": ("*",), "boxes": ("*",), "not_after_s": FAR_S}
    return trusted_key(**{**fields, **changes})


def order(box: str, op: str, args: Mapping[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A command payload, fresh in every field; a change to None leaves the field out."""
    now_s = int(time.time())
    body = {
        "v": 1,
        "box": box,
        "id": str(uuid.uuid4()),
        "ctr": next(_CTR),
        "op": op,
        "args": args or {},
        "by": "tester",
        "iat": now_s,
        "exp": now_s + 60,
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def desired(box: str, rev: int, **sections: Any) -> dict[str, Any]:
    """A desired document's payload."""
    return {"v": 1, "box": box, "rev": rev, **sections}


def sign(payload: bytes, *, key: Ed25519PrivateKey = KEY, kid: str = KID, pt: str = "eb/1/cmd") -> dict[str, Any]:
    head = f"DSSEv1 {len(pt)} {pt} {len(payload)} ".encode()
    signature = key.sign(head + payload)
    return {"pt": pt, "p": _url64(payload), "sigs": [{"kid": kid, "alg": "ed25519", "s": _url64(signature)}]}


def signed(body: Mapping[str, Any], **how: Any) -> bytes:
    """The envelope's bytes of that payload."""
    return json.dumps(sign(json.dumps(body).encode(), **how)).encode()


def _url64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
