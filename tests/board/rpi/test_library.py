"""What is missing is named with the package that brings it."""

from __future__ import annotations

import sys

import pytest

from board.rpi import library
from edge.model.errors import Missing


class _Refusing:
    """An import of picamera2 fails so."""

    def __init__(self, error: ImportError) -> None:
        self._error = error

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "picamera2":
            raise self._error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ModuleNotFoundError("No module named 'picamera2'", name="picamera2"), "apt-get install python3-picamera2"),
        (ModuleNotFoundError("No module named 'libcamera'", name="libcamera"), "apt-get install python3-libcamera"),
        (ImportError("libcamera.so.0.5: cannot open shared object file"), "apt-get install python3-libcamera"),
        (ModuleNotFoundError("No module named 'prctl'", name="prctl"), "No module named 'prctl'"),
    ],
)
def test_a_failed_import_says_what_to_install(error: ImportError, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "picamera2", raising=False)
    monkeypatch.setattr(sys, "meta_path", [_Refusing(error), *sys.meta_path])
    with pytest.raises(Missing, match=words):
        library.load_picamera2()


def test_importing_the_source_does_not_load_picamera2() -> None:
    import board.rpi.source

    assert board.rpi.source.PicameraSource
    assert "picamera2" not in sys.modules
