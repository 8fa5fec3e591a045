"""`python -m tests.vm.run_soak [EVENTS] [SEED]`: boots the machine and plays cable events in it (tests/vm/soak.py)."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.vm import machine

_EVENT_S = 6.0  # with all the patience that the slow machine may need
_BOOT_S = 300.0


def main() -> int:
    words = sys.argv[1:] or ["1000"]
    with tempfile.TemporaryDirectory(prefix="vm-", dir="/tmp") as folder:
        command = [sys.executable, "-m", "tests.vm.soak", *words]
        try:
            trouble = machine.run_command(command, Path(folder), limit_s=_BOOT_S + _EVENT_S * int(words[0]))
        except machine.Unfit as error:
            trouble = str(error)
        output = Path(folder, "output")
        said = output.read_text(errors="replace") if output.exists() else ""
    print(said, end="")
    if trouble:
        print(trouble, file=sys.stderr)
    return 1 if trouble or "\nstuck: 0\n" not in said else 0


if __name__ == "__main__":
    sys.exit(main())
