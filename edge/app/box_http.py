"""A caller of the box's own HTTP API (docs/contracts/http.md), for the command line."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from edge.model.errors import Fault, Invalid, PeerGone, Rejected, Unavailable

_MAX_BODY = 4 << 20


class BoxHttp:
    """One request per connection. Raises Invalid on a URL that is none."""

    def __init__(self, url: str, *, timeout_s: float = 10.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Invalid(f"{url!r} is not an address of a box, such as http://127.0.0.1:8080")
        self._url = url.rstrip("/")
        self._path = parts.path.rstrip("/")
        self._secure = parts.scheme == "https"
        self._where = parts.netloc.rpartition("@")[2]
        self._timeout_s = timeout_s

    def get(self, path: str) -> Mapping[str, Any]:
        """Raises PeerGone when no box answers, Rejected or Unavailable with what it answers instead."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Raises as `get` does."""
        return self._ask("POST", path, json.dumps(body))

    def _ask(self, method: str, path: str, body: str | None) -> Mapping[str, Any]:
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._where, timeout=self._timeout_s)
        try:
            headers = {"Accept": "application/json", "Content-Type": "application/json"}
            connection.request(method, self._path + path, body=body, headers=headers)
            response = connection.getresponse()
            return _answer(self._url + path, response.status, response.read(_MAX_BODY))
        except (OSError, http.client.HTTPException) as error:
            raise PeerGone(
                f"no box answers at {self._url} ({error or type(error).__name__}); is it running?"
            ) from error
        finally:
            connection.close()


def _answer(url: str, status: int, raw: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(raw)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Unavailable(f"{url} answered {status} and not in JSON: this is not a box", code="peer_gone")
    if status >= http.client.BAD_REQUEST:
        kind = Rejected if status < http.client.INTERNAL_SERVER_ERROR else Unavailable
        raise kind(f"the box says: {body.get('detail') or body.get('title') or status}", code=body.get("code"))
    if body.get("st") in ("failed", "rejected"):
        raise Fault(f"the box says: {body.get('detail') or body.get('code')}", code=str(body.get("code")))
    return body
