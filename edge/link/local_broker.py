"""A Mosquitto of our own on loopback, for a box without a controller."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

from edge.link.engine import MAX_PACKET_BYTES
from edge.model.errors import Busy, Missing, Unavailable

_SBIN = "/usr/sbin:/usr/local/sbin"


def broker_config(port: int) -> str:
    """Mosquitto's configuration: loopback only, anonymous there, nothing on disk."""
    lines = (
        f"listener {port} 127.0.0.1",
        "allow_anonymous true",
        "persistence false",
        "set_tcp_nodelay true",
        f"max_packet_size {MAX_PACKET_BYTES}",
        "max_queued_messages 2000",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
    )
    return "\n".join(lines) + "\n"


def local_broker(port: int, run_dir: Path) -> tuple[str, ...]:
    """The command line of that broker, its configuration written to `run_dir` (blocking).

    Raises Missing `broker_missing` without Mosquitto, Busy `broker_port_busy` when the port is
    taken, Unavailable `run_dir`.
    """
    program = mosquitto_program()
    _check_free(port)
    path = run_dir.absolute() / "mosquitto.conf"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(broker_config(port))
    except OSError as error:
        raise Unavailable(f"cannot write {path}: {error.strerror}", code="run_dir") from error
    return program, "-c", str(path)


def mosquitto_program() -> str:
    """Raises Missing `broker_missing`."""
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:{_SBIN}")
    if program is None:
        raise Missing("no local broker: install the Debian package mosquitto", code="broker_missing")
    return program


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Busy(
                f"port {port} on 127.0.0.1 is taken: stop that broker, or name it in mqtt.host and mqtt.port",
                code="broker_port_busy",
            ) from error
