"""Which message goes where, how, and from whom: the table of topics in docs/contracts/mqtt.md."""

from __future__ import annotations

from dataclasses import dataclass

from edge.controller.wire import models
from edge.controller.wire.models import Message

KIB = 1024


@dataclass(frozen=True, slots=True)
class Channel:
    """`address` has `{box}` or `{controller}` in it; `payload`: what a signed envelope holds."""

    name: str
    address: str
    from_box: bool
    qos: int
    retain: bool
    model: type[Message]
    summary: str
    payload: type[Message] | None = None
    most_bytes: int = 256 * KIB
    expiry_s: int | None = None


CHANNELS = (
    Channel("link", "eb/1/{box}/link", True, 1, True, models.Link, "presence; the will writes it too"),
    Channel(
        "state", "eb/1/{box}/state", True, 1, True, models.State, "the whole reported document", most_bytes=16 * KIB
    ),
    Channel("health", "eb/1/{box}/tele/health", True, 0, False, models.Telemetry, "figures every 30 s", expiry_s=120),
    Channel(
        "stream",
        "eb/1/{box}/tele/stream",
        True,
        0,
        False,
        models.Telemetry,
        "figures every 5 s while something streams",
        expiry_s=120,
    ),
    Channel("events", "eb/1/{box}/evt", True, 1, False, models.Event, "alarms, life cycle, audit digests"),
    Channel("results", "eb/1/{box}/res", True, 1, False, models.Answer, "progress and results of commands"),
    Channel(
        "desired",
        "eb/1/{box}/desired",
        False,
        1,
        True,
        models.DesiredEnvelope,
        "the whole desired document, signed",
        payload=models.DesiredDocument,
    ),
    Channel(
        "commands",
        "eb/1/{box}/cmd",
        False,
        1,
        False,
        models.CommandEnvelope,
        "a signed command; never retained",
        payload=models.CommandOrder,
        most_bytes=64 * KIB,
    ),
    Channel(
        "acknowledgements",
        "eb/1/{box}/ack",
        False,
        1,
        False,
        models.Acknowledgement,
        "how far the controller has the box's events for good",
    ),
    Channel(
        "controllers",
        "eb/1/_ctl/{controller}",
        False,
        1,
        True,
        models.ControllerPresence,
        "presence of a controller",
    ),
)


def channel_of(topic: str) -> Channel | None:
    """None for a topic that the contract does not have."""
    parts = topic.split("/")
    for channel in CHANNELS:
        pattern = channel.address.split("/")
        if len(pattern) == len(parts) and all(_fits(want, have) for want, have in zip(pattern, parts, strict=True)):
            return channel
    return None


def _fits(want: str, have: str) -> bool:
    if want == "{box}":
        return have != "_ctl" and bool(have)
    return have == want or (want == "{controller}" and bool(have))
