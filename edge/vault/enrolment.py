"""What a pairing brought: the central broker, whom to trust there, and who we are. One file, whole or not at all."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.model.errors import Fault, Invalid, Unavailable
from edge.vault.certificates import Certificate
from edge.vault.secret_file import read_secret, replace_whole
from edge.vault.tls import client_context

_FIELDS = frozenset(("v", "host", "port", "ca", "certificate", "key", "independent"))


@dataclass(frozen=True, slots=True)
class Enrolment:
    """`ca`, `certificate` and `key` as PEM text. `independent`: signing keys that are no part of it."""

    host: str
    port: int
    ca: str = field(repr=False)
    certificate: str = field(repr=False)
    key: str = field(repr=False)
    independent: tuple[str, ...] = ()

    def context(self) -> ssl.SSLContext:
        """Raises Invalid `bad_certificate`, `bad_key`."""
        return client_context(ca=self.ca, certificate=self.certificate, key=self.key)

    @property
    def not_after_s(self) -> int:
        """When the certificate ends, UTC seconds."""
        return Certificate.read(self.certificate).not_after_s


class EnrolmentFile:
    """Mode 0600. Blocking. Raises Fault `enrolment_broken` or `key_exposed`, Unavailable `key_file`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> Enrolment | None:
        """None when the box is enrolled nowhere."""
        try:
            return _parsed(json.loads(read_secret(self._path)))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable(f"cannot read {self._path}: {error.strerror}", code="key_file") from error
        except (ValueError, TypeError, Invalid) as error:
            raise Fault(f"{self._path} is damaged: {error}", code="enrolment_broken") from error

    def save(self, enrolment: Enrolment) -> None:
        content: Mapping[str, Any] = {
            "v": 1,
            "host": enrolment.host,
            "port": enrolment.port,
            "ca": enrolment.ca,
            "certificate": enrolment.certificate,
            "key": enrolment.key,
            "independent": list(enrolment.independent),
        }
        try:
            replace_whole(self._path, json.dumps(content, indent=1).encode() + b"\n")
        except OSError as error:
            raise Unavailable(f"cannot write {self._path}: {error.strerror}", code="key_file") from error

    def forget(self) -> None:
        """No error when there is nothing to forget."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            raise Unavailable(f"cannot remove {self._path}: {error.strerror}", code="key_file") from error


def _parsed(entry: Any) -> Enrolment:
    if not isinstance(entry, dict) or entry.keys() != _FIELDS or entry["v"] != 1:
        raise Invalid(f"must hold exactly {', '.join(sorted(_FIELDS))}, v being 1")
    texts = {name: entry[name] for name in ("host", "ca", "certificate", "key")}
    independent = entry["independent"]
    if not all(isinstance(text, str) for text in (*texts.values(), *independent)) or not isinstance(entry["port"], int):
        raise Invalid("a field is of the wrong type")
    enrolment = Enrolment(port=entry["port"], independent=tuple(independent), **texts)
    enrolment.context()
    return enrolment
