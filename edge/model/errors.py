"""The error tree. Each leaf's `code` reaches MQTT, the page and the docs unchanged.

* EdgeError
  x Unavailable      the world: retry
    + DeviceGone     device_gone
    + SignalLost     signal_lost
    + PeerGone       peer_gone
    + TimedOut       timed_out
    + Missing        missing (a program or a library is not installed)
    + EncoderFailed  encoder_failed (encoder_stalled, encoder_garbage: what it did)
  x Rejected         the caller: do not retry unchanged
    + Invalid        invalid
    + Busy           busy
    + NotSupported   not_supported
    + NotFound       not_found
    + Forbidden      forbidden
    + Expired        expired
  x Fault            us
"""

from __future__ import annotations


class EdgeError(Exception):
    """Base of all errors that this project raises on purpose.

    `code` may be narrowed per instance (for example `unknown_sink` on a `NotFound`).
    """

    code = "fault"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class Unavailable(EdgeError):
    """The world is not as needed now; trying again later may work."""

    code = "unavailable"


class DeviceGone(Unavailable):
    code = "device_gone"


class SignalLost(Unavailable):
    code = "signal_lost"


class PeerGone(Unavailable):
    code = "peer_gone"


class TimedOut(Unavailable):
    code = "timed_out"


class Missing(Unavailable):
    code = "missing"


class EncoderFailed(Unavailable):
    """An encoder that was opened does not do its work; another one may."""

    code = "encoder_failed"


class Rejected(EdgeError):
    """The caller asked for something that is refused; the same request will be refused again."""

    code = "rejected"


class Invalid(Rejected):
    code = "invalid"


class Busy(Rejected):
    code = "busy"


class NotSupported(Rejected):
    code = "not_supported"


class NotFound(Rejected):
    code = "not_found"


class Forbidden(Rejected):
    code = "forbidden"


class Expired(Rejected):
    code = "expired"


class Fault(EdgeError):
    """Our own mistake."""

    code = "fault"


_FAMILIES: tuple[type[EdgeError], ...] = (Unavailable, Rejected, Fault)


def family(error: EdgeError) -> str:
    """`unavailable`, `rejected` or `fault`: what crosses a process border beside the code."""
    return next((kind.code for kind in _FAMILIES if isinstance(error, kind)), Fault.code)


def revive(family_code: str, code: str, message: str) -> EdgeError:
    """The error that another process described by family, code and message."""
    kind = next((k for k in _FAMILIES if k.code == family_code), Fault)
    return kind(message, code=code)
