"""A guest with a token watches the whole box, over HTTP and the command line."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from edge.model.errors import EdgeError
from edge.rtc.whep_client import WhepReceiver
from tests.running_box import ROOT, RunningBox


@pytest.fixture(scope="module")
def box() -> Iterator[RunningBox]:
    """A box where everybody needs a token."""
    light = ("source.sim.width=1280", "source.sim.height=720", "source.sim.fps=30", "webrtc.require_token=always")
    with TemporaryDirectory(prefix="box-", dir="/tmp") as folder, RunningBox(Path(folder), *light) as box:
        box.wait_live()
        yield box


def edge(box: RunningBox, *words: str) -> str:
    argv = [sys.executable, "-m", "edge", *words, "--url", box.url]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout


def test_without_a_token_there_is_no_picture(box: RunningBox) -> None:
    async def watch() -> None:
        async with WhepReceiver(f"{box.url}/whep/main"):
            pass

    with pytest.raises(EdgeError, match="an invitation is needed") as caught:
        asyncio.run(watch())
    assert caught.value.code == "token_missing"


def test_a_guest_watches_until_the_invitation_is_ended(box: RunningBox) -> None:
    made = json.loads(edge(box, "viewer", "invite", "--name", "Dr. Ada", "--role", "guide", "--json"))
    assert made["url"] == f"{box.url}/whep/main"

    async def watch() -> str:
        async with WhepReceiver(made["url"], token=made["token"]) as viewer:
            assert (await anext(viewer)).width == 1280
            seen = await asyncio.to_thread(the_viewer, box)
            assert (seen["guest"], seen["role"], seen["invitation"]) == ("Dr. Ada", "guide", made["invitation"])
            await again(made)
            await asyncio.to_thread(edge, box, "viewer", "end", "--invitation", made["invitation"])
            with pytest.raises(EdgeError):
                async for _ in viewer:
                    pass
        return "left"

    assert asyncio.run(watch()) == "left"
    with pytest.raises(EdgeError) as caught:
        asyncio.run(enter(made))
    assert caught.value.code == "token_ended"
    assert re.search(r"Dr\. Ada \(invitation \w+\) joined main as guide", box.log)
    assert made["token"] not in box.log


def the_viewer(box: RunningBox) -> Any:
    """Its entry in the status, as soon as there is one."""
    box.wait_until(lambda: bool(box.status()["viewers"]), what="a viewer in the status")
    [viewer] = box.status()["viewers"]
    return viewer


async def again(made: dict[str, str]) -> None:
    with pytest.raises(EdgeError) as caught:
        await enter(made)
    assert caught.value.code == "token_in_use"


async def enter(made: dict[str, str]) -> None:
    async with WhepReceiver(made["url"], token=made["token"]):
        pass


def test_the_command_prints_what_to_hand_over(box: RunningBox) -> None:
    printed = edge(box, "viewer", "invite", "--minutes", "3")
    assert re.search(r"^invitation  \w{16}, to join main as observer until 20\d\d-", printed, re.MULTILINE)
    assert re.search(r"^token       [\w-]+\.[\w-]+$", printed, re.MULTILINE)
