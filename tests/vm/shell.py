"""`python -m tests.vm.shell`: a shell in the machine, to try things by hand. `exit` twice ends it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.vm import machine


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="vm-", dir="/tmp") as folder:
        try:
            kernel = machine.newest_kernel()
            machine.check(kernel)
        except machine.Unfit as error:
            print(error, file=sys.stderr)
            return 1
        print(f"It boots; then type:  sh tests/vm/guest.sh {folder} {machine.ROOT} shell", flush=True)
        command = machine.command(kernel, Path(folder), "")
        return subprocess.run(command, cwd=machine.ROOT, env=machine.environment(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
