"""A libsrt with connection bonding, which Debian's lacks: built once from Debian's source, kept under `var`."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

CACHE = Path(__file__).resolve().parents[1] / "var/srt-bonding"
_LIBRARY = "libsrt.so.1.5"
_NEEDED = {"cmake": "cmake", "make": "make", "g++": "g++", "dpkg-source": "dpkg-dev", "pkg-config": "pkg-config"}
_SWITCHES = (
    "ENABLE_BONDING=ON",
    "ENABLE_APPS=OFF",
    "ENABLE_STATIC=OFF",
    "USE_ENCLIB=gnutls",
    "CMAKE_CXX_FLAGS_RELEASE=-O1",
)


class Unbuildable(Exception):
    """The library cannot be built; the message says what to install or what went wrong."""


def library(cache: Path = CACHE) -> Path:
    """What was built before is used again. Needs Debian's archive and a minute or two at first. Raises Unbuildable."""
    there = cache / _LIBRARY
    if there.exists():
        return there
    missing = [package for tool, package in _NEEDED.items() if shutil.which(tool) is None]
    if not Path("/usr/include/gnutls/gnutls.h").exists():
        missing.append("libgnutls28-dev")
    if missing:
        raise Unbuildable(f"to build libsrt with bonding: apt-get install {' '.join(missing)}")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="build-", dir=cache) as place:
        work = Path(place)
        _fetch(work)
        (description,) = work.glob("*.dsc")
        _run(work, "dpkg-source", "--no-check", "-x", description.name, "source")
        _run(work, "cmake", "-S", "source", "-B", "made", *(f"-D{switch}" for switch in _SWITCHES))
        _run(work, "make", "-s", "-C", "made", f"-j{os.cpu_count()}", "srt_shared")
        os.replace((work / "made" / _LIBRARY).resolve(), there)
    return there


def _fetch(work: Path) -> None:
    """Debian's source package, from wherever this machine's apt has its packages, without changing its lists."""
    told = _run(work, "apt-get", "indextargets", "--format", "$(SITE) $(RELEASE) $(COMPONENT)", "Origin: Debian")
    places = sorted({line for line in told.splitlines() if line.split()[2:] == ["main"] and "-" not in line.split()[1]})
    if not places:
        raise Unbuildable("apt knows no archive of Debian: run apt-get update")
    (work / "list").write_text("".join(f"deb-src {place}\n" for place in places))
    (work / "lists/partial").mkdir(parents=True)
    own = ("Dir::Etc::SourceList=" + str(work / "list"), "Dir::Etc::SourceParts=-")
    own += ("Dir::State::Lists=" + str(work / "lists"), "Dir::Cache=" + str(work), "APT::Sandbox::User=root")
    options = [part for one in own for part in ("-o", one)]
    _run(work, "apt-get", *options, "update")
    _run(work, "apt-get", *options, "source", "--download-only", "srt")


def _run(work: Path, *argv: str) -> str:
    ended = subprocess.run(argv, cwd=work, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise Unbuildable(f"{' '.join(argv[:3])}:\n{(ended.stderr or ended.stdout)[-2000:]}")
    return ended.stdout
