"""The whole box behind TURN alone: credentials of the hour, made of a shared secret that nobody sees."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from edge.model.ice import IceServer
from edge.model.ice_link import ice_servers_of
from edge.rtc.whep_client import WhepReceiver
from edge.vault.trust import trusting
from tests.certificates import Authority, make_authority
from tests.coturn import SECRET, Coturn
from tests.running_box import RunningBox

LIGHT = ("source.sim.width=1280", "source.sim.height=720", "source.sim.fps=30")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def coturn(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Coturn]:
    with Coturn(tmp_path_factory.mktemp("coturn"), authority, time_limited=True) as server:
        yield server


@pytest.fixture(scope="module")
def box(coturn: Coturn, authority: Authority) -> Iterator[RunningBox]:
    with TemporaryDirectory(prefix="box-", dir="/tmp") as folder:
        secret = Path(folder) / "secret"
        secret.write_text(f"{SECRET}\n")
        turn = (
            f'{{url = "turns:localhost:{coturn.tls_port}?transport=tcp", user = "box", '
            f'secret_file = "{secret}", time_limited = true, valid_s = 60}}'
        )
        sets = (f"webrtc.turn=[{turn}]", "webrtc.relay_only=true", f"webrtc.ca_file={authority.ca}")
        with RunningBox(Path(folder) / "box", *LIGHT, *sets) as running:
            running.wait_live()
            yield running


def named_by(box: RunningBox) -> tuple[IceServer, ...]:
    request = urllib.request.Request(f"{box.url}/whep/main", method="OPTIONS")
    with urllib.request.urlopen(request, timeout=10) as response:
        return ice_servers_of(response.headers.get_all("Link") or ())


def route_of(box: RunningBox) -> str:
    """Of its first viewer, as the status says."""
    return str(box.status()["viewers"][0]["route"])


def test_both_ends_meet_at_the_relay(box: RunningBox, authority: Authority) -> None:
    servers = named_by(box)
    assert [server.user.partition(":")[2] for server in servers] == ["box"]

    async def watch() -> str:
        viewer = WhepReceiver(
            f"{box.url}/whep/main", ice_servers=servers, relay_only=True, trust=trusting(authority.ca), patience_s=20
        )
        async with viewer:
            assert (await anext(viewer)).width == 1280
            await asyncio.to_thread(box.wait_until, lambda: bool(route_of(box)), what="a path in the status")
            return await asyncio.to_thread(route_of, box)

    assert asyncio.run(watch()) == "relay"


def test_the_secret_is_nowhere_to_be_seen(box: RunningBox) -> None:
    [server] = named_by(box)
    seen = str(box.status()) + box.log
    assert SECRET not in seen
    assert SECRET not in server.credential
    assert server.credential not in seen
