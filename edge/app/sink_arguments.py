"""The arguments of `sink.set`, by kind."""

from __future__ import annotations

from edge.app.arguments import Arguments
from edge.model.errors import Invalid
from edge.model.feedback import Role
from edge.model.inputs import Input
from edge.model.sink import SinkKind, SinkSpec
from edge.rtc.whip_url import check_token, check_whip_url
from edge.sinks.srt import srt_options
from edge.sinks.srt_group_url import address_of

_RUNG = r"[a-z0-9][a-z0-9-]{0,39}"


def srt_of(given: Arguments, name: str, *, running: bool) -> SinkSpec:
    """`running` holds where the arguments do not say. Raises Invalid."""
    url = given.text("url")
    spec = SinkSpec(
        name=name,
        kind=SinkKind.SRT,
        url=url,
        latency_ms=given.integer("latency_ms", least=0, most=8000, default=0),
        stream_id=given.text("stream_id", default=""),
        passphrase=given.secret("passphrase") or "",
        rung=given.text("rung", pattern=_RUNG, default=Input.MAIN),
        role=role_of(given),
        running=given.flag("running", default=running),
    )
    given.done()
    srt_options(spec, address_of(url))
    return spec


def whip_of(given: Arguments, name: str, *, running: bool) -> SinkSpec:
    """As `srt_of`."""
    spec = SinkSpec(
        name=name,
        kind=SinkKind.WHIP,
        url=given.text("url"),
        token=given.secret("token") or "",
        rung=given.text("rung", pattern=_RUNG, default=Input.MAIN),
        role=role_of(given),
        running=given.flag("running", default=running),
    )
    given.done()
    check_whip_url(spec.url)
    if spec.token:
        check_token(spec.token)
    return spec


def role_of(given: Arguments) -> Role:
    """Raises Invalid."""
    role = given.text("role", default=Role.OBSERVER)
    if role not in set(Role):
        raise Invalid(f"role: {role!r} is not one of {', '.join(Role)}")
    return Role(role)
