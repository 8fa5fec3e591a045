"""Names on the wire of contract `eb/1` (docs/contracts/mqtt.md)."""

from __future__ import annotations

PROTO = "eb/1"
CMD_TYPE = "eb/1/cmd"
DESIRED_TYPE = "eb/1/desired"
MAX_INT = 1 << 53


def topic(box: str, leaf: str) -> str:
    """`eb/1/{box}/{leaf}`; `box` may be `+`."""
    return f"{PROTO}/{box}/{leaf}"


def controller_topic(name: str) -> str:
    return f"{PROTO}/_ctl/{name}"


def split(name: str) -> tuple[str, str] | None:
    """(box, leaf) of a topic, None when it is not ours. `tele/stream` is one leaf."""
    parts = name.split("/", 3)
    return (parts[2], parts[3]) if len(parts) == 4 and f"{parts[0]}/{parts[1]}" == PROTO else None
