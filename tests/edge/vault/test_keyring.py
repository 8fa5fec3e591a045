import json
from pathlib import Path
from typing import Any

import pytest

from edge.model.errors import Fault, Forbidden, Invalid
from edge.vault.keyring import Keyring, parse_keyring
from tests.mqtt_orders import KEY, KID, STRANGER, public_text, trust

ENTRY: dict[str, Any] = {
    "kid": KID,
    "alg": "ed25519",
    "public": public_text(KEY),
    "ops": ["stream.*"],
    "boxes": ["box-*"],
    "not_after": "2030-01-01T00:00:00Z",
}


def document(**changes: Any) -> bytes:
    return json.dumps({"v": 1, "keys": [{**ENTRY, **changes}]}).encode()


def test_no_file_is_an_empty_keyring(tmp_path: Path) -> None:
    assert Keyring(tmp_path / "controllers.json").keys() == ()


def test_an_added_key_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "controllers.json"
    Keyring(path).add(trust())
    assert Keyring(path).find(KID) == trust()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_removed_key_stays_away(tmp_path: Path) -> None:
    path = tmp_path / "controllers.json"
    keyring = Keyring(path)
    keyring.add(trust())
    keyring.remove(KID)
    keyring.remove("never-there")
    assert Keyring(path).find(KID) is None


def test_a_key_id_cannot_be_taken_over_by_another_key(tmp_path: Path) -> None:
    keyring = Keyring(tmp_path / "controllers.json")
    keyring.add(trust())
    with pytest.raises(Forbidden, match="belongs to another key") as caught:
        keyring.add(trust(public=public_text(STRANGER)))
    assert caught.value.code == "kid_taken"
    keyring.add(trust(ops=("stream.*",)))
    assert keyring.find(KID) == trust(ops=("stream.*",))


def test_patterns_limit_operations_and_boxes() -> None:
    (key,) = parse_keyring(document())
    assert key.allows("stream.start", "box-abcdef")
    assert not key.allows("system.reboot", "box-abcdef")
    assert not key.allows("stream.start", "other-1")
    assert not key.allows("xstream.start", "box-abcdef")


def test_a_key_ends_after_its_date() -> None:
    (key,) = parse_keyring(document())
    assert not key.ended(1_893_456_000)
    assert key.ended(1_893_456_001)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"{", "not JSON"),
        (b"[]", "v: must be 1"),
        (b'{"v": 2, "keys": []}', "v: must be 1"),
        (b'{"v": 1, "keys": {}}', "keys: must be a list|and a list keys"),
        (b'{"v": 1, "keys": [], "more": 1}', "nothing else"),
        (b'{"v": 1, "keys": [1]}', r"keys\[0\]: must hold exactly"),
        (document(extra=1), r"keys\[0\]: must hold exactly"),
        (document(kid=""), r"keys\[0\]\.kid"),
        (document(kid="a b"), r"keys\[0\]\.kid"),
        (document(alg="rsa"), r"keys\[0\]\.alg: must be ed25519"),
        (document(public=5), r"keys\[0\]\.public"),
        (document(public="AAAA"), r"keys\[0\]\.public: an Ed25519 public key has 32 bytes, not 3"),
        (document(ops=[]), r"keys\[0\]\.ops: must be a list of at least one"),
        (document(ops="*"), r"keys\[0\]\.ops"),
        (document(boxes=["[a-z]"]), r"keys\[0\]\.boxes: '\[a-z\]' is not a pattern"),
        (document(not_after="soon"), r"keys\[0\]\.not_after: must be a time"),
        (document(not_after="2030-01-01T00:00:00"), r"keys\[0\]\.not_after: must name its time zone"),
        (json.dumps({"v": 1, "keys": [ENTRY, ENTRY]}).encode(), "two entries have one kid"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_a_wrong_keyring_says_what_and_where(text: bytes, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        parse_keyring(text)


def test_a_damaged_file_is_a_fault_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "controllers.json"
    path.write_bytes(document(alg="rsa"))
    with pytest.raises(Fault, match=r"controllers\.json: keys\[0\]\.alg") as caught:
        Keyring(path)
    assert caught.value.code == "keyring_broken"
