"""What vicodec needs is named when it is missing, and it is built once."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from tests.vm import machine, vicodec
from tests.vm.vicodec import Unbuildable

VERSION = "6.1.0-1-amd64"


def plant_headers(root: Path) -> None:
    headers = root / "lib/modules" / VERSION / "build"
    headers.mkdir(parents=True)
    (headers / "Makefile").write_text("modules:\n\t@echo no rule for vicodec >&2; exit 2\n")


def plant_source(root: Path) -> None:
    path = root / "usr/src/linux-source-6.1.tar.xz"
    path.parent.mkdir(parents=True)
    with tarfile.open(path, "w:xz") as archive:
        member = tarfile.TarInfo("linux-source-6.1/drivers/media/test-drivers/vicodec/vicodec-core.c")
        archive.addfile(member, io.BytesIO())


def test_missing_headers_name_the_package_of_that_kernel(tmp_path: Path) -> None:
    with pytest.raises(Unbuildable, match=f"apt-get install linux-headers-{VERSION}"):
        vicodec.build(VERSION, root=tmp_path, cache=tmp_path / "cache")


def test_missing_source_names_its_package(tmp_path: Path) -> None:
    plant_headers(tmp_path)
    with pytest.raises(Unbuildable, match=r"apt-get install linux-source-6\.1"):
        vicodec.build(VERSION, root=tmp_path, cache=tmp_path / "cache")


def test_what_does_not_build_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    plant_headers(tmp_path)
    plant_source(tmp_path)
    with pytest.raises(Unbuildable, match=r"does not build:\n(.|\n)*no rule for vicodec"):
        vicodec.build(VERSION, root=tmp_path, cache=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_this_host_builds_it_for_the_kernel_of_the_machine_and_once_only() -> None:
    version = machine.newest_kernel().name.removeprefix("vmlinuz-")
    built = vicodec.build(version)
    times = [(built / module).stat().st_mtime_ns for module in vicodec.MODULES]
    assert vicodec.build(version) == built
    assert [(built / module).stat().st_mtime_ns for module in vicodec.MODULES] == times
