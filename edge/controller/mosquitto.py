"""A Mosquitto that serves boxes and controllers by their certificates: its configuration and access list.

Sources: mosquitto.conf(5) of Mosquitto 2.0; docs/contracts/mqtt.md for the topics.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from edge.link.engine import MAX_PACKET_BYTES, RECEIVE_MAXIMUM
from edge.link.topics import PROTO

_BOX_WRITES = ("state", "tele/health", "tele/stream", "evt", "res")
_READ_BY_BOX = ("desired", "cmd", "ack")
CONF, ACL, CA, CRL, CERTIFICATE, KEY = "mosquitto.conf", "acl", "ca.crt", "crl.pem", "broker.crt", "broker.key"


@dataclass(frozen=True, slots=True)
class Listener:
    """Where the broker listens, and where its files are on the machine that it runs on."""

    folder: PurePosixPath
    port: int = 8883
    address: str = ""


def configuration(listener: Listener, *, crl: bool = True) -> str:
    """mosquitto.conf, whole. `crl`: there is a list of what is revoked; without it the authority must see to that."""
    at = f"{listener.port} {listener.address}".strip()
    lines = (
        "# Scopecast: boxes and controllers, each by its own certificate. Written by `edgectl broker mosquitto`.",
        f"listener {at}",
        f"cafile {listener.folder / CA}",
        f"certfile {listener.folder / CERTIFICATE}",
        f"keyfile {listener.folder / KEY}",
        *([f"crlfile {listener.folder / CRL}"] if crl else []),
        "tls_version tlsv1.3",
        "require_certificate true",
        "use_identity_as_username true",
        "allow_anonymous false",
        f"acl_file {listener.folder / ACL}",
        "",
        "set_tcp_nodelay true",
        f"max_packet_size {MAX_PACKET_BYTES}",
        f"max_inflight_messages {RECEIVE_MAXIMUM}",
        "max_queued_messages 10000",
        "max_keepalive 60",
        "persistent_client_expiration 1d",
        "",
        "# Sessions and what is retained outlive a restart. The folder must be Mosquitto's own.",
        "persistence true",
        "persistence_location /var/lib/mosquitto/",
        "autosave_interval 60",
        "",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        "log_type notice",
    )
    return "\n".join(lines) + "\n"


def access_list(controllers: Sequence[str]) -> str:
    """The ACL file. %u is the common name of the client's certificate: a box has its own topics and no others."""
    lines = [
        "# A box, by the common name of its certificate (%u): its own topics only.",
        f"pattern readwrite {PROTO}/%u/link",
        *(f"pattern write {PROTO}/%u/{leaf}" for leaf in _BOX_WRITES),
        *(f"pattern read {PROTO}/%u/{leaf}" for leaf in _READ_BY_BOX),
        f"pattern read {PROTO}/_ctl/+",
        "",
        "# Controllers, by theirs. What commands a box is a signature, not this list.",
    ]
    for name in controllers:
        lines += [
            f"user {name}",
            *(f"topic read {PROTO}/+/{leaf}" for leaf in ("link", *_BOX_WRITES)),
            *(f"topic readwrite {PROTO}/+/{leaf}" for leaf in _READ_BY_BOX),
            f"topic readwrite {PROTO}/_ctl/+",
            "",
        ]
    return "\n".join(lines).rstrip("\n") + "\n"
