from pathlib import Path

import pytest
import pytest_asyncio

from edge.app.central import Central, LinkWay, Start, own_broker
from edge.config.model import MqttConfig
from edge.link.route import Route
from edge.model.status import Severity
from edge.runtime.issues import IssueBook
from edge.runtime.status_board import StatusBoard
from edge.vault.enrolment import EnrolmentFile
from tests.enrolling import EnrollingBox, Talker
from tests.fakes import FakeClock
from tests.mqtt_box import LinkBox

MQTT = MqttConfig(port=1884)
DAY_NS = 86_400 * 1_000_000_000


@pytest.fixture
def box(tmp_path: Path) -> EnrollingBox:
    return EnrollingBox(tmp_path / "box")


@pytest_asyncio.fixture
async def enrolled(box: EnrollingBox, tmp_path: Path) -> EnrollingBox:
    await Talker(tmp_path / "controller").enrol(box)
    return box


class DatedClock(FakeClock):
    """Shows the time so many days before that certificate ends."""

    def __init__(self, not_after_s: int, days: float) -> None:
        super().__init__()
        self._utc_ns = int(not_after_s * 1_000_000_000 - days * DAY_NS)

    def utc_ns(self, mono_ns: int | None = None) -> int:
        return self._utc_ns


def central_of(box: EnrollingBox, clock: FakeClock, *, trouble: tuple[str, ...] = ()) -> Central:
    return Central(
        membership=box.membership,
        keyring=box.keyring,
        board=StatusBoard(),
        issues=IssueBook(now_text=lambda: ""),
        clock=clock,
        trouble=trouble,
    )


def test_a_box_that_is_enrolled_nowhere_begins_at_its_own_broker(box: EnrollingBox) -> None:
    start = Start.of(MQTT, box.file)
    assert (start.route.broker.where, start.route.own) == ("127.0.0.1:1884", True)
    assert (start.enrolment, start.trouble) == (None, ())


def test_an_enrolled_box_begins_at_the_central_broker_with_tls(enrolled: EnrollingBox) -> None:
    start = Start.of(MQTT, enrolled.file)
    assert (start.route.broker.where, start.route.own) == ("broker.example:8883", False)
    assert start.route.broker.tls is not None


def test_a_configured_host_wins_over_an_enrolment(enrolled: EnrollingBox) -> None:
    start = Start.of(MqttConfig(host="127.0.0.1", port=1885), enrolled.file)
    assert (start.route.broker.where, start.route.own, start.enrolment) == ("127.0.0.1:1885", False, None)


def test_configured_files_bring_tls(enrolled: EnrollingBox, tmp_path: Path) -> None:
    held = enrolled.membership.current
    assert held is not None
    texts = {"ca_file": held.ca, "certificate_file": held.certificate, "key_file": held.key}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    files = {name: tmp_path / name for name in texts}
    start = Start.of(MqttConfig(host="b", port=8883, **files), enrolled.file)
    assert start.route.broker.tls is not None
    (tmp_path / "key_file").unlink()
    start = Start.of(MqttConfig(host="b", port=8883, **files), enrolled.file)
    assert (start.route.broker.where, start.route.broker.tls) == ("b:8883", None)
    assert start.trouble == (f"mqtt.key_file: cannot read {tmp_path / 'key_file'}",)


def test_a_damaged_enrolment_keeps_no_box_from_its_work(tmp_path: Path) -> None:
    path = tmp_path / "enrolment.json"
    path.write_text("{")
    path.chmod(0o600)
    start = Start.of(MQTT, EnrolmentFile(path))
    assert start.route.own
    assert "enrolment.json is damaged" in start.trouble[0]
    assert start.trouble[0].endswith("pair the box again")


@pytest.mark.parametrize(
    ("days", "severity", "says"),
    [(31, None, ""), (29, Severity.WARNING, "29 days are left"), (-1, Severity.ERROR, "it has ended")],
)
def test_the_certificates_end_is_told_30_days_before(
    enrolled: EnrollingBox, days: float, severity: Severity | None, says: str
) -> None:
    held = enrolled.membership.current
    assert held is not None
    found = list(central_of(enrolled, DatedClock(held.not_after_s, days)).findings())
    assert [(one.code, one.severity, one.detail) for one in found] == (
        [("certificate_ends", severity, says)] if severity else []
    )


def test_trouble_from_the_start_stays_told(box: EnrollingBox) -> None:
    (found,) = central_of(box, FakeClock(), trouble=("mqtt.key_file: cannot read it",)).findings()
    assert (found.code, found.detail) == ("start_up", "mqtt.key_file: cannot read it")


def test_the_status_names_broker_end_and_keys(box: EnrollingBox) -> None:
    section = central_of(box, FakeClock()).section()
    assert section == {"enrolled": False, "broker": "", "certificate_until": "", "keys": []}


def test_the_status_of_an_enrolled_box_has_no_secret(enrolled: EnrollingBox) -> None:
    section = central_of(enrolled, FakeClock()).section()
    assert (section["enrolled"], section["broker"]) == (True, "broker.example:8883")
    assert [key["kid"] for key in section["keys"]] == list(enrolled.kids)
    assert "PRIVATE" not in repr(section)


async def test_the_way_home_is_the_boxs_own_broker(tmp_path: Path) -> None:
    route = Route(own_broker(MQTT), own=True)
    link = LinkBox(port=1, state_dir=tmp_path, route=route).link
    way = LinkWay(route, link=link, home=own_broker(MQTT))
    route.move(own_broker(MqttConfig(port=1)))
    way.go_home()
    assert (route.broker.where, route.own) == ("127.0.0.1:1884", True)
