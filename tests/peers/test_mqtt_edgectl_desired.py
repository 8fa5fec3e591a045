"""`edgectl desired` and rollouts of documents, as processes against a real broker and boxes made of messages."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from edge.app.desired_wishes import DesiredWishes
from edge.app.wishes import Wishes
from edge.config.model import Config
from edge.controller.home import Home, KnownBox
from edge.modality.library import Library
from edge.vault.seal import Sealer
from tests.mqtt_fleet import edgectl, trusting_box
from tests.mqtt_paper_box import PaperBox
from tests.peers.conftest import Mosquitto

pytestmark = pytest.mark.peer
FIRST = {"sinks": {"srt": {"latency_ms": 120}}, "preset": "endoscopy"}
SECOND = {"sinks": {"srt": {"latency_ms": 200}}, "preset": "endoscopy"}


@contextlib.asynccontextmanager
async def paper_fleet(mosquitto: Mosquitto, folder: Path, count: int) -> AsyncIterator[tuple[list[PaperBox], Path]]:
    home = Home(folder / "home")
    boxes = [PaperBox(port=mosquitto.port, id=f"box-paper-{n}") for n in range(count)]
    async with contextlib.AsyncExitStack() as stack:
        for box in boxes:
            home.remember(KnownBox(box.id, "127.0.0.1", mosquitto.port))
            await stack.enter_async_context(box.running())
        yield boxes, home.path


def document(folder: Path, body: Mapping[str, Any], name: str = "doc.json") -> str:
    (folder / name).write_text(json.dumps(body))
    return str(folder / name)


async def test_apply_diff_and_rollback_are_what_the_box_is_told(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with paper_fleet(mosquitto, tmp_path, 1) as ((box,), home):
        first, second = document(tmp_path, FIRST, "first"), document(tmp_path, SECOND, "second")
        assert await edgectl(home, "desired", "apply", first) == (0, f"{box.id}: rev 1 applied\n", "")
        code, out, _ = await edgectl(home, "desired", "diff", second)
        assert (code, out) == (0, f"{box.id}  ~ /sinks/srt/latency_ms 120 -> 200\n")
        assert (await edgectl(home, "desired", "apply", second))[1] == f"{box.id}: rev 2 applied\n"
        code, out, _ = await edgectl(home, "desired", "show", "--json")
        shown = json.loads(out)
        assert (shown["rev"], shown["status"], shown["document"]) == (2, "applied", SECOND)
        assert (await edgectl(home, "desired", "rollback"))[1] == f"{box.id}: rev 3 applied\n"
        assert (await edgectl(home, "desired", "diff", "--rev", "2"))[1].endswith("200 -> 120\n")
        assert [line.split("  ")[1] for line in (await edgectl(home, "desired", "history"))[1].splitlines()] == [
            "rev 1",
            "rev 2",
            "rev 3",
        ]
    sections = [{k: v for k, v in body.items() if k in FIRST} for body in box.taken]
    assert sections == [FIRST, SECOND, FIRST]
    assert [(body["v"], body["box"], body["rev"], body["chal"]) for body in box.taken] == [
        (1, box.id, rev, box.chal) for rev in (1, 2, 3)
    ]


async def test_a_refused_document_is_told_by_path_and_code(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with paper_fleet(mosquitto, tmp_path, 1) as ((box,), home):
        box.judge = lambda body: [{"path": "/sinks/srt/latency_ms", "code": "range"}]
        code, out, err = await edgectl(home, "desired", "apply", document(tmp_path, FIRST))
        assert (code, out) == (1, "")
        assert err == f"edgectl: {box.id}: rev 1 rejected: /sinks/srt/latency_ms: range\n"


async def test_a_box_that_is_away_finds_its_document_when_it_is_back(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with paper_fleet(mosquitto, tmp_path, 1) as ((box,), home):
        pass
    code, out, _ = await edgectl(home, "desired", "apply", document(tmp_path, FIRST))
    assert (code, out) == (0, f"{box.id}: rev 1 put, the box takes it when it is there\n")
    async with box.running():
        assert (await edgectl(home, "desired", "apply", document(tmp_path, SECOND)))[1] == f"{box.id}: rev 2 applied\n"
    assert "chal" not in box.taken[0]


async def test_a_home_without_history_goes_on_above_what_the_broker_keeps(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with paper_fleet(mosquitto, tmp_path, 1) as ((box,), home):
        await edgectl(home, "desired", "apply", document(tmp_path, FIRST))
        (home / "ledger.sqlite").unlink()
        assert (await edgectl(home, "desired", "apply", document(tmp_path, SECOND)))[1] == f"{box.id}: rev 2 applied\n"


async def test_a_document_rolled_out_stops_at_the_box_that_refuses_it(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with paper_fleet(mosquitto, tmp_path, 4) as (boxes, home):
        boxes[2].judge = lambda body: [{"path": "/preset", "code": "unknown_preset"}]
        words = (
            "rollout",
            "desired",
            document(tmp_path, FIRST),
            "--all",
            "--wave",
            "2",
            "--soak",
            "0",
            "--settle",
            "3",
        )
        code, out, _ = await edgectl(home, *words)
        assert code == 1
        assert f"  {boxes[2].id}: bad: rev 1 is rejected: /preset: unknown_preset" in out
        assert "aborted: 2 good, 1 bad, 1 not told" in out
        assert [len(box.taken) for box in boxes] == [1, 1, 1, 0]


async def test_a_real_box_is_as_its_document_says_and_as_before_after_a_rollback(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    sealer = Sealer(tmp_path / "box.key")
    wishes = Wishes(config=Config(), path=tmp_path / "wishes", sealer=sealer, library=Library.load(None))
    applier = DesiredWishes(wishes=wishes, picture_size=lambda: (1920, 1080))
    home = tmp_path / "home"
    box = trusting_box(mosquitto.port, tmp_path / "box", home, desired=applier)
    async with box.running():
        masked = {"mask": {"rects": [[0, 0, 9, 9]], "of": [1920, 1080]}}
        stopped = {"sinks": {"webrtc": {"running": False}}}
        assert (await edgectl(home, "desired", "apply", document(tmp_path, masked)))[1] == f"{box.id}: rev 1 applied\n"
        assert wishes.webrtc_running
        # takes the mask away, which a document may only do for somebody who is there now
        assert (await edgectl(home, "desired", "apply", document(tmp_path, stopped)))[1] == f"{box.id}: rev 2 applied\n"
        assert not wishes.webrtc_running
        wrong = {"sinks": {"srt": {"kind": "srt", "url": "srt://127.0.0.1:9", "latency_ms": 9}}}
        code, _, err = await edgectl(home, "desired", "apply", document(tmp_path, wrong))
        assert (code, err) == (1, f"edgectl: {box.id}: rev 3 rejected: /sinks/srt/latency_ms: range\n")
        assert not wishes.webrtc_running
        assert (await edgectl(home, "desired", "rollback", "--to", "1"))[1] == f"{box.id}: rev 4 applied\n"
        assert wishes.webrtc_running
