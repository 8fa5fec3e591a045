from pathlib import Path, PurePosixPath

import pytest

from edge.controller.mosquitto import ACL, CONF, Listener, access_list, configuration
from edge.link.topics import topic

REFERENCE = Path(__file__).parents[3] / "deploy" / "mosquitto"
FOLDER = PurePosixPath("/etc/mosquitto/scopecast")
CONTROLLER = "ctl-0123456789"


@pytest.mark.parametrize(("name", "text"), [(CONF, configuration(Listener(FOLDER))), (ACL, access_list([CONTROLLER]))])
def test_the_reference_files_are_what_the_command_writes(name: str, text: str) -> None:
    assert (REFERENCE / name).read_text() == text


def test_certificates_of_both_sides_and_tls_1_3_are_required() -> None:
    lines = configuration(Listener(FOLDER)).splitlines()
    assert {"tls_version tlsv1.3", "require_certificate true", "use_identity_as_username true"} < set(lines)
    assert "allow_anonymous false" in lines
    assert f"crlfile {FOLDER}/crl.pem" in lines


def test_without_a_list_of_the_revoked_none_is_named() -> None:
    assert "crlfile" not in configuration(Listener(FOLDER), crl=False)


def test_no_box_may_touch_a_topic_without_its_own_name() -> None:
    boxes = [line for line in access_list([]).splitlines() if line.startswith("pattern")]
    named = [line for line in boxes if topic("%u", "") in line]
    assert [line for line in boxes if line not in named] == ["pattern read eb/1/_ctl/+"]


def test_each_controller_has_a_section_of_its_own() -> None:
    lines = access_list(["ctl-aaaaaa", "ctl-bbbbbb"]).splitlines()
    assert [line for line in lines if line.startswith("user ")] == ["user ctl-aaaaaa", "user ctl-bbbbbb"]
