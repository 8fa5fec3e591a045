"""Does a message keep the contract?"""

from __future__ import annotations

import json
import re

from pydantic import ValidationError

from edge.controller.wire.channels import Channel, channel_of
from edge.controller.wire.models import Message
from edge.link.envelope import parse_envelope, parse_json_object
from edge.model.errors import Invalid

_BOX = re.compile(r"[a-z0-9-]{6,40}")


def breaches(topic: str, payload: bytes, *, qos: int | None = None, retain: bool | None = None) -> list[str]:
    """What is wrong with a message, each in one line; none when all is well.

    `qos` and `retain` as its sender set them, where that is known. An empty retained message clears a topic and
    is nothing to judge.
    """
    channel = channel_of(topic)
    if channel is None:
        return ["no such topic in the contract"]
    if not payload and channel.retain:
        return []
    return [*_frame(channel, topic, payload, qos, retain), *_body(channel, topic, payload)]


def _frame(channel: Channel, topic: str, payload: bytes, qos: int | None, retain: bool | None) -> list[str]:
    found = []
    box = topic.split("/")[2]
    if "{box}" in channel.address and not _BOX.fullmatch(box):
        found.append(f"topic: {box} is no box id")
    if len(payload) > channel.most_bytes:
        found.append(f"{len(payload)} bytes, at most {channel.most_bytes}")
    if qos is not None and qos != channel.qos:
        found.append(f"QoS {qos}, must be {channel.qos}")
    if retain is not None and retain != channel.retain:
        found.append("must be retained" if channel.retain else "may not be retained")
    return found


def _body(channel: Channel, topic: str, payload: bytes) -> list[str]:
    try:
        parse_json_object(payload)
        found = _against(channel.model, payload)
        if found or channel.payload is None:
            return found
        inner = parse_envelope(payload, payload_type=_payload_type(payload)).payload
    except Invalid as error:
        return [str(error)]
    found = [f"p: {line}" for line in _against(channel.payload, inner)]
    box = json.loads(inner).get("box")
    return found if found or box == topic.split("/")[2] else [f"p: box: {box} is another one than the topic's"]


def _payload_type(payload: bytes) -> str:
    return str(json.loads(payload)["pt"])


def _against(model: type[Message], payload: bytes) -> list[str]:
    try:
        model.model_validate_json(payload)
    except ValidationError as error:
        return [f"{'.'.join(map(str, one['loc'])) or 'message'}: {one['msg']}" for one in error.errors()]
    return []
