"""TLS towards a broker: version 1.3, both sides with certificates, nobody trusted but the authority named."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edge.model.errors import Invalid


def client_context(*, ca: str, certificate: str, key: str) -> ssl.SSLContext:
    """All three as PEM text; `certificate` may be a chain. The server's name is checked.

    Raises Invalid: `bad_certificate`, `bad_key`.
    """
    context = _bare_context()
    try:
        context.load_verify_locations(cadata=ca)
    except (ssl.SSLError, ValueError) as error:
        raise Invalid("the broker's authority is no certificate in PEM form", code="bad_certificate") from error
    with _in_memory(f"{key.strip()}\n{certificate.strip()}\n".encode()) as path:
        _load_own(context, path, path, "certificate and key")
    return context


def context_of_files(*, ca_file: Path, certificate_file: Path, key_file: Path) -> ssl.SSLContext:
    """The same of PEM files. Raises Invalid naming the file."""
    context = _bare_context()
    try:
        context.load_verify_locations(ca_file)
    except ssl.SSLError as error:
        raise Invalid(f"mqtt.ca_file: {ca_file} holds no certificate in PEM form", code="bad_certificate") from error
    except OSError as error:
        raise Invalid(f"mqtt.ca_file: cannot read {ca_file}: {error.strerror}", code="bad_certificate") from error
    for name, path in (("certificate_file", certificate_file), ("key_file", key_file)):
        if not os.access(path, os.R_OK):
            raise Invalid(f"mqtt.{name}: cannot read {path}", code="bad_certificate")
    _load_own(context, certificate_file, key_file, f"mqtt.certificate_file and mqtt.key_file: {certificate_file}")
    return context


def _bare_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def _load_own(context: ssl.SSLContext, certificate: Any, key: Any, what: str) -> None:
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except ssl.SSLError as error:
        mismatch = "KEY_VALUES_MISMATCH" in str(error)
        reason = "the key is not the certificate's" if mismatch else "not PEM that can be read"
        raise Invalid(f"{what}: {reason}", code="bad_key" if mismatch else "bad_certificate") from error


def _no_password() -> str:
    return ""


@contextmanager
def _in_memory(content: bytes) -> Iterator[str]:
    """A path under which OpenSSL can read what must not be in a file of its own (memfd_create(2))."""
    descriptor = os.memfd_create("credential", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, content)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
