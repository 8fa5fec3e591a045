"""Why TLS with the broker did not come about, in one sentence for people, with what to do about it."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

from edge.model.errors import Forbidden, PeerGone, Unavailable

_EXPIRED, _EARLY, _NAME = "broker_certificate_expired", "broker_certificate_early", "broker_certificate_name"
_UNKNOWN, _SELF, _REVOKED = "broker_authority_unknown", "broker_self_signed", "broker_certificate_revoked"
_OLD, _NOT_TLS = "broker_tls_old", "broker_not_tls"
_OWN_EXPIRED, _OWN_REVOKED = "own_certificate_expired", "own_certificate_revoked"
_OWN_UNKNOWN, _OWN_REFUSED = "own_authority_unknown", "own_certificate_refused"
_CLOCK = "the broker's certificate is not valid yet by the box's clock"

# X509_V_ERR_* of OpenSSL's x509_vfy.h
_VERIFY: Mapping[int, tuple[str, str]] = {
    9: (_EARLY, _CLOCK),
    10: (_EXPIRED, "the broker's certificate has expired"),
    18: (_SELF, "the broker's certificate is signed by itself alone"),
    19: (_UNKNOWN, "the broker's certificate is of an authority that is not trusted here"),
    20: (_UNKNOWN, "the broker's certificate is of an authority that is not trusted here"),
    21: (_UNKNOWN, "the broker's certificate is of an authority that is not trusted here"),
    23: (_REVOKED, "the broker's certificate has been revoked"),
    62: (_NAME, "the broker's certificate is for another name"),
    64: (_NAME, "the broker's certificate is for another address"),
}
# the broker's alert (RFC 8446 6), as OpenSSL names the reason
_REASONS: Mapping[str, tuple[str, str]] = {
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": (_OWN_EXPIRED, "the broker says that our certificate has expired"),
    "SSLV3_ALERT_CERTIFICATE_REVOKED": (_OWN_REVOKED, "our certificate has been revoked"),
    "TLSV1_ALERT_UNKNOWN_CA": (_OWN_UNKNOWN, "the broker does not trust the authority of our certificate"),
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": (_OWN_REFUSED, "the broker wants a certificate of us"),
    "SSLV3_ALERT_BAD_CERTIFICATE": (_OWN_REFUSED, "the broker refuses our certificate"),
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": (_OWN_REFUSED, "the broker refuses our certificate"),
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": (_OWN_REFUSED, "the broker refuses this kind of certificate"),
    "TLSV1_ALERT_ACCESS_DENIED": (_OWN_REFUSED, "the broker refuses our certificate"),
    "TLSV1_ALERT_PROTOCOL_VERSION": (_OLD, "the broker has no TLS 1.3"),
    "UNSUPPORTED_PROTOCOL": (_OLD, "the broker has no TLS 1.3"),
    "WRONG_VERSION_NUMBER": (_NOT_TLS, "what answers there does not speak TLS"),
    "RECORD_LAYER_FAILURE": (_NOT_TLS, "what answers there does not speak TLS"),
}
_PAIR_AGAIN = "Pair this box again with its controller, or renew its certificate there."
_ASK_BROKER = "Ask the controller's operator to give the broker a new certificate of the controller's authority."
SUGGESTIONS: Mapping[str, str] = {
    _EXPIRED: f"{_ASK_BROKER} If the box's clock is wrong, let it reach a time server.",
    _EARLY: "Set the clock: let the box reach a time server (NTP), and check the broker's clock.",
    _NAME: "The broker's certificate must name the address the box reaches it by; or somebody else answers there.",
    _UNKNOWN: f"{_ASK_BROKER} If it has one, somebody else answers in its place: check the network.",
    _SELF: f"{_ASK_BROKER} If it has one, somebody else answers in its place: check the network.",
    _REVOKED: _ASK_BROKER,
    _OLD: "Let the broker's operator allow TLS 1.3; older versions are not used.",
    _NOT_TLS: "The port may be the broker's one without TLS: it is 8883 as a rule.",
    _OWN_EXPIRED: _PAIR_AGAIN,
    _OWN_REVOKED: "The controller has shut this box out. If that was a mistake, pair it again.",
    _OWN_UNKNOWN: _PAIR_AGAIN,
    _OWN_REFUSED: _PAIR_AGAIN,
}
REFUSED = frozenset(SUGGESTIONS) - {_NOT_TLS}
OF_THE_CLOCK = frozenset((_EXPIRED, _EARLY))


def tls_refusal(error: BaseException | None, where: str) -> Unavailable | Forbidden | None:
    """What that error means when it is TLS that failed, None for anything else. `where`: the broker, for people."""
    if isinstance(error, ssl.SSLEOFError) or not isinstance(error, ssl.SSLError):
        return None
    if isinstance(error, ssl.SSLCertVerificationError):
        known = _VERIFY.get(error.verify_code)
        code, sentence = known or (_UNKNOWN, f"the broker's certificate is not good: {error.verify_message}")
        return Forbidden(f"{where}: {sentence}", code=code)
    known = _REASONS.get(error.reason or "")
    if known is None:
        return PeerGone(f"cannot agree on TLS with {where}: {error.reason or error}")
    code, sentence = known
    return (PeerGone if code == _NOT_TLS else Forbidden)(f"{where}: {sentence}", code=code)


def handshake_cut(error: BaseException | None, where: str) -> PeerGone | None:
    """The connection ended while TLS began, without a word: what a broker's plain port does."""
    if isinstance(error, ssl.SSLEOFError | ConnectionResetError):
        return PeerGone(f"{where}: the connection ended while TLS began, as on a port without TLS", code=_NOT_TLS)
    return None
