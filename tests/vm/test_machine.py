"""The host's half of the VM ring: what is missing is named, and nothing that did not run counts as passed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.vm import machine, vicodec
from tests.vm.machine import Report, Run, Unfit

PROGRAMS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "busybox": "busybox-static",
    "modprobe": "kmod",
    "udevadm": "udev",
    "v4l2-ctl": "v4l-utils",
    "ffmpeg": "ffmpeg",
}
MODULES = ("vivid", "uvcvideo", "vhci-hcd", "9pnet_virtio", "overlay")


def plant_kernel(root: Path, version: str, modules: tuple[str, ...] | None = MODULES) -> Path:
    image = root / "boot" / f"vmlinuz-{version}"
    image.parent.mkdir(exist_ok=True)
    image.touch()
    if modules is not None:
        folder = root / "lib/modules" / version
        folder.mkdir(parents=True)
        (folder / "modules.dep").write_text("".join(f"kernel/x/{name}.ko: kernel/y/other.ko\n" for name in modules))
    return image


def plant_programs(folder: Path, *names: str) -> str:
    folder.mkdir()
    for name in names:
        (folder / name).touch(0o755)
    return str(folder)


def test_newest_kernel_counts_numbers_not_letters(tmp_path: Path) -> None:
    plant_kernel(tmp_path, "6.1.0-9-amd64")
    newest = plant_kernel(tmp_path, "6.1.0-10-amd64")
    plant_kernel(tmp_path, "6.1.0-11-amd64", modules=None)
    assert machine.newest_kernel(tmp_path) == newest


def test_missing_kernel_names_its_package(tmp_path: Path) -> None:
    plant_kernel(tmp_path, "6.1.0-11-amd64", modules=None)
    with pytest.raises(Unfit, match=r"no kernel with modules in .*boot: apt-get install linux-image-amd64"):
        machine.newest_kernel(tmp_path)


@pytest.mark.parametrize("program", PROGRAMS)
def test_missing_program_names_its_package(program: str, tmp_path: Path) -> None:
    path = plant_programs(tmp_path / "bin", *(name for name in PROGRAMS if name != program))
    with pytest.raises(Unfit, match=f"{program} is not installed: apt-get install {PROGRAMS[program]}"):
        machine.check(plant_kernel(tmp_path, "6.1.0-1-amd64"), path=path)


def test_missing_virtme_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = plant_programs(tmp_path / "bin", *PROGRAMS)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(Unfit, match="virtme-ng is not installed"):
        machine.check(plant_kernel(tmp_path, "6.1.0-1-amd64"), path=path)


@pytest.mark.parametrize("module", MODULES)
def test_missing_module_is_named(module: str, tmp_path: Path) -> None:
    path = plant_programs(tmp_path / "bin", *PROGRAMS)
    kernel = plant_kernel(tmp_path, "6.1.0-1-amd64", tuple(name for name in MODULES if name != module))
    with pytest.raises(Unfit, match=f"vmlinuz-6.1.0-1-amd64 has no module {module}: apt-get install linux-image-amd64"):
        machine.check(kernel, path=path)


def test_codec_that_cannot_be_built_makes_the_host_unfit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(version: str) -> Path:
        raise vicodec.Unbuildable(f"no headers for {version}")

    monkeypatch.setattr(vicodec, "build", build)
    with pytest.raises(Unfit, match="no headers for"):
        machine.run([], tmp_path, limit_s=1)


def test_this_host_can_run_the_machine() -> None:
    machine.check(machine.newest_kernel())


def test_guest_tests_that_do_not_load_are_told_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "test_broken.py").write_text("import no_such_module_at_all\n")
    with pytest.raises(RuntimeError, match=r"cannot be collected(.|\n)*no_such_module_at_all"):
        machine.guest_ids(tmp_path)


def test_every_file_of_guest_tests_is_collected() -> None:
    files = {one.partition("::")[0] for one in machine.guest_ids()}
    assert files == {str(path.relative_to(machine.ROOT)) for path in machine.GUEST_TESTS.glob("test_*.py")}


def test_report_that_was_cut_short_counts_as_not_written(tmp_path: Path) -> None:
    whole = json.dumps({"id": "a", "outcome": "passed", "seconds": 1.5, "text": ""})
    (tmp_path / "reports").write_text(f"{whole}\n{whole[:20]}")
    assert machine.read_reports(tmp_path / "reports") == {"a": Report("passed", 1.5, "")}


def test_no_reports_are_no_error(tmp_path: Path) -> None:
    assert machine.read_reports(tmp_path / "reports") == {}


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (Run({}, "it did not end", "the log", "a"), "did not run: it did not end\nthe log"),
        (Run({}, "it did not end", "the log", "b"), "did not run: it did not end\nthe log is with b"),
        (Run({}, "", "the log", "a"), "did not run: pytest in the machine left it out\nthe log"),
        (Run({"a": Report("failed", 2.0, "why")}), "failed after 2.0 s in the machine\nwhy"),
        (Run({"a": Report("skipped", 0.0, "why")}), "skipped after 0.0 s in the machine\nwhy"),
        (Run({"a": Report("passed", 2.0, "")}, "it did not end"), ""),
    ],
)
def test_only_a_test_that_ran_and_passed_has_no_fault(run: Run, words: str) -> None:
    assert machine.fault(run, "a") == words


def test_machine_that_takes_too_long_is_switched_off(tmp_path: Path) -> None:
    run = machine.run(["tests/vm/guest/test_lab.py"], tmp_path, limit_s=4)
    assert run.trouble == "the machine did not end within 4 s and was switched off"
    assert run.reports == {}
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(tmp_path).encode() in _read(path)]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # it has ended meanwhile
