"""What a broker's reason codes and its answer to our hello mean. Pure. Source: MQTT 5.0, 2.4 and 3.2.2."""

from __future__ import annotations

from collections.abc import Mapping

from edge.model.errors import Forbidden, PeerGone, Unavailable

SESSION_TAKEN_OVER = 0x8E
UNSUPPORTED_VERSION = 0x84
PACKET_TOO_LARGE = 0x95
# "not you": malformed id, bad user, not authorised, banned, bad method, over quota
_REFUSALS = frozenset((0x85, 0x86, 0x87, 0x8A, 0x8C, 0x97))
# properties by which a broker says that it lacks what the contract needs, where they are 0
_NEEDS: Mapping[str, str] = {
    "MaximumQoS": "QoS 1",
    "RetainAvailable": "retained messages",
    "WildcardSubscriptionAvailable": "wildcards in subscriptions",
}


def refusal(message: str, reason: int) -> Unavailable | Forbidden:
    """Of CONNACK or DISCONNECT: Forbidden `broker_refuses` where trying again soon is of no use."""
    return Forbidden(message, code="broker_refuses") if reason in _REFUSALS else PeerGone(message)


def lacking(properties: object) -> list[str]:
    """What of the contract's needs the broker says it does not have."""
    return [what for name, what in _NEEDS.items() if getattr(properties, name, 1) == 0]
