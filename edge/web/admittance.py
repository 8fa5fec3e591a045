"""Viewers' bearer tokens (RFC 6750): who asks, from where, and how a refusal is said."""

from __future__ import annotations

import ipaddress
import logging

from fastapi import Request

from edge.model.errors import Forbidden
from edge.model.invitation import Invitation
from edge.ports import Admission
from edge.web.problems import Problem

_LOG = logging.getLogger(__name__)
_REALM = 'Bearer realm="scopecast"'
_PROXIED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


class NotAdmitted(Forbidden):
    """With the problem document to answer with: 401 where another token would help, else 403."""

    def __init__(self, refusal: Forbidden) -> None:
        super().__init__(str(refusal), code=refusal.code)
        challenge = {
            "token_missing": _REALM,
            "token_invalid": f'{_REALM}, error="invalid_token"',
            "token_expired": f'{_REALM}, error="invalid_token", error_description="expired"',
        }.get(refusal.code)
        headers = {"WWW-Authenticate": challenge} if challenge else {}
        self.problem = Problem(401 if challenge else 403, refusal.code, str(refusal), headers=headers)


def admit(admission: Admission, request: Request, rung: str) -> Invitation | None:
    """Raises NotAdmitted."""
    try:
        return admission.admit(rung=rung, token=_token(request), local=is_local(request))
    except Forbidden as error:
        where = request.client.host if request.client else "somewhere"
        _LOG.warning("a viewer from %s was refused: %s: %s", where, error.code, error)
        raise NotAdmitted(error) from error


def would_admit(admission: Admission, request: Request, rung: str) -> bool:
    """For who only asks what there is."""
    try:
        admission.admit(rung=rung, token=_token(request), local=is_local(request))
    except Forbidden:
        return False
    return True


def is_local(request: Request) -> bool:
    """Whether the caller itself is on this machine, and not a proxy on this machine on behalf of another."""
    if request.client is None or any(name in request.headers for name in _PROXIED):
        return False
    try:
        address = ipaddress.ip_address(request.client.host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _token(request: Request) -> str | None:
    """None without an Authorization header; raises Forbidden on one that is of another kind."""
    headers = request.headers.getlist("authorization")
    if not headers:
        return None
    scheme, _, token = headers[0].strip().partition(" ")
    if len(headers) > 1 or scheme.lower() != "bearer" or not token.strip():
        raise Forbidden("the token is not good: say `Authorization: Bearer TOKEN`, once", code="token_invalid")
    return token.strip()
