"""A box and a controller that find each other: `edgectl` as a process, the box's HTTP, a real Mosquitto with TLS."""

import asyncio
import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from edge.controller.central import CentralBroker
from edge.controller.home import Home
from edge.controller.mosquitto import Listener, broker_files
from edge.controller.pairing import Target, pair
from edge.link.local_broker import mosquitto_program
from edge.model.errors import EdgeError
from edge.vault.proof import Transcript
from edge.vault.secret_file import replace_whole
from tests.broker_program import BrokerProgram
from tests.enrollable_box import EnrollableBox, until
from tests.man_in_the_middle import MiddleMan
from tests.mqtt_peer import Peer
from tests.peers.conftest import Mosquitto
from tests.peers.test_mqtt_edgectl import edgectl

pytestmark = pytest.mark.peer


class CentralMosquitto(BrokerProgram):
    """Runs from exactly the files that `edgectl broker mosquitto` wrote, but for where it keeps sessions."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def argv(self) -> Sequence[str]:
        text = (self.folder / "mosquitto.conf").read_text().replace("/var/lib/mosquitto/", f"{self.folder}/")
        (self.folder / "here.conf").write_text(f"{text}user root\n")
        return mosquitto_program(), "-c", str(self.folder / "here.conf")


@pytest.fixture
def central(tmp_path: Path) -> Iterator[CentralMosquitto]:
    made = CentralMosquitto(tmp_path / "central")
    yield made
    made.stop()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


async def serve(central: CentralMosquitto, home: Path, host: str = "127.0.0.1") -> None:
    """The controller names its central broker, and the broker runs with a certificate for `host`."""
    held = Home(home).central
    held.use(CentralBroker("127.0.0.1", central.port))
    for name, text in broker_files(held, Listener(PurePosixPath(central.folder), central.port), hosts=[host]).items():
        replace_whole(central.folder / name, text.encode())
    central.start()


@contextlib.asynccontextmanager
async def box_at_home(mosquitto: Mosquitto, tmp_path: Path) -> AsyncIterator[EnrollableBox]:
    box = EnrollableBox(home_port=mosquitto.port, state_dir=tmp_path / "state")
    async with box.running():
        await box.until_online(mosquitto.port)
        yield box


async def test_a_box_is_paired_by_its_qr_code_commanded_renewed_and_given_up(
    mosquitto: Mosquitto, central: CentralMosquitto, home: Path, tmp_path: Path
) -> None:
    assert (await edgectl(home, "broker", "set", f"127.0.0.1:{central.port}"))[0] == 0
    code, out, err = await edgectl(home, "broker", "mosquitto", "--out", str(central.folder))
    assert (code, err) == (0, "")
    assert f"mosquitto -c {central.folder}/mosquitto.conf" in out
    central.start()
    async with box_at_home(mosquitto, tmp_path) as box:
        box.desk.open_code()
        code, out, err = await edgectl(home, "pair", box.desk.qr_text())
        assert (code, err) == (0, "")
        assert out == f"paired with {box.id}, met at the broker 127.0.0.1:{central.port} with TLS\n"
        await box.until_online(central.port)
        assert (await edgectl(home, "start", "srt"))[0] == 0
        first = box.membership.current
        code, out, err = await edgectl(home, "renew")
        assert (code, err) == (0, "")
        assert "new certificate, good until 20" in out
        assert first is not None
        assert box.membership.current is not None
        assert box.membership.current.certificate != first.certificate
    again = EnrollableBox(home_port=mosquitto.port, state_dir=tmp_path / "state")
    async with again.running():
        await again.until_online(central.port)
        assert (await edgectl(home, "stop", "srt"))[0] == 0
        code, out, err = await edgectl(home, "unpair", again.id)
        assert (code, err, out) == (0, "", f"{again.id} has forgotten this controller, and is forgotten here\n")
        await again.until_online(mosquitto.port)
        assert again.link_box.keyring.keys() == ()
        assert Home(home).boxes() == ()
        assert [one.revoked_s > 0 for one in Home(home).central.authority.issued() if one.name == again.id] == [
            True
        ] * 2


async def test_a_typed_code_does_the_same_and_nothing_of_the_outbox_is_lost(
    mosquitto: Mosquitto, central: CentralMosquitto, home: Path, tmp_path: Path
) -> None:
    await serve(central, home)
    async with box_at_home(mosquitto, tmp_path) as box:
        for n in range(20):
            box.link_box.link.audit("before.pairing", {"n": n})
        tls = await asyncio.to_thread(Home(home).central.client)
        async with Peer(port=central.port, box=box.id, tls=tls) as peer:
            digits, _ = box.desk.open_code()
            code, _, err = await edgectl(home, "pair", box.url, "--code", f"{digits[:4]} {digits[4:]}")
            assert (code, err) == (0, "")
            await peer.until(lambda: any(e["code"] == "pairing.done" for e in peer.bodies("evt")), "the audit")
            events = list({event["eseq"]: event for event in peer.bodies("evt")}.values())
        assert [event["eseq"] for event in events] == list(range(1, len(events) + 1)), "each is first heard in its turn"
        assert len({event["epoch"] for event in events}) == 1
        told = [event["code"] for event in events]
        assert told.count("before.pairing") == 20
        assert told[-3:] == ["pairing.opened", "enrolment.joined", "pairing.done"]
        assert digits not in json.dumps(events)


async def test_a_broker_with_a_certificate_for_another_name_is_told_and_the_box_stays(
    mosquitto: Mosquitto, central: CentralMosquitto, home: Path, tmp_path: Path
) -> None:
    await serve(central, home, host="broker.example")
    async with box_at_home(mosquitto, tmp_path) as box:
        digits, _ = box.desk.open_code()
        code, _, err = await edgectl(home, "pair", box.url, "--code", digits)
        assert code == 1
        assert "the broker's certificate is for another address" in err
        await box.until_online(mosquitto.port)
        assert (box.link_box.keyring.keys(), box.membership.current) == ((), None)
        code, _, err = await edgectl(home, "pair", box.url, "--code", digits, "--local")
        assert (code, err) == (0, ""), "the code holds after a failure"


async def test_a_revoked_box_is_shut_out_and_says_so(
    mosquitto: Mosquitto, central: CentralMosquitto, home: Path, tmp_path: Path
) -> None:
    await serve(central, home)
    async with box_at_home(mosquitto, tmp_path) as box:
        box.desk.open_code()
        assert (await edgectl(home, "pair", box.desk.qr_text()))[0] == 0
        code, out, err = await edgectl(home, "revoke", box.id)
        assert (code, err) == (0, "")
        assert out.startswith(f"{box.id}: 1 certificate revoked, and forgotten here\n")
        central.stop()
        assert (await edgectl(home, "ca", "crl", "--out", str(central.folder / "crl.pem")))[0] == 0
        central.start()
        await until(lambda: [i["code"] for i in box.link["issues"]] == ["own_certificate_revoked"], "the issue")
        await box.desk.forget(box.id)
        await box.until_online(mosquitto.port)


async def test_a_man_in_the_middle_who_swaps_keys_gets_nowhere(
    mosquitto: Mosquitto, home: Path, tmp_path: Path
) -> None:
    """He passes everything on and puts his own key in place of the controller's."""
    async with box_at_home(mosquitto, tmp_path) as box:
        with MiddleMan(box.url) as middle:
            box.desk.open_code()
            code, _, err = await edgectl(home, "pair", box.desk.qr_text().replace(box.url, middle.url))
            assert (code, err) == (1, "edgectl: wrong code, 4 tries left\n")
            digits, _ = box.desk.open_code()
            assert await failure(home, middle.url, digits) == "code_wrong"
            assert middle.swapped == 2
            middle.swap_answers = True
            scanned = box.desk.qr_text().replace(box.url, middle.url)
            assert await failure(home, scanned) == "proof_wrong"
        assert box.link_box.keyring.keys() == ()
        assert digits.encode() not in b"".join(middle.overheard)


async def test_what_was_overheard_enrols_nobody_a_second_time(mosquitto: Mosquitto, home: Path, tmp_path: Path) -> None:
    async with box_at_home(mosquitto, tmp_path) as box:
        with MiddleMan(box.url) as middle:
            middle.swap_questions = False
            box.desk.open_code()
            assert await failure(home, box.desk.qr_text().replace(box.url, middle.url)) == ""
            begin, finish = middle.overheard
        assert await refusal(box, "begin", begin) == "pairing_closed"
        box.desk.open_code()
        assert await refusal(box, "begin", begin) == "code_wrong"
        assert await refusal(box, "finish", finish) == "pairing_order"


async def test_a_begin_heard_twice_is_a_replay(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with box_at_home(mosquitto, tmp_path) as box:
        box.desk.open_code()
        text = json.dumps({"v": 1, "kid": "ctl-1", "public_key": "A" * 43 + "=", "box": "", "nonce": "x"})
        secret = Target.parse(box.desk.qr_text()).secret
        body = json.dumps({"text": text, "seal": Transcript(secret).seal("controller", text)}).encode()
        assert await refusal(box, "begin", body) == ""
        assert await refusal(box, "begin", body) == "replayed"


async def test_five_wrong_codes_close_it_and_the_sixth_finds_it_closed(
    mosquitto: Mosquitto, home: Path, tmp_path: Path
) -> None:
    async with box_at_home(mosquitto, tmp_path) as box:
        digits, _ = box.desk.open_code()
        wrong = f"{(int(digits) + 1) % 10**8:08d}"
        codes = [await failure(home, box.url, wrong) for _ in range(6)]
        assert codes == ["code_wrong"] * 4 + ["pairing_closed"] * 2
        code, _, err = await edgectl(home, "pair", box.url, "--code", digits)
        assert (code, err) == (1, "edgectl: pairing is not open: show a code on the box first\n")


async def test_an_expired_code_is_none(mosquitto: Mosquitto, home: Path, tmp_path: Path) -> None:
    async with box_at_home(mosquitto, tmp_path) as box:
        digits, _ = box.desk.open_code()
        box.link_box.clock.ahead_ns = 601 * 10**9
        assert await failure(home, box.url, digits) == "code_expired"


async def failure(home: Path, url: str, code: str = "") -> str:
    """The code with which pairing fails; empty when it does not."""
    try:
        await pair(Target.parse(url, code), home=Home(home))
    except EdgeError as error:
        return error.code
    return ""


async def refusal(box: EnrollableBox, step: str, body: bytes) -> str:
    """The code with which that request is refused; empty when it is not."""

    def ask() -> str:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{box.url}/api/v1/pair/{step}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                answer.read()
                return ""
        except urllib.error.HTTPError as error:
            with error:
                problem: dict[str, Any] = json.loads(error.read())
                return str(problem["code"])

    return await asyncio.to_thread(ask)
