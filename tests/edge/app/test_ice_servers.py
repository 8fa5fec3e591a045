from __future__ import annotations

from pathlib import Path

import pytest

from edge.app.ice_servers import IceServers
from edge.config.webrtc import TurnConfig, WebrtcConfig
from edge.model.ice import IceServer
from tests.fakes import FakeClock

TURN = "turns:turn.example:443?transport=tcp"


def secret(folder: Path, content: bytes) -> Path:
    path = folder / "secret"
    path.write_bytes(content)
    return path


def servers_of(clock: FakeClock, **turn: object) -> IceServers:
    config = WebrtcConfig(ice_servers=("stun:a:1",), turn=(TurnConfig.model_validate({"url": TURN, **turn}),))
    return IceServers.of(config, clock=clock)


def test_password_comes_from_the_first_line_of_its_file(tmp_path: Path) -> None:
    servers = servers_of(FakeClock(), user="box", secret_file=secret(tmp_path, b"hunter2\nnotes\n"))
    assert servers() == (IceServer("stun:a:1"), IceServer(TURN, "box", "hunter2"))


def test_time_limited_credentials_are_made_anew_for_each_session(tmp_path: Path) -> None:
    clock = FakeClock()
    servers = servers_of(clock, user="box", time_limited=True, valid_s=60, secret_file=secret(tmp_path, b"north"))
    first = servers()[1]
    clock.advance(10_000)
    later = servers()[1]
    assert first.user == "3661:box"
    assert later.user == "3671:box"
    assert first.credential != later.credential
    assert "north" not in repr(servers()) + first.credential


@pytest.mark.parametrize(("content", "words"), [(None, "No such file"), (b"\n", "is empty"), (b"\xff\n", "UTF-8")])
def test_server_without_its_secret_is_left_out_and_named(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "absent" if content is None else secret(tmp_path, content)
    servers = servers_of(FakeClock(), user="box", secret_file=path)
    assert servers() == (IceServer("stun:a:1"),)
    [sentence] = servers.trouble
    assert sentence.startswith(f"webrtc.turn.0.secret_file: {path}: ")
    assert words in sentence
