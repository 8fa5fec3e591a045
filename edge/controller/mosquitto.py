"""A Mosquitto that serves boxes and controllers by their certificates: its configuration and access list.

Sources: mosquitto.conf(5) of Mosquitto 2.0; docs/contracts/mqtt.md for the topics.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from edge.controller.central import Central
from edge.link.engine import MAX_PACKET_BYTES, RECEIVE_MAXIMUM
from edge.link.topics import PROTO
from edge.vault.authority import Purpose
from edge.vault.certificates import new_key, request_for

_BOX_WRITES = ("state", "tele/health", "tele/stream", "evt", "res")
_READ_BY_BOX = ("desired", "cmd", "ack")
_SERVER = "broker"
CONF, ACL, CA, CRL, CERTIFICATE, KEY = "mosquitto.conf", "acl", "ca.crt", "crl.pem", "broker.crt", "broker.key"


@dataclass(frozen=True, slots=True)
class Listener:
    """Where the broker listens, and where its files are on the machine that it runs on."""

    folder: PurePosixPath
    port: int = 8883
    address: str = ""


def broker_files(
    central: Central, listener: Listener, *, hosts: Sequence[str], controllers: Sequence[str] = (), days: int = 825
) -> Mapping[str, str]:
    """All that such a broker needs, by file name (blocking): a fresh key and certificate for `hosts`, good for `days`
    where the controller's own authority signs; the access list is for this controller and `controllers`.
    """
    key, issuer = new_key(), central.issuer()
    request = request_for(key, _SERVER)
    asked: Mapping[str, Any] = {"name": hosts[0], "purpose": Purpose.SERVER, "hosts": hosts}
    own = None if central.others else central.authority
    certificate = own.issue(request, **asked, days=days) if own is not None else issuer.issue(request, **asked)
    files = {
        CONF: configuration(listener, crl=own is not None),
        ACL: access_list([central.client_name, *controllers]),
        CA: issuer.ca,
        CERTIFICATE: certificate,
        KEY: key,
    }
    return files if own is None else {**files, CRL: own.write_crl(now_s=int(time.time())).read_text()}


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
