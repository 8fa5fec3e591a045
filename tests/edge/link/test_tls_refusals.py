import ssl

import pytest

from edge.link.linkstatus import LinkState, LinkStatus
from edge.link.tls_refusals import OF_THE_CLOCK, REFUSED, SUGGESTIONS, handshake_cut, tls_refusal
from edge.model.errors import Forbidden, PeerGone
from edge.runtime.status_board import StatusBoard
from tests.fakes import FakeClock

WHERE = "the broker b:8883"


def verification(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError("no")
    error.verify_code, error.verify_message = code, "in OpenSSL's words"
    return error


def alert(reason: str) -> ssl.SSLError:
    error = ssl.SSLError("no")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (verification(9), "broker_certificate_early"),
        (verification(10), "broker_certificate_expired"),
        (verification(18), "broker_self_signed"),
        (verification(20), "broker_authority_unknown"),
        (verification(62), "broker_certificate_name"),
        (verification(999), "broker_authority_unknown"),
        (alert("SSLV3_ALERT_CERTIFICATE_REVOKED"), "own_certificate_revoked"),
        (alert("SSLV3_ALERT_CERTIFICATE_EXPIRED"), "own_certificate_expired"),
        (alert("TLSV1_ALERT_UNKNOWN_CA"), "own_authority_unknown"),
        (alert("TLSV1_ALERT_PROTOCOL_VERSION"), "broker_tls_old"),
        (alert("WRONG_VERSION_NUMBER"), "broker_not_tls"),
    ],
)
def test_each_refusal_has_a_code_a_sentence_and_a_suggestion(error: ssl.SSLError, code: str) -> None:
    refusal = tls_refusal(error, WHERE)
    assert refusal is not None
    assert refusal.code == code
    assert str(refusal).startswith(f"{WHERE}: ")
    assert SUGGESTIONS[code]


def test_an_alert_that_is_not_known_is_still_told() -> None:
    refusal = tls_refusal(alert("SOMETHING_NEW"), WHERE)
    assert isinstance(refusal, PeerGone)
    assert "SOMETHING_NEW" in str(refusal)


@pytest.mark.parametrize("error", [None, OSError("no route"), ConnectionResetError(), ssl.SSLEOFError("eof")])
def test_what_is_not_tls_is_left_to_others(error: BaseException | None) -> None:
    assert tls_refusal(error, WHERE) is None


def test_a_connection_cut_while_tls_begins_may_be_a_plain_port() -> None:
    assert getattr(handshake_cut(ConnectionResetError(), WHERE), "code", "") == "broker_not_tls"
    assert handshake_cut(OSError("no route"), WHERE) is None


def test_refusals_of_certificates_wait_the_longest_and_a_plain_port_does_not() -> None:
    assert "broker_not_tls" not in REFUSED
    assert OF_THE_CLOCK < REFUSED
    assert {"own_certificate_revoked", "broker_certificate_name"} < REFUSED


async def test_the_status_has_the_refusals_own_code_and_suggestion() -> None:
    board = StatusBoard()
    status = LinkStatus(board=board, clock=FakeClock(), box="box-abcdef", broker="b:8883")
    status.put(LinkState.OFFLINE, error=Forbidden("the wrong name", code="broker_certificate_name"))
    (issue,) = board.get("link")["issues"]
    assert issue["code"] == "broker_certificate_name"
    assert issue["suggestion"] == SUGGESTIONS["broker_certificate_name"]
    status.move("c:8883")
    assert (board.get("link")["broker"], board.get("link")["issues"]) == ("c:8883", [])
