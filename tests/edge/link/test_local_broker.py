import os
import socket
from pathlib import Path

import pytest

from edge.link import local_broker as module
from edge.link.local_broker import broker_config, local_broker
from edge.model.errors import Busy, Missing, Unavailable


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_configuration_stays_on_loopback_and_off_the_disk() -> None:
    lines = broker_config(1883).splitlines()
    assert "listener 1883 127.0.0.1" in lines
    assert "persistence false" in lines
    assert "max_packet_size 262144" in lines


def test_the_command_names_a_file_in_run_dir(tmp_path: Path) -> None:
    program, flag, path = local_broker(free_port(), tmp_path / "run")
    assert program.endswith("/mosquitto")
    assert flag == "-c"
    assert Path(path).parent == tmp_path / "run"
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["mosquitto.conf"]


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Busy, match=rf"port {port} on 127\.0\.0\.1 is taken") as caught:
            local_broker(port, tmp_path)
    assert caught.value.code == "broker_port_busy"


def test_without_mosquitto_the_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "PATH", str(tmp_path))
    monkeypatch.setattr(module, "_SBIN", str(tmp_path))
    with pytest.raises(Missing, match="Debian package mosquitto") as caught:
        local_broker(free_port(), tmp_path)
    assert caught.value.code == "broker_missing"


def test_a_run_dir_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot write"):
        local_broker(free_port(), tmp_path / "file" / "run")
