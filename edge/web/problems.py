"""Errors on the wire: RFC 9457 problem documents with the stable `code`."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from edge.model import errors
from edge.model.errors import EdgeError, Rejected

_RETRY_AFTER = {"Retry-After": "1"}
_STATUS: Mapping[str, int] = {
    errors.Invalid.code: 400,
    errors.Forbidden.code: 403,
    errors.NotFound.code: 404,
    errors.Busy.code: 409,
    "stopped": 409,
    errors.Expired.code: 410,
    errors.NotSupported.code: 422,
    errors.Fault.code: 500,
    errors.TimedOut.code: 504,
}
_CODES: Mapping[int, str] = {404: "not_found", 405: "method_not_allowed"}
_KINDS = (
    errors.Invalid,
    errors.Forbidden,
    errors.NotFound,
    errors.Busy,
    errors.Expired,
    errors.NotSupported,
    errors.TimedOut,
    errors.Fault,
)


class Refusal(Rejected):
    """What HTTP itself refuses: a wrong content type, a foreign host, a body too large."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message, code=code)
        self.status = status


class Problem(JSONResponse):
    """A problem document; `more` adds extension members."""

    media_type = "application/problem+json"

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "code": code}
        extra = _RETRY_AFTER if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
        super().__init__(
            {**body, "detail": detail, **(more or {})},
            status_code=status,
            headers={"Cache-Control": "no-store", **extra, **(headers or {})},
        )


def status_of_rejection(code: str) -> int:
    """4xx for the code of a rejected command; narrowed `unknown_*` codes are all 404."""
    status = 404 if code.startswith("unknown_") else _STATUS.get(code, 400)
    return status if status < 500 else 400


def status_of_failure(code: str) -> int:
    """5xx for the code of a failed command: 500 is us, 504 too late, else the world (503)."""
    status = _STATUS.get(code, 503)
    return status if status >= 500 else 503


def status_of_error(error: EdgeError) -> int:
    """HTTP status of an error raised on the way to an answer."""
    if isinstance(error, Refusal):
        return error.status
    kind = next((kind for kind in _KINDS if isinstance(error, kind)), None)
    if kind is not None:
        return _STATUS[kind.code]
    return status_of_rejection(error.code) if isinstance(error, Rejected) else 503


def problem_of(error: EdgeError) -> Problem:
    return Problem(status_of_error(error), error.code, str(error))


def answer_errors_with_problems(app: FastAPI) -> None:
    """Every error that the routes or the router raise becomes a problem document."""
    app.add_exception_handler(EdgeError, _on_edge_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)


async def _on_edge_error(request: Request, error: Exception) -> Problem:
    assert isinstance(error, EdgeError)  # noqa: S101 - the type under which it is registered
    return problem_of(error)


async def _on_http_error(request: Request, error: Exception) -> Problem:
    assert isinstance(error, HTTPException)  # noqa: S101 - the type under which it is registered
    code = _CODES.get(error.status_code, "rejected" if error.status_code < 500 else "fault")
    detail = f"{request.method} {request.url.path}: {error.detail}"
    return Problem(error.status_code, code, detail, headers=error.headers)


async def _on_validation_error(request: Request, error: Exception) -> Problem:
    return Problem(400, errors.Invalid.code, f"{request.method} {request.url.path}: {error}")
