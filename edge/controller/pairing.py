"""The controller's side of pairing: one HTTP request with the code that the box shows."""

from __future__ import annotations

import asyncio
import http.client
import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from edge.controller.home import Home, KnownBox
from edge.model.errors import Forbidden, Invalid, PeerGone

_TIMEOUT_S = 10.0
_MAX_ANSWER = 64 << 10


async def pair(url: str, code: str, *, home: Home) -> KnownBox:
    """Enrol this controller's key at the box and remember it.

    Raises Invalid (address, answer), PeerGone, Forbidden with the box's own code.
    """
    box = await asyncio.to_thread(_pair, url.rstrip("/"), code, home)
    await asyncio.to_thread(home.remember, box)
    return box


def _pair(url: str, code: str, home: Home) -> KnownBox:
    if urlsplit(url).scheme not in ("http", "https"):
        raise Invalid(f"{url}: the box's address starts with http:// or https://", code="bad_url")
    key = home.key()
    wish = {"code": code, "kid": key.kid, "public_key": key.public.base64}
    request = urllib.request.Request(  # noqa: S310  the scheme was checked
        f"{url}/api/v1/pair", json.dumps(wish).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
            return _known_box(json.loads(answer.read(_MAX_ANSWER)), url)
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(error.code, error.read(_MAX_ANSWER)) from error
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise PeerGone(f"{url} does not answer: {getattr(error, 'reason', error)}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Invalid(f"{url} answers, but not like a box", code="not_a_box") from error


def _known_box(answer: Any, url: str) -> KnownBox:
    broker = answer["broker"]
    if "eb/1" not in answer["proto"]:
        raise Invalid(f"the box speaks {answer['proto']}, not eb/1", code="unknown_proto")
    return KnownBox(id=str(answer["box"]), host=str(broker["host"]), port=int(broker["port"]), url=url)


def _refusal(status: int, text: bytes) -> Forbidden:
    """The box's problem document (RFC 9457) as an error."""
    try:
        problem = json.loads(text)
        return Forbidden(str(problem.get("detail") or problem.get("title")), code=str(problem.get("code", "refused")))
    except (ValueError, AttributeError):
        return Forbidden(f"the box refuses with HTTP status {status}", code="refused")
