"""Once after the start: the encoders that no rung has needed are tried too, each in a process of its own."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from edge.media.lineup import Verdict
from edge.runtime.component import Context

_LOG = logging.getLogger(__name__)
_LOOK_S = 0.5
_CALM_S = 5.0
_LIMIT_S = 60.0
_Candidates = Sequence[Mapping[str, Any]]


class TrialRun:
    """Component. An encoder that hangs or crashes while it is tried hurts nobody: its process has no other work.

    `candidates` gives what the media process says of them; `configuration` is the file that the trials are made by.
    Each verdict goes to `on_verdict` as an entry of that same form.
    """

    name = "encoder-trials"
    critical = False
    stall_s = None

    def __init__(
        self,
        *,
        configuration: Path,
        candidates: Callable[[], _Candidates],
        on_verdict: Callable[[Mapping[str, Any]], None],
        calm_s: float = _CALM_S,
    ) -> None:
        self._configuration = configuration
        self._candidates = candidates
        self._on_verdict = on_verdict
        self._calm_s = calm_s
        self._tried: set[str] = set()

    async def run(self, ctx: Context) -> None:
        ctx.ready()
        await ctx.until_stopped(self._once())

    async def _once(self) -> None:
        while not any(one["verdict"] != Verdict.UNTRIED for one in self._candidates()):  # noqa: ASYNC110 -- status
            await asyncio.sleep(_LOOK_S)
        await asyncio.sleep(self._calm_s)  # the start has other work
        for one in self._candidates():
            if one["verdict"] == Verdict.UNTRIED and one["name"] not in self._tried:
                self._tried.add(one["name"])  # first: what brings the supervisor here again shall not do so twice
                self._on_verdict({**one, **await self._verdict(one["name"])})
        await asyncio.Event().wait()

    async def _verdict(self, name: str) -> Mapping[str, Any]:
        base = str(self._configuration)
        argv = ("nice", "-n", "19", sys.executable, "-m", "edge", "board", "try", "--json", "--base", base, name)
        child = await asyncio.create_subprocess_exec(
            *argv, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        try:
            out, said = await asyncio.wait_for(child.communicate(), _LIMIT_S)
            return dict(json.loads(out)[0])
        except TimeoutError:
            reason = f"its trial did not end within {_LIMIT_S:.0f} s"
        except (ValueError, LookupError, TypeError):
            reason = f"its trial ended with {child.returncode}: {said.decode(errors='replace')[-300:].strip()}"
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        _LOG.warning("encoder %s: %s", name, reason)
        return {"verdict": Verdict.UNFIT, "reason": reason}
