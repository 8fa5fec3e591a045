"""Boots a virtual machine on Debian's kernel over this host's root file system and runs the guest tests in it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.vm import vicodec

ROOT = Path(__file__).resolve().parents[2]
GUEST_TESTS = ROOT / "tests/vm/guest"
_INI = ROOT / "tests/vm/guest.ini"
_SCRIPT = ROOT / "tests/vm/guest.sh"
_PROGRAMS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "busybox": "busybox-static",
    "modprobe": "kmod",
    "udevadm": "udev",
    "v4l2-ctl": "v4l-utils",
    "ffmpeg": "ffmpeg",
}
_MODULES = ("vivid", "uvcvideo", "vhci-hcd", "9pnet_virtio", "overlay")
_LOGS = ("output", "guest", "kernel", "machine")  # files in the shared folder; `machine` has the console
_LEAN = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
# Under software emulation a newer processor is slower (its vector instructions are emulated one by one), and so are
# the kernel's mitigations. numpy wants at least this one.
_PROCESSOR = "Nehalem"
# The mainboard's devices: nobody uses them, and their drivers cost seconds.
_USELESS = "ahci,i2c_i801,iTCO_wdt,lpc_ich,pcspkr,psmouse"


class Unfit(Exception):
    """This host cannot run the machine; the message says what to install."""


@dataclass(frozen=True, slots=True)
class Report:
    """How one guest test ended: `outcome` is `passed`, `failed` or `skipped`; `text` says why, kernel log included."""

    outcome: str
    seconds: float
    text: str


@dataclass(frozen=True, slots=True)
class Run:
    """What came out of the machine. `trouble` is empty when it ran to its end.

    `stopped_at` is the first test without a report; the log is told with that one only.
    """

    reports: Mapping[str, Report]
    trouble: str = ""
    log: str = ""
    stopped_at: str = ""


def newest_kernel(root: Path = Path("/")) -> Path:
    """The newest /boot/vmlinuz-* that has its modules. Raises Unfit."""
    images = [image for image in root.glob("boot/vmlinuz-*") if (root / "lib/modules" / _version(image)).is_dir()]
    if not images:
        raise Unfit(f"no kernel with modules in {root}boot: apt-get install linux-image-amd64")
    return max(images, key=lambda image: [int(part) for part in re.findall(r"\d+", _version(image))])


def check(kernel: Path, *, path: str | None = None) -> None:
    """Raises Unfit when a program or kernel module that the machine needs is missing. `path` is where to look."""
    lookup = path or environment()["PATH"]
    for program, package in _PROGRAMS.items():
        if shutil.which(program, path=lookup) is None:
            raise Unfit(f"{program} is not installed: apt-get install {package}")
    if not _virtme().exists():
        raise Unfit("virtme-ng is not installed: pip install -e '.[dev]'")
    built = (kernel.parent.parent / "lib/modules" / _version(kernel) / "modules.dep").read_text()
    for module in _MODULES:
        if f"/{module}.ko" not in built:
            raise Unfit(f"{kernel.name} has no module {module}: apt-get install linux-image-amd64")


def guest_ids(tests: Path = GUEST_TESTS) -> list[str]:
    """Ids of the guest tests, relative to the project. Raises RuntimeError when they do not load.

    This also leaves their compiled files behind, which spares the slow guest that work.
    """
    command = [*pytest_command(), "--collect-only", "-q", str(tests)]
    lean = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | _LEAN
    done = subprocess.run(command, cwd=ROOT, env=lean, timeout=50, capture_output=True, text=True, check=False)
    ids = [line for line in done.stdout.splitlines() if line.startswith("tests/vm/guest/") and "::" in line]
    if done.returncode or not ids:
        raise RuntimeError(f"the guest tests cannot be collected:\n{done.stdout}{done.stderr}")
    return ids


def pytest_command() -> list[str]:
    """pytest as it runs in the guest, without the plugins that it does not need there: their import takes seconds."""
    place = ("-c", str(_INI), f"--rootdir={ROOT}", f"--confcutdir={GUEST_TESTS}")
    return [sys.executable, "-m", "pytest", *place, "-p", "pytest_timeout", "-p", "no:cacheprovider"]


def run(ids: Sequence[str], folder: Path, *, limit_s: float) -> Run:
    """Boot, run these tests, power off. `folder` is shared with the guest. Raises Unfit."""
    try:
        vicodec.build(_version(newest_kernel()))
    except vicodec.Unbuildable as error:
        raise Unfit(str(error)) from error
    trouble = run_command([*pytest_command(), "-v", "--basetemp=/run/tmp/pytest", *ids], folder, limit_s=limit_s)
    reports = read_reports(folder / "reports")
    log = "\n".join(f"--- {name}\n{_tail(folder / name)}" for name in _LOGS)
    return Run(reports, trouble, log, next((one for one in ids if one not in reports), ""))


def run_command(words: Sequence[str], folder: Path, *, limit_s: float) -> str:
    """Boot, run that in the project's folder, power off; what it printed is in `output` in `folder`.

    Returns what went wrong with the machine, empty when nothing did. Raises Unfit.
    """
    kernel = newest_kernel()
    check(kernel)
    (folder / "command").write_text("".join(f"{word}\n" for word in words))
    trouble = _boot(kernel, folder, limit_s)
    return trouble or ("" if (folder / "done").exists() else "the machine stopped before its end")


def fault(run: Run, guest_id: str) -> str:
    """Why that test did not pass; empty when it did. One that did not run, or was skipped, did not pass."""
    report = run.reports.get(guest_id)
    if report is None:
        log = run.log if guest_id == run.stopped_at else f"the log is with {run.stopped_at}"
        return f"did not run: {run.trouble or 'pytest in the machine left it out'}\n{log}"
    if report.outcome != "passed":
        return f"{report.outcome} after {report.seconds:.1f} s in the machine\n{report.text}"
    return ""


def read_reports(path: Path) -> dict[str, Report]:
    """By test id; a last line that was cut short counts as not written."""
    reports = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            said = json.loads(line)
        except ValueError:
            continue
        reports[str(said["id"])] = Report(said["outcome"], said["seconds"], said["text"])
    return reports


def command(kernel: Path, folder: Path, script: str) -> list[str]:
    """The machine's command line: two processors, no network but loopback, root read-only, `folder` writable.

    Without a script it gives a shell on this terminal.
    """
    share = "local,id=cached,path=/,security_model=none,readonly=on,multidevs=remap"
    device = "virtio-9p-pci,fsdev=cached,mount_tag=cached"
    boot = ("mitigations=off", f"modprobe.blacklist={_USELESS}", "loglevel=4")
    return [
        *(str(_virtme()), "--kimg", str(kernel), "--mods=auto", "--disable-kvm", "--cpus=2", "--memory=3G"),
        *(f"--rwdir={folder}", f"--cwd={ROOT}", "--show-boot-console"),
        *(f"--kopt={option}" for option in boot),
        *((f"--script-sh={script}",) if script else ()),
        *("--qemu-opts", "-fsdev", share, "-device", device, "-cpu", _PROCESSOR),
    ]


def environment() -> dict[str, str]:
    """virtme-run calls its companions by name."""
    return os.environ | {"PATH": f"{_virtme().parent}:{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}


def _boot(kernel: Path, folder: Path, limit_s: float) -> str:
    script = f"sh {_SCRIPT} {folder} {ROOT}"
    with (folder / "machine").open("wb") as output:
        virtme = subprocess.Popen(
            command(kernel, folder, script),
            cwd=ROOT,
            env=environment(),
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            virtme.wait(limit_s)
        except subprocess.TimeoutExpired:
            return f"the machine did not end within {limit_s:.0f} s and was switched off"
        finally:
            if virtme.poll() is None:
                os.killpg(virtme.pid, signal.SIGKILL)
                virtme.wait()
    return ""


def _virtme() -> Path:
    return Path(sys.executable).with_name("virtme-run")


def _version(image: Path) -> str:
    return image.name.removeprefix("vmlinuz-")


def _tail(path: Path, lines: int = 60) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else "(none)"
