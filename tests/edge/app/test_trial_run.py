"""Encoders that no rung has needed are tried in processes of their own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from edge.app import trial_run
from edge.app.trial_run import TrialRun
from edge.runtime.component import Context


def _entry(name: str, verdict: str = "untried") -> dict[str, Any]:
    return {"name": name, "verdict": verdict, "reason": "", "expected": True, "trial": None}


class _Bench:
    def __init__(self, folder: Path, *entries: dict[str, Any], configuration: str = "") -> None:
        self.entries = {one["name"]: one for one in entries}
        self.verdicts: list[Mapping[str, Any]] = []
        path = folder / "trials.toml"
        path.write_text(configuration)
        self.run = TrialRun(
            configuration=path,
            candidates=lambda: list(self.entries.values()),
            on_verdict=self._heard,
            calm_s=0.0,
        )

    def _heard(self, verdict: Mapping[str, Any]) -> None:
        self.verdicts.append(verdict)
        self.entries[str(verdict["name"])] = dict(verdict)

    async def until(self, true: Callable[[], bool]) -> None:
        """Run until that is so, then stop."""
        ctx = Context()
        work = asyncio.ensure_future(self.run.run(ctx))
        try:
            async with asyncio.timeout(50):
                while not true():
                    await asyncio.sleep(0.05)
        finally:
            ctx.ask_to_stop()
            with contextlib.suppress(asyncio.CancelledError):
                await work


async def test_each_untried_one_gets_its_verdict_and_the_others_are_left(tmp_path: Path) -> None:
    bench = _Bench(tmp_path, _entry("sim-x264", "fit"), _entry("x264"), configuration="[board]\nprofile = 'sim'\n")
    await bench.until(lambda: len(bench.verdicts) == 1)
    [verdict] = bench.verdicts
    assert (verdict["name"], verdict["verdict"], verdict["reason"]) == ("x264", "fit", "")
    assert verdict["trial"]["frames"] == 24


async def test_nothing_is_tried_before_the_first_picture_has_its_encoder(tmp_path: Path) -> None:
    bench = _Bench(tmp_path, _entry("x264"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.5):
            await bench.until(lambda: bool(bench.verdicts))
    assert bench.verdicts == []


async def test_a_trial_that_crashes_condemns_that_encoder_alone(tmp_path: Path) -> None:
    bench = _Bench(tmp_path, _entry("sim-x264", "fit"), _entry("ghost"), _entry("x264"))
    await bench.until(lambda: len(bench.verdicts) == 2)
    ghost, good = bench.verdicts
    assert (ghost["name"], ghost["verdict"], ghost["expected"]) == ("ghost", "unfit", True)
    assert "its trial ended with 1" in ghost["reason"]
    assert "ghost" in ghost["reason"]
    assert (good["name"], good["verdict"]) == ("x264", "fit")


async def test_a_trial_without_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_run, "_LIMIT_S", 0.01)
    bench = _Bench(tmp_path, _entry("sim-x264", "fit"), _entry("x264"))
    await bench.until(lambda: len(bench.verdicts) == 1)
    assert bench.verdicts[0]["verdict"] == "unfit"
    assert "did not end within" in bench.verdicts[0]["reason"]
