from __future__ import annotations

import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from board.gst.library import DEBIAN, DebianGi, load_gstreamer
from edge.model.errors import Missing

ROOT = Path(__file__).resolve().parents[3]


def alone(code: str) -> str:
    """What that code prints in an interpreter of its own, which must keep its stderr empty."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=50, check=False, cwd=ROOT
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def complaint(folder: Path) -> str:
    return alone(
        "from pathlib import Path\n"
        "from board.gst.library import load_gstreamer\n"
        "from edge.model.errors import Missing\n"
        f"try:\n    load_gstreamer(Path({str(folder)!r}))\n"
        "except Missing as error:\n    print(error)\n"
    )


def test_without_pygobject_its_package_is_named(tmp_path: Path) -> None:
    assert "apt-get install python3-gi" in complaint(tmp_path)


def test_pygobject_for_another_python_is_told_from_a_missing_one(tmp_path: Path) -> None:
    (tmp_path / "gi").mkdir()
    (tmp_path / "gi" / "__init__.py").touch()
    (tmp_path / "gi" / "_gi.cpython-39-x86_64-linux-gnu.so").touch()
    said = complaint(tmp_path)
    assert "another version of Python (_gi.cpython-39" in said
    assert EXTENSION_SUFFIXES[0] in said
    assert "scopecast[gst]" in said


def test_pygobject_that_is_broken_is_missing_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "gi").mkdir()
    (tmp_path / "gi" / "__init__.py").write_text("raise ImportError('libgirepository-1.0.so.1: cannot open')")
    (tmp_path / "gi" / f"_gi{EXTENSION_SUFFIXES[0]}").touch()
    assert "libgirepository-1.0.so.1" in complaint(tmp_path)


@pytest.mark.parametrize(
    ("namespace", "package"),
    [("Gst", "gir1.2-gstreamer-1.0"), ("GstApp", "gir1.2-gst-plugins-base-1.0")],
)
def test_a_missing_typelib_is_named_with_its_package(
    namespace: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_gstreamer()
    import gi  # type: ignore[import-not-found,unused-ignore]

    def refuse(name: str, version: str) -> None:
        if name == namespace:
            raise ValueError(f"Namespace {name} not available")

    monkeypatch.setattr(gi, "require_version", refuse)
    with pytest.raises(Missing, match=f"{namespace} 1.0 is not installed: apt-get install {package}"):
        load_gstreamer()


def test_loading_twice_gives_the_same_library() -> None:
    assert load_gstreamer().gst is load_gstreamer().gst
    assert load_gstreamer().gst.is_initialized()
    assert sum(isinstance(finder, DebianGi) for finder in sys.meta_path) <= 1


def test_nothing_else_of_debian_comes_with_it() -> None:
    finder = DebianGi(DEBIAN)
    assert finder.find_spec("gi") is not None
    assert finder.find_spec("apt_pkg") is None
    load_gstreamer()
    assert str(DEBIAN) not in sys.path


def test_importing_the_encoder_loads_no_library() -> None:
    assert alone("import sys, board.gst.encoder\nprint('gi' in sys.modules)") == "False\n"


def test_loading_starts_no_thread_of_python_and_writes_nothing() -> None:
    code = "import threading\nfrom board.gst.library import load_gstreamer\nload_gstreamer()\n"
    assert alone(code + "print(threading.active_count())") == "1\n"


def test_cpp_exceptions_of_other_libraries_stay_with_the_unwinder_that_began_them() -> None:
    """GStreamer brings libunwind, whose `_Unwind_Resume` crashed libsrt's receivers in this very process."""
    said = alone(
        "import ctypes\n"
        "from board.gst.library import load_gstreamer\n"
        "load_gstreamer()\n"
        "at = ctypes.cast(ctypes.CDLL(None)._Unwind_Resume, ctypes.c_void_p).value\n"
        "for line in open('/proc/self/maps'):\n"
        "    begin, end = (int(word, 16) for word in line.split()[0].split('-'))\n"
        "    if begin <= at < end:\n"
        "        print(line.split()[-1].rpartition('/')[2])\n"
    )
    assert said == "libgcc_s.so.1\n"
