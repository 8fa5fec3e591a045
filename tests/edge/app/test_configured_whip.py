"""WHIP outputs of the configuration: the token comes from a file, what is wrong locks the output."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge.app.wishes import Wishes
from edge.config.model import Config
from edge.config.output import WhipSinkConfig
from edge.model.errors import Rejected
from edge.model.feedback import Role
from tests.edge.app.kept_state import State, running_of, sink_of

URL = "https://ingest.example/whip/room"


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path)


def wishes_of(state: State, **whip: Any) -> Wishes:
    return state.start(Config(whip=(WhipSinkConfig(name="hub", **{"url": URL, **whip}),)))


def test_first_line_of_the_file_is_the_token(state: State) -> None:
    wishes = wishes_of(state, token_file=state.secret(b"sesame\nfor the hub\n"), role=Role.GUIDE)
    hub = sink_of(wishes, "hub")
    assert (hub.kind, hub.token, hub.role, hub.running) == ("whip", "sesame", Role.GUIDE, True)
    assert "sesame" not in repr(wishes.plan)


@pytest.mark.parametrize(
    ("content", "words"), [(None, "No such file"), (b"", "is empty"), (b"open sesame", "RFC 6750"), (b"\xff", "UTF-8")]
)
def test_output_without_its_token_is_locked(state: State, content: bytes | None, words: str) -> None:
    path = state.folder / "absent" if content is None else state.secret(content)
    wishes = wishes_of(state, token_file=path)
    assert running_of(wishes)["hub"] is False
    [sentence] = wishes.trouble
    assert sentence.startswith(f"whip.hub.token_file: {path}: ")
    assert words in sentence
    assert "sesame" not in sentence
    with pytest.raises(Rejected) as caught:
        wishes.set_running("hub", True)
    assert caught.value.code == "token_unreadable"


@pytest.mark.parametrize("url", ["http://10.0.0.9/whip", "https://user:hunter2@ingest.example/", "https://"])
def test_output_with_a_wrong_address_is_locked_and_shows_none(state: State, url: str) -> None:
    wishes = wishes_of(state, url=url)
    assert (sink_of(wishes, "hub").running, sink_of(wishes, "hub").url) == (False, "")
    assert wishes.trouble[0].startswith("whip.hub.url: ")
    assert "hunter2" not in wishes.trouble[0]
