from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from edge.app import overrides_file
from edge.app.wishes import Wishes
from edge.config.model import Config
from edge.modality.library import Library
from edge.model.errors import EdgeError, Unavailable
from edge.vault.seal import Sealer
from tests.edge.app.kept_state import OTHER_URL, State, running_of, sink_of, spec_of


def test_full_disk_changes_nothing_and_the_same_command_tries_again(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    wishes = state.wishes()
    wishes.set_bitrate("main", 700_000)
    before, kept, heard = wishes.plan, state.on_disk(), []
    wishes.on_change(lambda: heard.append(wishes.plan))

    def full(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    changes: list[Callable[[], None]] = [
        lambda: wishes.set_running("srt", False),
        lambda: wishes.set_sink(spec_of("extra")),
        lambda: wishes.remove_sink("srt"),
        lambda: wishes.set_bitrate("main", 900_000),
    ]
    with monkeypatch.context() as patch:
        patch.setattr(overrides_file, "replace_whole", full)
        for change in changes * 2:
            with pytest.raises(Unavailable, match="No space left") as caught:
                change()
            assert caught.value.code == "storage_failed"
            assert str(state.path) in str(caught.value)
    assert (wishes.plan, state.on_disk(), heard) == (before, kept, [])
    for change in changes:
        change()
    assert len(heard) == 4
    assert state.wishes().plan == wishes.plan


def test_refusing_disk_is_named_and_comes_back(state: State) -> None:
    path = state.folder / "deep" / "wishes.sealed"
    wishes = Wishes(config=Config(), path=path, sealer=Sealer(state.key), library=Library.load(None))
    (state.folder / "deep").write_text("a file where the folder should be")
    with pytest.raises(Unavailable) as caught:
        wishes.set_running("srt", False)
    assert caught.value.code == "storage_failed"
    assert sink_of(wishes, "srt").running
    (state.folder / "deep").unlink()
    wishes.set_running("srt", False)
    assert not sink_of(wishes, "srt").running


def expose(state: State) -> None:
    state.key.chmod(0o644)


def shorten(state: State) -> None:
    state.key.write_bytes(state.key.read_bytes()[:5])


def hide(state: State) -> None:
    state.key.rename(state.folder / "key")
    state.key.mkdir(mode=0o700)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [(expose, "key_exposed"), (shorten, "key_broken"), (hide, "key_file")],
)
def test_trouble_with_the_key_leaves_the_kept_wishes_alone(
    state: State, spoil: Callable[[State], None], code: str
) -> None:
    state.wishes().set_running("srt", False)
    key, kept = state.key.read_bytes(), state.path.read_bytes()
    spoil(state)
    wishes = state.wishes()
    assert running_of(wishes) == {"webrtc": True, "srt": True}
    [sentence] = wishes.trouble
    assert "wishes.sealed" in sentence
    assert str(state.key) in sentence
    for _ in range(2):
        with pytest.raises(EdgeError, match=str(state.key)) as caught:
            wishes.set_running("srt", False)
        assert caught.value.code == code
    assert (sink_of(wishes, "srt").running, state.path.read_bytes()) == (True, kept)
    if state.key.is_dir():
        state.key.rmdir()
    state.key.write_bytes(key)
    state.key.chmod(0o600)
    mended = state.wishes()
    assert (sink_of(mended, "srt").running, mended.trouble) == (False, [])


def test_key_that_is_mended_while_the_box_runs_does_not_cost_the_kept_wishes(state: State) -> None:
    state.wishes().set_running("srt", False)
    kept = state.path.read_bytes()
    expose(state)
    wishes = state.wishes()
    state.key.chmod(0o600)
    with pytest.raises(EdgeError, match="chmod 600"):
        wishes.set_bitrate("main", 700_000)
    assert state.path.read_bytes() == kept


def test_unreadable_file_is_left_alone_and_changes_are_refused(state: State) -> None:
    state.path.mkdir()
    (state.path / "inside").write_text("x")
    wishes = state.wishes()
    assert f"cannot read {state.path}: Is a directory" in wishes.trouble[0]
    for _ in range(2):
        with pytest.raises(Unavailable, match="Is a directory") as caught:
            wishes.set_running("srt", False)
        assert caught.value.code == "storage_failed"
    assert (state.path / "inside").read_text() == "x"
    assert list(state.folder.glob("*.broken*")) == []


NOT_OPENED: Mapping[str, Callable[[State], bytes]] = {
    "not sealed": lambda state: b"junk",
    "cut": lambda state: Sealer(state.key).seal("wishes", b"{}")[:-1],
    "another key": lambda state: Sealer(state.folder / "else.key").seal("wishes", b"{}"),
    "another purpose": lambda state: Sealer(state.key).seal("snapshot:x", b"{}"),
}
NOT_UNDERSTOOD = {
    "not JSON": b"\xff{",
    "deep": b"[" * 200_000,
    "another form": b'{"v": 1, "sinks": [], "bitrates": {}}',
    "a later form": b'{"v": 3}',
    "a list": b"[]",
    "sink": b'{"v":2,"sinks":[{"spec":{"name":"x"},"over":""}],"removed":{},"stopped":{},"bitrates":{}}',
    "kind": b'{"v":2,"sinks":[{"spec":{"name":"x","kind":"y"}}],"removed":{},"stopped":{},"bitrates":{}}',
    "sinks": b'{"v":2,"sinks":7,"removed":{},"stopped":{},"bitrates":{}}',
    "removed": b'{"v":2,"sinks":[],"removed":[],"stopped":{},"bitrates":{}}',
    "stopped": b'{"v":2,"sinks":[],"removed":{},"stopped":{"srt":1},"bitrates":{}}',
    "bitrates": b'{"v":2,"sinks":[],"removed":{},"stopped":{},"bitrates":{"main":5}}',
}


@pytest.mark.parametrize("sealed", NOT_OPENED.values(), ids=NOT_OPENED.keys())
def test_content_that_nothing_can_open_is_set_aside_and_the_box_goes_on(
    state: State, sealed: Callable[[State], bytes]
) -> None:
    content = sealed(state)
    state.path.write_bytes(content)
    wishes = state.wishes()
    assert "set aside as wishes.broken" in wishes.trouble[0]
    assert (state.folder / "wishes.broken").read_bytes() == content
    wishes.set_running("srt", False)
    again = state.wishes()
    assert (sink_of(again, "srt").running, again.trouble) == (False, [])


@pytest.mark.parametrize("text", NOT_UNDERSTOOD.values(), ids=NOT_UNDERSTOOD.keys())
def test_content_that_is_not_understood_is_set_aside(state: State, text: bytes) -> None:
    state.write_sealed(text)
    wishes = state.wishes()
    assert "set aside as wishes.broken" in wishes.trouble[0]
    assert not state.path.exists()
    fresh = State(state.folder / "fresh").wishes().plan
    assert (wishes.plan.sinks, wishes.plan.rungs) == (fresh.sinks, fresh.rungs)
    assert wishes.plan.picture.withheld == wishes.trouble[0], "a mask may be among what is lost"


def test_what_was_set_aside_is_never_written_over(state: State) -> None:
    for content in (b"first", b"second", b"third"):
        state.path.write_bytes(content)
        state.wishes()
    kept = {path.name: path.read_bytes() for path in state.folder.glob("*.broken*")}
    assert kept == {"wishes.broken": b"first", "wishes.broken-1": b"second", "wishes.broken-2": b"third"}


def test_outdated_overrides_do_not_hold_although_the_disk_is_full(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.wishes().set_running("srt", False)

    def full(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(overrides_file, "replace_whole", full)
    assert sink_of(state.wishes({"url": OTHER_URL}), "srt").running
