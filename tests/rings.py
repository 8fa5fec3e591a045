"""Every test ring: `python -m tests.rings`, what `make test` runs. What it is given goes to one pytest instead.

The machine of the VM ring emulates one processor for minutes: beside it run the tests that need no time of their own.
Those that watch a box, a peer or a browser at work have the machine to themselves. Exit status 1 when anything fails.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EMULATED = ("tests/vm",)
ALONE = ("tests/box", "tests/peers", "tests/browser")
_PYTEST = (sys.executable, "-m", "pytest", "-q")


def timeless() -> tuple[str, ...]:
    """Folders and files of tests that are in none of the others."""
    others = {*EMULATED, *ALONE}
    folders = {str(path.relative_to(ROOT).parent) for path in (ROOT / "tests").glob("*/**/test_*.py")}
    named = {"/".join(folder.split("/")[:2]) for folder in folders}
    files = {str(path.relative_to(ROOT)) for path in (ROOT / "tests").glob("test_*.py")}
    return tuple(sorted((named | files) - others))


def main() -> int:
    if sys.argv[1:]:
        return subprocess.run([*_PYTEST, *sys.argv[1:]], cwd=ROOT, check=False).returncode
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen([*_PYTEST, *EMULATED], cwd=ROOT, stdout=said, stderr=subprocess.STDOUT) as emulated:
            print("the VM ring runs beside the tests that need no time of their own", flush=True)
            failed = [_failed(timeless())]
        said.seek(0)
        print(f"the VM ring:\n{said.read().decode(errors='replace')}", flush=True)
    failed.append(emulated.returncode != 0)
    failed.append(_failed(ALONE))
    return int(any(failed))


def _failed(what: tuple[str, ...]) -> bool:
    return subprocess.run([*_PYTEST, *what], cwd=ROOT, check=False).returncode != 0


if __name__ == "__main__":
    sys.exit(main())
