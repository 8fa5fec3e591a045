"""TLS towards others: whose certificates are believed."""

from __future__ import annotations

import ssl
from pathlib import Path

from edge.model.errors import Invalid


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """Verifies certificate and name against the system's authorities and those of a PEM file. Raises Invalid."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except ssl.SSLError as error:
            raise Invalid(f"{ca_file} holds no certificate in PEM form", code="ca_file") from error
        except OSError as error:
            raise Invalid(f"{ca_file} cannot be read: {error.strerror or error}", code="ca_file") from error
    return context
