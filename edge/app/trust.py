"""Whose certificates the configuration trusts."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from edge.model.errors import Invalid
from edge.vault.trust import trusting

_LOG = logging.getLogger(__name__)


def trust_of(ca_file: Path | None) -> tuple[ssl.SSLContext, tuple[str, ...]]:
    """What to verify with, and what is wrong with the file: then nobody more is trusted, and what needs it says why."""
    try:
        return trusting(ca_file), ()
    except Invalid as error:
        sentence = f"webrtc.ca_file: {error}; only the system's authorities are trusted"
        _LOG.error("%s", sentence)
        return trusting(None), (sentence,)
