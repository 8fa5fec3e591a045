from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from blockbuster import blockbuster_ctx

from edge.app.snapshots import LivePictures, Snapshots
from edge.model.errors import EdgeError, Invalid, NotFound, PeerGone, SignalLost, Unavailable
from edge.model.inputs import Input
from edge.runtime.ipc import IpcClient, Reply
from edge.vault.seal import Sealer
from tests.edge.app.media_peer import media_answering

JPEG = b"\xff\xd8\xff picture\n of nobody \xff\xd9"
UTC_NS = 1_795_392_000_123_456_789


class Shown:
    """What the media process shows now."""

    def __init__(self) -> None:
        self.jpeg = JPEG
        self.lost = False

    async def still(self, args: Mapping[str, Any]) -> Reply:
        if self.lost:
            raise SignalLost("no picture: no cable", code="no_live_picture")
        return Reply({"utc_ns": UTC_NS, "width": 1280, "height": 720, "live": True}, self.jpeg)


@pytest.fixture
def shown() -> Shown:
    return Shown()


@pytest.fixture
async def pictures(short_path: Path, shown: Shown) -> AsyncIterator[LivePictures]:
    async with media_answering(short_path, {"still": shown.still}) as media:
        yield LivePictures(media={Input.MAIN: media})


@pytest.fixture
def snapshots(pictures: LivePictures, tmp_path: Path) -> Snapshots:
    return Snapshots(pictures=pictures, folder=tmp_path / "snapshots", sealer=Sealer(tmp_path / "box.key"))


async def test_still_comes_from_the_media_process(pictures: LivePictures) -> None:
    still = await pictures.still()
    assert (still.jpeg, still.utc_ns, still.width, still.height, still.live) == (JPEG, UTC_NS, 1280, 720, True)


async def test_taken_picture_is_kept_sealed_and_opens_to_the_same(snapshots: Snapshots, tmp_path: Path) -> None:
    with blockbuster_ctx("edge.app"):
        about = await snapshots.take("op-1")
    assert about == {
        "id": "op-1",
        "input": "main",
        "captured": "2026-11-23T00:00:00.123456Z",
        "width": 1280,
        "height": 720,
        "live": True,
        "bytes": len(JPEG),
        "sha256": hashlib.sha256(JPEG).hexdigest(),
    }
    kept = tmp_path / "snapshots" / "op-1.sealed"
    assert JPEG not in kept.read_bytes()
    assert kept.stat().st_mode & 0o077 == 0
    assert kept.parent.stat().st_mode & 0o077 == 0
    assert snapshots.open("op-1") == JPEG


async def test_taken_name_answers_what_is_kept(snapshots: Snapshots, shown: Shown) -> None:
    first = await snapshots.take("op-1")
    shown.jpeg = b"another picture"
    assert await snapshots.take("op-1") == first
    assert snapshots.open("op-1") == JPEG
    assert (await snapshots.take("op-2"))["bytes"] == len(b"another picture")


async def test_lost_signal_keeps_nothing(snapshots: Snapshots, shown: Shown, tmp_path: Path) -> None:
    shown.lost = True
    with pytest.raises(EdgeError) as caught:
        await snapshots.take("op-1")
    assert caught.value.code == "no_live_picture"
    assert not (tmp_path / "snapshots").exists()


async def test_unknown_input_is_refused_by_name(snapshots: Snapshots, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no input 'second'; there is main") as caught:
        await snapshots.take("op-1", "second")
    assert caught.value.code == "unknown_input"
    assert not (tmp_path / "snapshots").exists()


async def test_absent_media_process_is_peer_gone(tmp_path: Path) -> None:
    media = IpcClient(name="media", path=tmp_path / "nobody")
    snapshots = Snapshots(
        pictures=LivePictures(media={Input.MAIN: media}), folder=tmp_path, sealer=Sealer(tmp_path / "box.key")
    )
    with pytest.raises(PeerGone):
        await snapshots.take("op-1")


def test_unknown_name_is_not_found(tmp_path: Path) -> None:
    media = IpcClient(name="media", path=tmp_path / "nobody")
    snapshots = Snapshots(
        pictures=LivePictures(media={Input.MAIN: media}), folder=tmp_path, sealer=Sealer(tmp_path / "box.key")
    )
    with pytest.raises(NotFound, match="op-9") as caught:
        snapshots.open("op-9")
    assert caught.value.code == "unknown_snapshot"


async def test_exchanged_files_do_not_open(snapshots: Snapshots, tmp_path: Path) -> None:
    await snapshots.take("op-1")
    (tmp_path / "snapshots" / "op-1.sealed").rename(tmp_path / "snapshots" / "op-2.sealed")
    with pytest.raises(Invalid) as caught:
        snapshots.open("op-2")
    assert caught.value.code == "seal_broken"


async def test_disk_that_cannot_be_written_is_named_and_the_next_try_works(
    snapshots: Snapshots, tmp_path: Path
) -> None:
    folder = tmp_path / "snapshots"
    folder.write_text("a file where the folder should be")
    with pytest.raises(Unavailable, match=str(folder)) as caught:
        await snapshots.take("op-1")
    assert caught.value.code == "storage_failed"
    folder.unlink()
    await snapshots.take("op-1")
    assert snapshots.open("op-1") == JPEG


async def test_disk_that_cannot_be_read_is_named_and_the_file_stays(snapshots: Snapshots, tmp_path: Path) -> None:
    path = tmp_path / "snapshots" / "op-1.sealed"
    path.mkdir(parents=True)
    with pytest.raises(Unavailable, match=f"cannot read {path}: Is a directory") as caught:
        await snapshots.take("op-1")
    assert caught.value.code == "storage_failed"
    assert path.is_dir()
