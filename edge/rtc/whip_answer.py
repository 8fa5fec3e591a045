"""What an ingest's HTTP answer means for a WHIP output."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from edge.model.errors import Invalid, Rejected, Unavailable
from edge.rtc.whip_http import HttpAnswer
from edge.rtc.whip_url import follow, where

_LONGEST_WAIT_S = 3600.0
_MAX_DETAIL = 200
_CODES: Mapping[int, tuple[str, str]] = {
    401: ("unauthorized", "it does not know the token"),
    403: ("forbidden", "it does not let this token publish here"),
    404: ("not_found", "there is nothing to publish to at that path"),
    405: ("not_whip", "it takes no POST there"),
    406: ("not_whip", "it does not answer in SDP"),
    409: ("conflict", "somebody else publishes there already"),
    410: ("not_found", "what was there is gone"),
    415: ("not_whip", "it takes no SDP there"),
    429: ("busy", "it is asked too often"),
    503: ("busy", "it has no room now"),
}


class IngestRefused(Rejected):
    """Only a change of settings, here or there, helps. `wait_s`: not to be asked again before."""

    def __init__(self, message: str, *, code: str, wait_s: float = 0.0) -> None:
        super().__init__(message, code=code)
        self.wait_s = wait_s


class IngestUnready(Unavailable):
    """It may work later, after `wait_s` at the earliest."""

    def __init__(self, message: str, *, code: str, wait_s: float = 0.0) -> None:
        super().__init__(message, code=code)
        self.wait_s = wait_s


def check_created(answer: HttpAnswer) -> None:
    """Raises IngestRefused or IngestUnready unless it is 201 with SDP."""
    status = answer.status
    if status == HTTPStatus.CREATED:
        kind = answer.header("content-type").partition(";")[0].strip().lower()
        if kind != "application/sdp":
            raise IngestRefused(f"{where(answer.url)} answered 201 with {kind or 'no type'}, not SDP", code="not_whip")
        return
    code, words = _CODES.get(status, ("", ""))
    sentence = f"{where(answer.url)} answered {status}: {words or _said(answer)}"
    wait_s = retry_after_s(answer.header("retry-after"), now=datetime.now(UTC))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        raise IngestUnready(sentence, code=code or "ingest_failed", wait_s=wait_s)
    fallback = "offer_refused" if status >= HTTPStatus.BAD_REQUEST else "not_whip"
    raise IngestRefused(sentence, code=code or fallback, wait_s=wait_s)


def resource_of(answer: HttpAnswer) -> str:
    """The session's own address, for DELETE; empty where the ingest named none that may be used."""
    location = answer.header("location")
    try:
        return follow(answer.url, location) if location else ""
    except Invalid:
        return ""


def retry_after_s(text: str, *, now: datetime) -> float:
    """Of a Retry-After field, seconds or a date; 0 when it is absent or not understood, an hour at most."""
    if text.strip().isascii() and text.strip().isdecimal():
        return min(float(text), _LONGEST_WAIT_S)
    try:
        due = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    if due.tzinfo is None:
        due = due.replace(tzinfo=UTC)
    return max(0.0, min((due - now).total_seconds(), _LONGEST_WAIT_S))


def _said(answer: HttpAnswer) -> str:
    """The detail of a problem document, or the status in words. One short line."""
    detail = ""
    if "json" in answer.header("content-type"):
        try:
            body = json.loads(answer.body)
            detail = str(body.get("detail") or body.get("title") or "") if isinstance(body, dict) else ""
        except (ValueError, RecursionError):
            detail = ""
    line = "".join(letter for letter in detail if letter.isprintable())[:_MAX_DETAIL]
    if line:
        return line
    return HTTPStatus(answer.status).phrase if answer.status in {int(one) for one in HTTPStatus} else "no known status"
