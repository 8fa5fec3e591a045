"""What pages of other sites, those in the configuration, may do: frame /embed, and reach /whep with a token."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from starlette.datastructures import Headers

from edge.web.problems import Refusal

EMBED = "/embed"
_WHEP = "/whep/"
_NOTHING: Mapping[str, str] = {}


class Embedding:
    """`origins` as browsers write them: scheme, host in small letters, port unless it is the scheme's own."""

    def __init__(self, origins: Iterable[str] = ()) -> None:
        self._origins = frozenset(origins)
        self._ancestors = " ".join(sorted(self._origins))

    def frames(self, path: str) -> str:
        """The sites that may show that page in a frame, as for `frame-ancestors`; empty for none."""
        return self._ancestors if path == EMBED else ""

    def admits(self, path: str, headers: Headers) -> bool:
        """Whether this is a request of a page of such a site to where it may ask."""
        return path.startswith(_WHEP) and headers.get("origin") in self._origins

    def check(self, headers: Headers) -> None:
        """A foreign page has to bring a token: no cookie, no place in the network speaks for it. Raises Refusal."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Refusal(401, "token_missing", "a page of another site needs a token: Authorization: Bearer ...")

    def leave(self, headers: Headers) -> Mapping[str, str]:
        """What lets that page read the answer (Fetch standard, CORS)."""
        return {
            "Access-Control-Allow-Origin": headers["origin"],
            "Access-Control-Expose-Headers": "Location, Link, Accept-Patch, Retry-After",
            "Vary": "Origin",
        }

    def preflight(self, method: str, headers: Headers) -> Mapping[str, str] | None:
        """The answer to a browser that asks beforehand, None when this is no such question."""
        if method != "OPTIONS" or "access-control-request-method" not in headers:
            return None
        private = headers.get("access-control-request-private-network") == "true"
        return {
            "Access-Control-Allow-Methods": "POST, PATCH, DELETE, OPTIONS",
            "Access-Control-Allow-Headers": "Authorization, Content-Type",
            "Access-Control-Max-Age": "600",
            **({"Access-Control-Allow-Private-Network": "true"} if private else _NOTHING),
        }
