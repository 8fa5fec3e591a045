from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from edge.app.key_operations import KeyOperations
from edge.model.command import Command, Result
from edge.runtime.command_bus import CommandBus
from edge.vault.keyring import Keyring
from tests.mqtt_orders import KEY, KID, STRANGER, public_text, trust

BOX = "box-abcdef"
NOW_S = 1_800_000_000


def entry(kid: str = KID, **changes: Any) -> dict[str, Any]:
    whole = {"kid": kid, "alg": "ed25519", "public": public_text(KEY), "ops": ["*"], "boxes": ["*"]}
    return {**whole, "not_after": "2030-01-01T00:00:00Z", **changes}


class Rig:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "controllers.json"
        self.keyring = Keyring(self.path)
        self.keyring.add(trust())
        self.audits: list[tuple[str, Mapping[str, Any]]] = []
        self.bus = CommandBus()
        KeyOperations(
            keyring=self.keyring,
            box=BOX,
            dated_s=lambda: NOW_S,
            audit=lambda code, facts: self.audits.append((code, facts)),
        ).register(self.bus)

    async def set(self, *entries: Any, kid: str = KID) -> Result:
        return await self.bus.submit(Command("1", "keys.set", {"keys": list(entries)}, present=True, kid=kid))


def kids(keyring: Keyring) -> list[str]:
    known = keyring.keys()
    return sorted(key.kid for key in known)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


async def test_the_list_is_replaced_whole_and_holds_after_a_restart(rig: Rig) -> None:
    result = await rig.set(entry("ctl-new", public=public_text(STRANGER)), entry("ctl-narrow", ops=["stream.*"]))
    assert (result.code, result.payload) == ("ok", {"keys": ["ctl-narrow", "ctl-new"]})
    for keyring in (rig.keyring, Keyring(rig.path)):
        assert kids(keyring) == ["ctl-narrow", "ctl-new"]
        assert keyring.find(KID) is None


async def test_who_changed_the_keys_and_how_is_audited(rig: Rig) -> None:
    await rig.set(entry(), entry("ctl-new"))
    await rig.set(entry("ctl-new"))
    assert rig.audits == [
        ("keys.changed", {"by": KID, "added": ["ctl-new"], "removed": [], "kept": [KID]}),
        ("keys.changed", {"by": KID, "added": [], "removed": [KID], "kept": ["ctl-new"]}),
    ]


async def test_twice_is_once(rig: Rig) -> None:
    for _ in range(2):
        assert (await rig.set(entry())).code == "ok"
    assert kids(rig.keyring) == [KID]


async def test_nobody_at_the_box_changes_keys_without_one(rig: Rig) -> None:
    assert (await rig.set(entry("ctl-mine"), kid="")).code == "signature_needed"
    assert rig.keyring.find("ctl-mine") is None


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [entry(ops=["stream.*", "keys.list"])],
        [entry(boxes=["box-other"])],
        [entry(not_after="2026-12-31T00:00:00Z")],
        [entry(ops=["stream.*"]), entry("b", boxes=["box-x*"]), entry("c", not_after="2020-01-01T00:00:00Z")],
    ],
    ids=["none", "not keys.set", "not here", "ended", "each lacks something"],
)
async def test_a_list_after_which_nobody_could_set_keys_is_refused(rig: Rig, entries: list[Any]) -> None:
    assert (await rig.set(*entries)).code == "no_key_left"
    assert (rig.keyring.keys(), rig.audits) == ((trust(),), [])


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({}, "whole list"),
        ({"keys": [], "add": 1}, "no other argument"),
        ({"keys": {}}, "keys: must be a list"),
        ({"keys": [5]}, r"keys\[0\]: must hold exactly"),
        ({"keys": [entry(), entry("b", public="AAAA")]}, r"keys\[1\].public"),
        ({"keys": [entry(), entry()]}, "two entries have one kid"),
        ({"keys": [entry(f"k{n}") for n in range(33)]}, "at most 32"),
    ],
)
async def test_a_list_that_is_wrong_is_refused_by_its_place(rig: Rig, args: dict[str, Any], words: str) -> None:
    result = await rig.bus.submit(Command("1", "keys.set", args, present=True, kid=KID))
    assert result.st == "rejected"
    assert re.search(words, result.detail)
    assert rig.keyring.keys() == (trust(),)


async def test_the_list_is_told_as_it_can_be_set(rig: Rig) -> None:
    told = await rig.bus.submit(Command("1", "keys.get", {}))
    assert [key["kid"] for key in told.payload["keys"]] == [KID]
    assert (await rig.set(*told.payload["keys"])).code == "ok"
    assert kids(rig.keyring) == [KID]


async def test_telling_the_list_takes_no_arguments(rig: Rig) -> None:
    assert (await rig.bus.submit(Command("1", "keys.get", {"all": True}))).code == "invalid"
