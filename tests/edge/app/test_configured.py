from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from edge.model.errors import Rejected
from edge.model.feedback import Role
from edge.model.sink import PeerSpec
from tests.edge.app.kept_state import OTHER_URL, PHRASE, URL, State, running_of, sink_of, spec_of


@pytest.mark.parametrize("content", [PHRASE.encode(), PHRASE.encode() + b"\n", PHRASE.encode() + b"\r\nfor the ward\n"])
def test_first_line_of_the_file_is_the_passphrase(state: State, content: bytes) -> None:
    wishes = state.wishes({"url": URL, "passphrase_file": state.secret(content)})
    assert (sink_of(wishes, "srt").passphrase, sink_of(wishes, "srt").running) == (PHRASE, True)
    assert PHRASE not in repr(wishes.plan)


def test_configured_passphrase_is_never_kept(state: State) -> None:
    wishes = state.wishes({"url": URL, "passphrase_file": state.secret(PHRASE.encode())})
    wishes.set_running("srt", False)
    wishes.set_running("srt", True)
    wishes.set_sink(replace(sink_of(wishes, "srt"), running=False))
    wishes.set_bitrate("main", 700_000)
    assert not sink_of(state.wishes({"url": URL, "passphrase_file": state.folder / "passphrase"}), "srt").running
    assert state.on_disk()
    assert PHRASE.encode() not in state.on_disk()


BAD_FILES = {
    "empty": (b"", "its first line is empty"),
    "blank": (b"            \n" + PHRASE.encode(), "its first line is empty"),
    "only line ends": (b"\n" + PHRASE.encode(), "its first line is empty"),
    "short": (b"hunter2hu\n", "10 to 79 bytes"),
    "long": (b"hunter2" * 12, "10 to 79 bytes"),
    "very long": (b"hunter2" * 100_000, "10 to 79 bytes"),
    "not text": (b"\xff\xfehunter2hunter2", "not UTF-8"),
    "missing": (None, "No such file"),
}


@pytest.mark.parametrize(("content", "words"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_output_without_its_passphrase_cannot_be_started_by_any_way(
    state: State, content: bytes | None, words: str
) -> None:
    path = state.folder / "passphrase" if content is None else state.secret(content)
    entries = ({"name": "ward", "url": URL, "passphrase_file": path}, {"name": "other", "url": OTHER_URL})
    wishes = state.wishes(*entries)
    assert running_of(wishes) == {"webrtc": True, "ward": False, "other": True}
    [sentence] = wishes.trouble
    assert sentence.startswith(f"srt.ward.passphrase_file: {path}: ")
    assert words in sentence
    assert "hunter2" not in sentence
    for attempt in (wishes, state.wishes(*entries)):
        with pytest.raises(Rejected) as caught:
            attempt.set_running("ward", True)
        assert (caught.value.code, str(caught.value)) == ("passphrase_unreadable", sentence)
    assert not state.path.exists()


def test_directory_for_a_passphrase_file_locks_the_output(state: State) -> None:
    wishes = state.wishes({"url": URL, "passphrase_file": state.folder})
    assert "Is a directory" in wishes.trouble[0]
    assert not sink_of(wishes, "srt").running


def test_locked_output_runs_again_once_the_file_is_mended_and_the_box_restarted(state: State) -> None:
    entry = {"url": URL, "passphrase_file": state.secret(b"")}
    wishes = state.wishes(entry)
    state.secret(PHRASE.encode())
    with pytest.raises(Rejected):
        wishes.set_running("srt", True)
    again = state.wishes(entry)
    assert (sink_of(again, "srt").running, sink_of(again, "srt").passphrase) == (True, PHRASE)
    assert again.trouble == []


def test_locked_output_may_be_stopped_and_stays_so_when_mended(state: State) -> None:
    entry = {"url": URL, "passphrase_file": state.secret(b"")}
    wishes = state.wishes(entry)
    wishes.set_running("srt", False)
    with pytest.raises(Rejected):
        wishes.set_running("srt", True)
    state.secret(PHRASE.encode())
    again = state.wishes(entry)
    assert not sink_of(again, "srt").running
    again.set_running("srt", True)
    assert sink_of(again, "srt").passphrase == PHRASE


def test_output_set_by_command_takes_the_place_of_a_locked_one(state: State) -> None:
    entry = {"url": URL, "passphrase_file": state.secret(b"")}
    wishes = state.wishes(entry)
    seen = wishes.trouble
    wishes.set_sink(spec_of("srt", url=URL, passphrase=PHRASE, running=False))
    wishes.set_running("srt", True)
    assert seen == []
    again = state.wishes(entry)
    assert (sink_of(again, "srt"), again.trouble) == (spec_of("srt", url=URL, passphrase=PHRASE), [])


def test_stopped_replacement_equal_to_the_locked_entry_can_be_started(state: State) -> None:
    wishes = state.wishes({"url": URL, "passphrase_file": state.secret(b"")})
    wishes.set_sink(spec_of("srt", url=URL, running=False))  # asked for in clear, by name: no accident
    wishes.set_running("srt", True)
    assert sink_of(wishes, "srt").running


@pytest.mark.parametrize(
    ("more", "option", "words"),
    [
        ({"url": "srt://10.0.0.9:9000?mode=push"}, "url", "push"),
        ({"url": "srt://10.0.0.9:9000", "peers": [{"passphrase_file": "p"}]}, "peers", "only a listener has peers"),
        ({"url": "srt://:9000?mode=caller"}, "url", "needs a host"),
        ({"url": "srt://10.0.0.9:9000?latency=5"}, "url", "latency"),
        ({"url": "srt://user:hunter2@10.0.0.9:9000"}, "url", "no user or password"),
        ({"url": "srt://10.0.0.9:9000?Passphrase=hunter2hunter2"}, "url", "unknown key"),
        ({"url": URL, "stream_id": "ü" * 300}, "stream_id", "512 bytes"),
    ],
)
def test_output_with_a_wrong_address_is_locked_and_the_others_go_on(
    state: State, more: dict[str, Any], option: str, words: str
) -> None:
    wishes = state.wishes({"name": "ward", **more}, {"name": "other", "url": OTHER_URL})
    assert running_of(wishes) == {"webrtc": True, "ward": False, "other": True}
    [sentence] = wishes.trouble
    assert sentence.startswith(f"srt.ward.{option}: ")
    assert words in sentence
    assert "hunter2" not in sentence + repr(wishes.plan)
    with pytest.raises(Rejected) as caught:
        wishes.set_running("ward", True)
    assert str(caught.value) == sentence
    assert not state.path.exists()


def with_peers(state: State, *names: str) -> dict[str, Any]:
    return {
        "url": "srt://127.0.0.1:9000?mode=listener",
        "peers": [{"name": name, "passphrase_file": state.folder / name, "role": "guide"} for name in names],
    }


def test_peers_come_with_the_passphrases_of_their_files(state: State) -> None:
    state.secret(b"the first one's words\n", "expert-1")
    state.secret(b"the second one's words\n", "expert-2")
    wishes = state.wishes(with_peers(state, "expert-1", "expert-2"))
    assert sink_of(wishes, "srt").peers == (
        PeerSpec("expert-1", "the first one's words", Role.GUIDE),
        PeerSpec("expert-2", "the second one's words", Role.GUIDE),
    )
    assert "words" not in repr(wishes.plan)


def test_listener_without_the_passphrase_of_a_peer_is_locked(state: State) -> None:
    state.secret(b"short", "expert-1")
    wishes = state.wishes(with_peers(state, "expert-1"))
    assert not sink_of(wishes, "srt").running
    [sentence] = wishes.trouble
    assert sentence.startswith("srt.srt.peers.expert-1.passphrase_file: ")
    assert "10 to 79 bytes" in sentence
    with pytest.raises(Rejected) as caught:
        wishes.set_running("srt", True)
    assert caught.value.code == "passphrase_unreadable"


def test_command_that_sets_a_listener_anew_does_not_open_it_to_all(state: State) -> None:
    state.secret(b"the first one's words", "expert-1")
    for content in (b"the first one's words", b"short"):
        state.secret(content, "expert-1")
        wishes = state.wishes(with_peers(state, "expert-1"))
        wishes.set_sink(spec_of("srt", url="srt://127.0.0.1:9001?mode=listener"))
        assert [peer.name for peer in sink_of(wishes, "srt").peers] == ["expert-1"]
        assert b"words" not in state.on_disk()
