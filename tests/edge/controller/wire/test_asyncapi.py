from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge.controller.wire.asyncapi import document
from edge.controller.wire.channels import CHANNELS

PUBLISHED = Path(__file__).parents[4] / "docs" / "contracts" / "asyncapi.json"


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(ref := node.get("$ref"), str):
            yield ref
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def resolve(whole: Any, ref: str) -> Any:
    node = whole
    for name in ref.removeprefix("#/").split("/"):
        node = node[name]
    return node


def test_the_published_file_is_what_the_models_say() -> None:
    """`edgectl asyncapi > docs/contracts/asyncapi.json` writes it."""
    assert json.loads(PUBLISHED.read_text()) == document()


def test_every_reference_leads_somewhere() -> None:
    whole = document()
    found = set(references(whole))
    assert len(found) > len(CHANNELS)
    assert all(isinstance(resolve(whole, ref), dict) for ref in found)


def test_every_topic_in_the_words_of_the_contract_is_a_channel() -> None:
    words = (PUBLISHED.parent / "mqtt.md").read_text()
    table = words.split("## Topics")[1].split("## ")[0]
    leaves = [line.split("`")[1] for line in table.splitlines() if line.startswith("| `") and "eb/1" not in line]
    addresses = {channel["address"] for channel in document()["channels"].values()}
    assert addresses == {*(f"eb/1/{{box}}/{leaf}" for leaf in leaves), "eb/1/_ctl/{controller}"}


def test_quality_of_service_and_retention_are_said() -> None:
    said = {name: op["bindings"]["mqtt"] for name, op in document()["operations"].items()}
    assert (said["health"]["qos"], said["health"]["messageExpiryInterval"]) == (0, 120)
    assert (said["desired"]["qos"], said["desired"]["retain"]) == (1, True)
    assert said["commands"]["retain"] is False
