"""The arguments of `sink.set`, by kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edge.app.arguments import Arguments, BadArgument, about
from edge.model.feedback import Role
from edge.model.inputs import Input
from edge.model.sink import SinkKind, SinkSpec
from edge.rtc.whip_url import check_token, check_whip_url
from edge.sinks.srt import srt_options
from edge.sinks.srt_group_url import address_of
from edge.sinks.srt_socket import SrtOptions

_RUNG = r"[a-z0-9][a-z0-9-]{0,39}"


def sink_of(args: Mapping[str, Any], name: str, *, running: bool) -> SinkSpec:
    """What `sink.set` means by all of its arguments but the name; `running` holds where they do not say.

    Raises Invalid.
    """
    given = Arguments(args)
    kind = given.text("kind", default=SinkKind.SRT)
    if kind == SinkKind.SRT:
        return srt_of(given, name, running=running)
    if kind == SinkKind.WHIP:
        return whip_of(given, name, running=running)
    raise BadArgument(f"kind: {kind!r} is not one of srt, whip", argument="kind")


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
    with about("url"):
        address = address_of(url)
    with about("stream_id"):
        SrtOptions(stream_id=spec.stream_id)
    with about("passphrase"):
        SrtOptions(passphrase=spec.passphrase)
    with about("latency_ms"):
        srt_options(spec, address)
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
    with about("url"):
        check_whip_url(spec.url)
    if spec.token:
        with about("token"):
            check_token(spec.token)
    return spec


def role_of(given: Arguments) -> Role:
    """Raises Invalid."""
    role = given.text("role", default=Role.OBSERVER)
    if role not in set(Role):
        raise BadArgument(f"role: {role!r} is not one of {', '.join(Role)}", argument="role")
    return Role(role)
