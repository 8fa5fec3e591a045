"""What a connection with TLS costs a Mosquitto: CPU of the broker for each of a few hundred, one after another.

Mutual TLS 1.3, ECDSA P-256 on both sides, the access list in force. Then the same without TLS.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from pathlib import Path

from edge.link.engine import Broker, Engine
from edge.vault.authority import Authority
from tests.bench.conditions import conditions, cpu_s, say
from tests.bench.fleet_stand import LoudMosquitto
from tests.mqtt_tls import TlsMosquitto, client_tls

COUNT = 300
ID = "box-aaaaaaaaaa"


async def connections(broker: Broker, pid: int) -> float:
    """CPU ms of the broker for a connection, from first packet to good-bye."""
    used_s = cpu_s(pid)
    for _ in range(COUNT):
        engine = Engine(client_id=ID, broker=broker, clean=True)
        await engine.connect()
        await engine.close()
    return (cpu_s(pid) - used_s) / COUNT * 1000


def main() -> None:
    say(conditions())
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tls-")))
        authority = Authority(folder / "authority")
        encrypted = TlsMosquitto(folder / "broker", authority)
        encrypted.start()
        stack.callback(encrypted.stop)
        plain = LoudMosquitto(folder)
        plain.start()
        stack.callback(plain.kill)
        tls_ms = asyncio.run(connections(encrypted.broker(client_tls(authority, ID)), encrypted.pid))
        plain_ms = asyncio.run(connections(Broker("127.0.0.1", plain.port), plain.pid))
    say(f"{COUNT} connections each: {tls_ms:.2f} ms of a core with TLS, {plain_ms:.2f} ms without")
    say(f"a core of the broker takes {1000 / tls_ms:.0f} TLS connections a second")


if __name__ == "__main__":
    main()
