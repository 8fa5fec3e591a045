"""A controller whose key is in a token: from the file's key to the token's by a rotation, then at work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.mqtt_fleet import edgectl, fleet
from tests.peers.conftest import Mosquitto
from tests.softhsm import PIN, key_uri, make_token

pytestmark = pytest.mark.peer


async def test_a_box_obeys_a_key_in_a_token(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "token"
    monkeypatch.setenv("SOFTHSM2_CONF", str(make_token(token)))
    async with fleet(mosquitto.port, tmp_path, 1) as ((box,), home):
        code, out, err = await edgectl(home, "keys", "new", "--pkcs11", key_uri(token), "--generate", "--json")
        assert (code, err) == (0, "")
        kid = json.loads(out)["kid"]
        code, out, err = await edgectl(home, "keys", "rotate", "--to", kid)
        assert (code, err, out.splitlines()[-1]) == (0, "", f"done: {kid} signs now")
        known = box.keyring.keys()
        assert [key.kid for key in known] == [kid]
        assert (await edgectl(home, "start", "srt"))[0] == 0
        (token / "pin").unlink()
        code, out, err = await edgectl(home, "stop", "srt")
        assert (code, out) == (1, "")
        assert "cannot read the PIN's file" in err
        assert (await edgectl(home, "keys", "list"))[0] == 0
    assert box.runs == ["srt live"]
    assert not any(PIN.encode() in path.read_bytes() for path in home.rglob("*") if path.is_file())
