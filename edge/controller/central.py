"""A controller's central broker: where it is, who signs for it, the controller's own certificate there. Blocking."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.controller.folder import Folder
from edge.controller.issuer import CommandIssuer, Issuer
from edge.model.errors import Invalid
from edge.vault.authority import Authority, Purpose
from edge.vault.certificates import Certificate, check_issued, new_key, request_for
from edge.vault.tls import client_context

DEFAULT_PORT = 8883
_RENEW_S = 30 * 86_400


@dataclass(frozen=True, slots=True)
class CentralBroker:
    """`ca_command` and `ca_file` name an authority other than the controller's own; empty without."""

    host: str
    port: int = DEFAULT_PORT
    ca_command: str = ""
    ca_file: str = ""

    @classmethod
    def parse(cls, text: str, *, ca_command: str = "", ca_file: str = "") -> CentralBroker:
        """HOST, HOST:PORT or [ADDRESS]:PORT. Raises Invalid `bad_broker`."""
        host, port = text, str(DEFAULT_PORT)
        if text.startswith("["):
            host, _, rest = text[1:].partition("]")
            port = rest.removeprefix(":") or port
        elif text.count(":") == 1:
            host, port = text.split(":")
        if not host or not port.isdecimal() or not 1 <= int(port) <= 65_535:
            raise Invalid(f"{text!r} is no broker: HOST or HOST:PORT", code="bad_broker")
        if bool(ca_command) != bool(ca_file):
            raise Invalid("an authority's command and its certificate file go together", code="bad_broker")
        return cls(host, int(port), ca_command, ca_file)


class Central:
    """The part of a controller's home that is about the central broker: `central.json`, `client.json` and `ca/`."""

    def __init__(self, folder: Folder, *, name: str) -> None:
        """`name`: the controller's, for a certificate that is made now."""
        self._folder = folder
        self._name = name

    @property
    def authority(self) -> Authority:
        """The controller's own, whether it signs for the broker or not."""
        return Authority(self._folder.path / "ca")

    def broker(self) -> CentralBroker | None:
        said = self._folder.read("central.json")
        try:
            return CentralBroker(**said) if said else None
        except TypeError as error:
            raise self._folder.damaged("central.json", error) from error

    @property
    def others(self) -> bool:
        """Whether certificates are of an authority that is not the controller's own."""
        broker = self.broker()
        return broker is not None and bool(broker.ca_command)

    def use(self, broker: CentralBroker) -> None:
        """From now on boxes are paired to that broker."""
        said = {name: getattr(broker, name) for name in ("host", "port", "ca_command", "ca_file")}
        self._folder.write("central.json", said)

    def issuer(self) -> Issuer:
        broker = self.broker()
        if broker is not None and broker.ca_command:
            return CommandIssuer(broker.ca_command, Path(broker.ca_file))
        return self.authority

    @property
    def client_name(self) -> str:
        """The common name under which the broker knows this controller."""
        said = self._folder.read("client.json", secret=True)
        return Certificate.read(said["certificate"]).name if said else self._name

    def client(self) -> ssl.SSLContext:
        """For this controller's own connections; its certificate is made, and renewed in its last 30 days, here.

        Raises Invalid, Unavailable, Fault.
        """
        issuer, said = self.issuer(), self._folder.read("client.json", secret=True)
        ca = issuer.ca
        if not said or not self._good(said, ca):
            key, name = new_key(), self.client_name
            certificate = issuer.issue(request_for(key, name), name=name, purpose=Purpose.CLIENT)
            said = {"key": key, "certificate": certificate}
            self._folder.write("client.json", said)
        return client_context(ca=ca, certificate=said["certificate"], key=said["key"])

    def _good(self, said: Mapping[str, Any], ca: str) -> bool:
        try:
            name, later_s = self.client_name, time.time() + _RENEW_S
            check_issued(said["certificate"], ca=ca, key=said["key"], name=name, now_s=later_s)
        except Invalid:
            return False
        return True
