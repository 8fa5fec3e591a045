"""A box that meets a broker whose TLS is not as it must be: refused, told in one clear issue, and tried again late."""

import asyncio
import contextlib
import datetime
import ipaddress
import json
import logging
import shutil
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge.link.engine import Broker, Engine
from edge.link.local_broker import broker_config
from edge.link.retry import Retry
from edge.link.route import Route
from edge.model.errors import EdgeError
from edge.vault.authority import Authority
from tests.mqtt_box import LinkBox, ToldClock
from tests.mqtt_orders import trust
from tests.mqtt_peer import WAIT_S, Peer
from tests.mqtt_tls import TlsMosquitto, client_tls

pytestmark = pytest.mark.peer
CONTROLLER = "ctl-aaaaaa"
_DAY = datetime.timedelta(days=1)


class Ground:
    """The authority, the broker that is not running yet, and the box with its good certificate."""

    def __init__(self, folder: Path, waits: list[bool]) -> None:
        self.folder = folder
        self.authority = Authority(folder / "ca")
        self.broker = TlsMosquitto(folder / "broker", self.authority, controllers=[CONTROLLER])
        self.waits = waits
        self.clock = ToldClock()

    @contextlib.asynccontextmanager
    async def box(self, tls: ssl.SSLContext | None = None, *, host: str = "127.0.0.1") -> AsyncIterator[LinkBox]:
        state = self.folder / "state"
        name = LinkBox(port=1, state_dir=state).id
        route = Route(Broker(host, self.broker.port, tls or client_tls(self.authority, name)))
        box = LinkBox(port=1, state_dir=state, route=route, clock=self.clock)
        box.keyring.add(trust())
        async with box.running():
            yield box

    async def refused(self, box: LinkBox, code: str, *, late: bool = True) -> str:
        """The sentence of the one issue. `late`: the next try is at the cap, as after any refused credentials."""
        await until(lambda: bool(link_of(box)["issues"]), "the issue")
        (issue,) = link_of(box)["issues"]
        assert (issue["code"], link_of(box)["state"]) == (code, "offline"), issue
        assert len(issue["suggestion"]) > 20
        assert self.waits[0] is late
        return str(issue["detail"])


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    waits: list[bool] = []

    def noted(self: Retry, *, connected_s: float, refused: bool = False) -> float:
        waits.append(refused)
        return 0.3  # tried again soon, so that a test sees that nothing is told twice

    monkeypatch.setattr(Retry, "next_wait_s", noted)
    made = Ground(tmp_path, waits)
    yield made
    made.broker.stop()


def link_of(box: LinkBox) -> dict[str, Any]:
    return box.board.get("link") or {"state": "", "issues": []}


async def until(true: Callable[[], bool], what: str) -> None:
    try:
        async with asyncio.timeout(WAIT_S):
            while not true():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"never came: {what}") from None


async def test_with_good_certificates_a_box_is_commanded_over_tls_1_3(ground: Ground) -> None:
    ground.broker.start()
    tls = client_tls(ground.authority, CONTROLLER)
    async with ground.box() as box, Peer(port=ground.broker.port, box=box.id, tls=tls) as peer:
        await peer.online()
        assert await peer.final(await peer.command("stream.start", {"sink": "srt"})) == ("done", "ok")
    assert box.runs == ["srt live"]


async def test_an_expired_certificate_of_the_broker_is_refused(ground: Ground) -> None:
    write_server(ground, start=-3 * _DAY, end=-_DAY)
    ground.broker.start()
    async with ground.box() as box:
        assert "has expired" in await ground.refused(box, "broker_certificate_expired")


async def test_a_certificate_that_is_not_valid_yet_is_refused(ground: Ground) -> None:
    write_server(ground, start=_DAY, end=3 * _DAY)
    ground.broker.start()
    async with ground.box() as box:
        assert "not valid yet" in await ground.refused(box, "broker_certificate_early")


async def test_with_a_clock_that_nobody_sets_a_date_is_tried_again_soon(ground: Ground) -> None:
    ground.clock.synced = False
    write_server(ground, start=_DAY, end=3 * _DAY)
    ground.broker.start()
    async with ground.box() as box:
        await ground.refused(box, "broker_certificate_early", late=False)


async def test_a_certificate_for_another_name_is_refused(ground: Ground) -> None:
    ground.broker.write_server_certificate(hosts=["broker.example"])
    ground.broker.start()
    async with ground.box() as box:
        assert "another address" in await ground.refused(box, "broker_certificate_name")


async def test_an_unknown_authority_is_refused(ground: Ground) -> None:
    ground.broker.start()
    other = Authority(ground.folder / "other")
    async with ground.box(client_tls(ground.authority, "box-abcdef", ca=other.ca)) as box:
        assert "not trusted here" in await ground.refused(box, "broker_authority_unknown")


async def test_a_self_signed_certificate_is_refused(ground: Ground) -> None:
    write_server(ground, start=-_DAY, end=_DAY, self_signed=True)
    ground.broker.start()
    async with ground.box() as box:
        assert "by itself alone" in await ground.refused(box, "broker_self_signed")


async def test_a_revoked_box_is_told_so_once_however_often_it_tries(
    ground: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "edge")
    state = ground.folder / "state"
    name = LinkBox(port=1, state_dir=state).id
    tls = client_tls(ground.authority, name)
    ground.authority.revoke(name, now_s=int(datetime.datetime.now(datetime.UTC).timestamp()))
    ground.broker.write_crl()
    ground.broker.start()
    async with ground.box(tls) as box:
        assert "has been revoked" in await ground.refused(box, "own_certificate_revoked")
        since = link_of(box)["issues"][0]["since"]
        await until(lambda: len(ground.waits) >= 3, "further tries")
        assert [issue["since"] for issue in link_of(box)["issues"]] == [since]
    assert len([record for record in caplog.records if "revoked" in record.getMessage()]) == 1


async def test_a_reloaded_broker_shuts_out_who_was_revoked_meanwhile(ground: Ground) -> None:
    tls = client_tls(ground.authority, "box-abcdef")
    ground.broker.start()
    ground.authority.revoke("box-abcdef", now_s=int(datetime.datetime.now(datetime.UTC).timestamp()))
    ground.broker.write_crl()
    assert await refusal_of(ground.broker.broker(tls)) == ""
    ground.broker.reload()
    async with asyncio.timeout(WAIT_S):
        while not (code := await refusal_of(ground.broker.broker(tls))):  # it reads its files in its own time
            await asyncio.sleep(0.05)
    assert code == "own_certificate_revoked"


async def refusal_of(broker: Broker) -> str:
    """The code with which the broker refuses; empty when it does not."""
    engine = Engine(client_id="box-abcdef", broker=broker, clean=True)
    try:
        await engine.connect()
    except EdgeError as error:
        return error.code
    finally:
        await engine.close()
    return ""


async def test_a_certificate_of_another_authority_is_told_to_the_box(ground: Ground) -> None:
    ground.broker.start()
    other = Authority(ground.folder / "other")
    async with ground.box(client_tls(other, "box-abcdef", ca=ground.authority.ca)) as box:
        await ground.refused(box, "own_authority_unknown")


async def test_a_server_with_nothing_newer_than_tls_1_1_is_refused(ground: Ground) -> None:
    assert shutil.which("openssl"), "openssl is needed: apt-get install openssl"
    folder, port = ground.broker.folder, ground.broker.port
    files = ("-cert", folder / "broker.crt", "-key", folder / "broker.key")
    server = await asyncio.create_subprocess_exec(
        *("openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", *files),
        stdin=asyncio.subprocess.PIPE,  # it ends with its input
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert server.stdout is not None
        async with asyncio.timeout(WAIT_S):
            while b"ACCEPT" not in await server.stdout.readline():
                pass
        async with ground.box() as box:
            assert "no TLS 1.3" in await ground.refused(box, "broker_tls_old")
    finally:
        server.kill()
        await server.wait()


async def test_a_plain_port_is_refused_without_a_word_in_the_clear(ground: Ground) -> None:
    (ground.broker.folder / "mosquitto.conf").write_text(broker_config(ground.broker.port))
    ground.broker.start()
    async with ground.box() as box:
        assert "without TLS" in await ground.refused(box, "broker_not_tls", late=False)


async def test_plain_to_a_broker_elsewhere_is_never_tried(ground: Ground) -> None:
    state = ground.folder / "state"
    box = LinkBox(port=1, state_dir=state, route=Route(Broker("192.0.2.1", 1883)))
    async with box.running():
        await ground.refused(box, "tls_required")


async def test_the_link_moves_to_another_broker_and_loses_nothing(ground: Ground) -> None:
    """What the first broker had and no controller acknowledged goes to the second one, in order, in one epoch."""
    second = TlsMosquitto(ground.folder / "second", ground.authority, controllers=[CONTROLLER])
    ground.broker.start()
    second.start()
    tls = client_tls(ground.authority, CONTROLLER)
    try:
        async with (
            ground.box() as box,
            Peer(port=ground.broker.port, box=box.id, tls=tls) as here,
            Peer(port=second.port, box=box.id, tls=tls) as there,
        ):
            await here.online()
            await here.final(await here.command("stream.start", {"sink": "srt"}))
            before = numbers(here)
            route = box.link._route
            await route.attempt(second.broker(route.broker.tls))
            await here.until(lambda: here.bodies("link")[-1]["state"] == "offline", "a good-bye")
            box.link.audit("after.move", {})
            await there.online()
            await there.until(lambda: any(b["code"] == "after.move" for b in there.bodies("evt")), "the news")
            after = numbers(there)
        assert before == after[: len(before)]
        assert [eseq for _, eseq in after] == list(range(1, len(after) + 1))
        assert len({epoch for epoch, _ in after}) == 1
    finally:
        second.stop()


async def test_a_box_that_tries_a_wrong_broker_comes_back(ground: Ground) -> None:
    ground.broker.start()
    async with ground.box() as box:
        await until(lambda: link_of(box)["state"] == "online", "online")
        stranger = client_tls(Authority(ground.folder / "other"), "box-abcdef")
        with pytest.raises(Exception, match="not trusted here"):
            await box.link._route.attempt(ground.broker.broker(stranger))
        await until(lambda: link_of(box)["state"] == "online", "online again")
        assert link_of(box)["issues"] == []


def numbers(peer: Peer) -> list[tuple[str, int]]:
    """(epoch, eseq) of results and events, in the order in which they came."""
    leaves = (f"eb/1/{peer.box}/evt", f"eb/1/{peer.box}/res")
    bodies = [json.loads(message.payload) for message in peer.heard if message.topic in leaves]
    return [(body["epoch"], body["eseq"]) for body in bodies]


def write_server(
    ground: Ground, *, start: datetime.timedelta, end: datetime.timedelta, self_signed: bool = False
) -> None:
    """A server's certificate with those dates, which no good authority would give."""
    pem = (ground.folder / "ca" / "ca.pem").read_bytes()
    ca_key, ca = serialization.load_pem_private_key(pem, None), x509.load_pem_x509_certificate(pem)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    now, name = datetime.datetime.now(datetime.UTC), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name if self_signed else ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + start)
        .not_valid_after(now + end)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key if self_signed else ca_key, hashes.SHA256())
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (ground.broker.folder / "broker.key").write_bytes(key.private_bytes(*form))
    (ground.broker.folder / "broker.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
