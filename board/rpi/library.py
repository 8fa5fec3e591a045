"""picamera2, if it is there. It needs libcamera, which comes with the system and not from PyPI."""

from __future__ import annotations

from typing import Any

from edge.model.errors import Missing


def load_picamera2() -> Any:
    """The module. Raises Missing naming the Debian package."""
    try:
        import picamera2
    except ImportError as error:
        raise Missing(_advice(error)) from error
    return picamera2


def _advice(error: ImportError) -> str:
    if error.name == "picamera2":
        return "picamera2 is not installed: apt-get install python3-picamera2"
    if error.name == "libcamera" or "libcamera" in str(error):
        return (
            "picamera2 finds no libcamera: apt-get install python3-libcamera, and make the virtual environment "
            "with --system-site-packages"
        )
    return f"picamera2 cannot be loaded: {error}; apt-get install python3-picamera2 brings all that it needs"
