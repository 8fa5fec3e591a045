"""The contract as an AsyncAPI 3 document, seen from the box."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from edge.controller.wire.channels import CHANNELS, Channel
from edge.controller.wire.models import Message

_VERSION = "3.0.0"
_MQTT_BINDING = "0.2.0"
_PARAMETERS = {
    "box": {"description": "id of a box, without meaning: [a-z0-9-]{6,40}"},
    "controller": {"description": "name of a controller"},
}


def document() -> dict[str, Any]:
    """As a JSON object."""
    return {
        "asyncapi": _VERSION,
        "info": {
            "title": "Scopecast, contract eb/1",
            "version": "1",
            "description": "A box and its central controller over MQTT. In words: mqtt.md beside this file.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"broker": _server()},
        "channels": {channel.name: _channel(channel) for channel in CHANNELS},
        "operations": {channel.name: _operation(channel) for channel in CHANNELS},
        "components": {
            "messages": {channel.model.__name__: _message(channel) for channel in CHANNELS},
            "schemas": _schemas(),
        },
    }


def _server() -> dict[str, Any]:
    return {
        "host": "{host}:{port}",
        "protocol": "secure-mqtt",
        "protocolVersion": "5",
        "description": "Any broker of MQTT 5, or of 3.1.1 without what 5 adds. TLS 1.3, both sides have certificates.",
        "variables": {"host": {"default": "127.0.0.1"}, "port": {"default": "8883"}},
        "bindings": {
            "mqtt": {
                "cleanSession": False,
                "keepAlive": 30,
                "sessionExpiryInterval": 86_400,
                "maximumPacketSize": 256 << 10,
                "lastWill": {"topic": "eb/1/{box}/link", "qos": 1, "retain": True},
                "bindingVersion": _MQTT_BINDING,
            }
        },
    }


def _channel(channel: Channel) -> dict[str, Any]:
    names = [name for name in _PARAMETERS if f"{{{name}}}" in channel.address]
    name = channel.model.__name__
    return {
        "address": channel.address,
        "summary": channel.summary,
        "parameters": {name: _PARAMETERS[name] for name in names},
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
    }


def _operation(channel: Channel) -> dict[str, Any]:
    binding: dict[str, Any] = {"qos": channel.qos, "retain": channel.retain, "bindingVersion": _MQTT_BINDING}
    if channel.expiry_s is not None:
        binding["messageExpiryInterval"] = channel.expiry_s
    return {
        "action": "send" if channel.from_box else "receive",
        "channel": {"$ref": f"#/channels/{channel.name}"},
        "summary": channel.summary,
        "bindings": {"mqtt": binding},
        "messages": [{"$ref": f"#/channels/{channel.name}/messages/{channel.model.__name__}"}],
    }


def _message(channel: Channel) -> dict[str, Any]:
    message: dict[str, Any] = {
        "name": channel.model.__name__,
        "summary": " ".join((channel.model.__doc__ or "").split()),
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{channel.model.__name__}"},
    }
    if channel.payload is not None:
        message["x-signed-payload"] = {"$ref": f"#/components/schemas/{channel.payload.__name__}"}
    return message


def _schemas() -> dict[str, Any]:
    models: list[type[Message]] = []
    for channel in CHANNELS:
        models += [channel.model, *((channel.payload,) if channel.payload else ())]
    unique = list(dict.fromkeys(models))
    _, schema = models_json_schema(
        [(model, "validation") for model in unique], ref_template="#/components/schemas/{model}"
    )
    found: dict[str, Any] = schema["$defs"]
    return found
