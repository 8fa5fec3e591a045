"""Every test ring: `python -m tests.rings`, what `make test` runs. What it is given goes to one pytest instead.

The machine of the VM ring emulates one processor for minutes: beside it run the tests that need no time of their own,
and those that meet brokers or build a library. Those that watch a box, a stream or a browser at work have the machine
to themselves. Exit status 1 when anything fails.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EMULATED = ("tests/vm",)
PATIENT_PEERS = ("tests/peers/test_mqtt_*.py", "tests/peers/test_srt_group.py")
ALONE = ("tests/box", "tests/peers", "tests/browser")
_PYTEST = (sys.executable, "-m", "pytest", "-q")


def patient() -> tuple[str, ...]:
    """Folders and files of the tests that may run beside the machine."""
    folders = {f"tests/{path.relative_to(ROOT / 'tests').parts[0]}" for path in (ROOT / "tests").glob("*/**/test_*.py")}
    files = {
        str(path.relative_to(ROOT)) for pattern in ("tests/test_*.py", *PATIENT_PEERS) for path in ROOT.glob(pattern)
    }
    return tuple(sorted(folders - {*EMULATED, *ALONE} | files))


def main() -> int:
    if sys.argv[1:]:
        return subprocess.run([*_PYTEST, *sys.argv[1:]], cwd=ROOT, check=False).returncode
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen([*_PYTEST, *EMULATED], cwd=ROOT, stdout=said, stderr=subprocess.STDOUT) as emulated:
            print("the VM ring runs beside the tests that do not mind", flush=True)
            failed = [_failed(patient())]
        said.seek(0)
        print(f"the VM ring:\n{said.read().decode(errors='replace')}", flush=True)
    failed.append(emulated.returncode != 0)
    failed.append(_failed((*ALONE, *(f"--ignore-glob={peers}" for peers in PATIENT_PEERS))))
    return int(any(failed))


def _failed(what: tuple[str, ...]) -> bool:
    return subprocess.run([*_PYTEST, *what], cwd=ROOT, check=False).returncode != 0


if __name__ == "__main__":
    sys.exit(main())
