"""A Mosquitto with TLS 1.3, certificates of both sides and access lists, as `edgectl broker mosquitto` sets it up."""

from __future__ import annotations

import signal
import ssl
import time
from collections.abc import Sequence
from pathlib import Path

from edge.controller.mosquitto import ACL, CA, CERTIFICATE, CONF, CRL, KEY, Listener, access_list, configuration
from edge.link.engine import Broker
from edge.link.local_broker import mosquitto_program
from edge.vault.authority import Authority, Purpose
from edge.vault.certificates import new_key, request_for
from edge.vault.tls import client_context
from tests.broker_program import BrokerProgram


def client_tls(authority: Authority, name: str, *, ca: str = "", days: int = 0) -> ssl.SSLContext:
    """A context with a fresh certificate of that authority; it trusts `ca`, or that very authority."""
    key = new_key()
    certificate = authority.issue(request_for(key, name), name=name, purpose=Purpose.CLIENT, days=days)
    return client_context(ca=ca or authority.ca, certificate=certificate, key=key)


class TlsMosquitto(BrokerProgram):
    """Its files are in `folder`; `authority` signs. Change what is there before `start`."""

    def __init__(self, folder: Path, authority: Authority, *, controllers: Sequence[str] = ()) -> None:
        super().__init__()
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.authority = authority
        self.write_server_certificate()
        (folder / CA).write_text(authority.ca)
        (folder / ACL).write_text(access_list(controllers))
        self.write_crl()
        text = configuration(Listener(folder, self.port, "127.0.0.1"))
        text = text.replace("/var/lib/mosquitto/", f"{folder}/").replace("log_type notice\n", "")
        (folder / CONF).write_text(f"{text}user root\n")

    def write_server_certificate(self, *, hosts: Sequence[str] = ("127.0.0.1",), days: int = 30) -> None:
        key = new_key()
        certificate = self.authority.issue(
            request_for(key, "broker"), name=hosts[0], purpose=Purpose.SERVER, hosts=hosts, days=days
        )
        (self.folder / KEY).write_text(key)
        (self.folder / CERTIFICATE).write_text(certificate)

    def write_crl(self) -> None:
        crl = self.authority.write_crl(now_s=int(time.time()))
        (self.folder / CRL).write_bytes(crl.read_bytes())

    def change(self, old: str, new: str) -> None:
        """In the configuration."""
        text = (self.folder / CONF).read_text()
        assert old in text
        (self.folder / CONF).write_text(text.replace(old, new))

    def broker(self, tls: ssl.SSLContext | None) -> Broker:
        return Broker("127.0.0.1", self.port, tls)

    def argv(self) -> Sequence[str]:
        return mosquitto_program(), "-c", str(self.folder / CONF)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def reload(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)
