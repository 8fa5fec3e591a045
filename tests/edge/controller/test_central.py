import stat
import sys
from pathlib import Path

import pytest

from edge.controller.central import Central, CentralBroker
from edge.controller.folder import Folder
from edge.controller.issuer import CommandIssuer
from edge.model.errors import EdgeError, Fault, Invalid, Unavailable
from edge.vault.authority import Authority, Purpose
from edge.vault.certificates import Certificate, new_key, request_for

NAME = "ctl-0123456789"


@pytest.fixture
def central(tmp_path: Path) -> Central:
    return Central(Folder(tmp_path / "home"), name=NAME)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("broker.example", "broker.example", 8883),
        ("10.0.0.7:9000", "10.0.0.7", 9000),
        ("[fd00::7]:9000", "fd00::7", 9000),
        ("[fd00::7]", "fd00::7", 8883),
        ("fd00::7", "fd00::7", 8883),
    ],
)
def test_a_broker_is_named_as_people_do(text: str, host: str, port: int) -> None:
    broker = CentralBroker.parse(text)
    assert (broker.host, broker.port) == (host, port)


@pytest.mark.parametrize("text", ["", ":8883", "a:b", "a:0", "a:70000", "[]:1"])
def test_what_names_no_broker_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        CentralBroker.parse(text)
    assert caught.value.code == "bad_broker"


def test_another_authority_is_a_command_with_its_certificate() -> None:
    with pytest.raises(Invalid, match="go together"):
        CentralBroker.parse("a", ca_command="sign")


def test_the_broker_is_remembered(central: Central) -> None:
    assert central.broker() is None
    central.use(CentralBroker("broker.example", 8883))
    assert central.broker() == CentralBroker("broker.example", 8883)


def test_the_controllers_certificate_is_made_once_and_keeps_its_name(central: Central, tmp_path: Path) -> None:
    central.client()
    text = (tmp_path / "home" / "client.json").read_text()
    rotated = Central(Folder(tmp_path / "home"), name="ctl-another00")
    rotated.client()
    assert (tmp_path / "home" / "client.json").read_text() == text
    assert (central.client_name, rotated.client_name) == (NAME, NAME)
    assert stat.S_IMODE((tmp_path / "home" / "client.json").stat().st_mode) == 0o600


def test_a_certificate_of_an_authority_that_is_gone_is_made_anew(central: Central, tmp_path: Path) -> None:
    central.client()
    before = (tmp_path / "home" / "client.json").read_text()
    (tmp_path / "home" / "ca" / "ca.pem").unlink()
    central.client()
    assert (tmp_path / "home" / "client.json").read_text() != before


def test_a_damaged_file_is_named(central: Central, tmp_path: Path) -> None:
    central.use(CentralBroker("a"))
    for text in ("{", "[]", '{"nonsense": 1}'):
        (tmp_path / "home" / "central.json").write_text(text)
        with pytest.raises(Fault, match=r"central\.json is damaged"):
            central.broker()


SIGNER = """
import os, sys
from pathlib import Path
from edge.vault.authority import Authority, Purpose
authority = Authority(Path({folder!r}))
name, purpose = os.environ["SCOPECAST_NAME"], Purpose(os.environ["SCOPECAST_PURPOSE"])
hosts = [host for host in os.environ["SCOPECAST_HOSTS"].split(",") if host]
print(authority.issue(sys.stdin.read(), name=name, purpose=purpose, hosts=hosts))
"""


def test_a_hospitals_authority_signs_by_a_command(central: Central, tmp_path: Path) -> None:
    hospital = Authority(tmp_path / "hospital")
    (tmp_path / "hospital.crt").write_text(hospital.ca)
    (tmp_path / "sign.py").write_text(SIGNER.format(folder=str(tmp_path / "hospital")))
    command = f"{sys.executable} {tmp_path / 'sign.py'}"
    central.use(CentralBroker.parse("a", ca_command=command, ca_file=str(tmp_path / "hospital.crt")))
    central.client()
    assert central.issuer().ca == hospital.ca
    assert [one.name for one in hospital.issued()] == [NAME]
    assert not (tmp_path / "home" / "ca").exists()


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("/no/such/program", "does not run"),
        (f"{sys.executable} -c 'import sys; sys.exit(\"the HSM is away\")'", "ended with 1: the HSM is away"),
        (f"{sys.executable} -c 'print(1)'", "did not write a certificate"),
        ('"', "does not run"),
    ],
)
def test_a_command_that_signs_nothing_says_why(tmp_path: Path, command: str, says: str) -> None:
    issuer = CommandIssuer(command, tmp_path / "ca.crt")
    with pytest.raises(EdgeError, match=says) as caught:
        issuer.issue(request_for(new_key(), NAME), name=NAME, purpose=Purpose.CLIENT)
    assert caught.value.code == "ca_command"


def test_an_authority_without_its_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot read the authority's certificate"):
        _ = CommandIssuer("sign", tmp_path / "nothing").ca


def test_a_certificate_says_whom_it_is_for(central: Central) -> None:
    certificate = central.authority.issue(request_for(new_key(), NAME), name=NAME, purpose=Purpose.CLIENT)
    assert Certificate.read(certificate).name == NAME
