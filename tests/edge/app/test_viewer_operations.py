"""Invitations by command, and what of them survives a restart."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edge.app.admission import Admission
from edge.app.viewer_operations import ViewerOperations, base_url
from edge.app.whep_proxy import RtcViewers
from edge.config.model import WebConfig
from edge.model.command import Command, Result, ResultState
from edge.model.errors import Forbidden
from edge.runtime.command_bus import CommandBus
from edge.runtime.ipc import Reply
from edge.vault.invitations import Invitations
from edge.vault.signing import SigningKey
from tests.edge.app.media_peer import media_answering
from tests.fakes import FakeClock


@dataclass
class Box:
    bus: CommandBus
    folder: Path
    clock: FakeClock
    dismissed: list[Mapping[str, Any]]
    admission: Admission

    async def ask(self, op: str, **args: Any) -> Result:
        return await self.bus.submit(Command(op=op, args=args, id="1"))

    async def done(self, op: str, **args: Any) -> Mapping[str, Any]:
        result = await self.ask(op, **args)
        assert result.st is ResultState.DONE, result
        return result.payload

    def refusal(self, token: str | None, *, rung: str = "main", local: bool = False) -> str:
        with pytest.raises(Forbidden) as caught:
            self.admission.admit(rung=rung, token=token, local=local)
        return caught.value.code


def admission_of(folder: Path, clock: FakeClock, *, required: str = "remote") -> Admission:
    key = SigningKey.load_or_create(folder / "key")
    invitations = Invitations(key=key, clock=clock)
    return Admission(invitations=invitations, required=required, path=folder / "ended.json", clock=clock)


@pytest.fixture
async def box(short_path: Path, tmp_path: Path) -> AsyncIterator[Box]:
    """With the rungs main and view; the session `s-1` is by the invitation `abc`."""
    dismissed: list[Mapping[str, Any]] = []

    async def dismiss(args: Mapping[str, Any]) -> Reply:
        dismissed.append(args)
        return Reply({"invitations": ["abc"] if args["session"] == "s-1" else []})

    bus, clock = CommandBus(), FakeClock()
    admission = admission_of(tmp_path, clock)
    async with media_answering(short_path / "1", {"dismiss": dismiss}) as rtc:
        ViewerOperations(
            admission=admission,
            viewers=RtcViewers(rtc=rtc),
            rungs=("main", "view"),
            base_url=lambda: "https://box.example",
        ).register(bus)
        yield Box(bus, tmp_path, clock, dismissed, admission)


async def test_an_invitation_says_all_that_the_guest_needs(box: Box) -> None:
    made = await box.done("viewer.invite", rung="view", role="guide", name="Dr. Ada", minutes=5)
    assert made["url"] == "https://box.example/whep/view"
    assert made["until"].startswith("1970-01-01T01:05:01")
    invitation = box.admission.admit(rung="view", token=made["token"], local=False)
    assert invitation is not None
    assert (invitation.name, invitation.role, invitation.id) == ("Dr. Ada", "guide", made["invitation"])


async def test_token_is_neither_logged_nor_kept(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    made = await box.done("viewer.invite", name="Dr. Ada")
    assert "Dr. Ada" in caplog.text
    kept = b"".join(path.read_bytes() for path in box.folder.iterdir() if path.is_file())
    assert made["token"] not in caplog.text
    assert made["token"].encode() not in kept


async def test_ended_invitation_admits_nobody_even_after_a_restart(box: Box) -> None:
    made = await box.done("viewer.invite")
    for _ in range(2):
        assert await box.done("viewer.end", invitation=made["invitation"]) == {"ended": [made["invitation"]]}
    assert box.refusal(made["token"]) == "token_ended"
    box.admission = admission_of(box.folder, box.clock)
    assert box.refusal(made["token"]) == "token_ended"
    assert box.dismissed[0] == {"session": "", "invitation": made["invitation"]}


async def test_ending_a_session_ends_the_invitation_it_had(box: Box) -> None:
    assert await box.done("viewer.end", session="s-1") == {"ended": ["abc"]}
    assert await box.done("viewer.end", session="gone") == {"ended": []}
    assert "abc" in (box.folder / "ended.json").read_text()


async def test_what_was_ended_is_forgotten_once_no_token_can_hold_any_more(box: Box) -> None:
    await box.done("viewer.end", invitation="old")
    box.clock.advance(86_401_000)
    await box.done("viewer.end", invitation="new")
    assert "old" not in (box.folder / "ended.json").read_text()


@pytest.mark.parametrize("content", [b"", b"[]", b'{"a": "x"}', b"\xff"])
def test_a_damaged_list_of_ended_ones_is_said_and_hinders_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    (tmp_path / "ended.json").write_bytes(content)
    assert admission_of(tmp_path, FakeClock()).admit(rung="main", token=None, local=True) is None
    assert "ended.json" in caplog.text


@pytest.mark.parametrize(
    ("required", "local", "code"),
    [
        ("remote", True, None),
        ("remote", False, "token_missing"),
        ("always", True, "token_missing"),
        ("always", False, "token_missing"),
        ("never", True, None),
        ("never", False, None),
    ],
)
def test_who_needs_a_token(tmp_path: Path, required: str, local: bool, code: str | None) -> None:
    admission = admission_of(tmp_path, FakeClock(), required=required)
    if code is None:
        assert admission.admit(rung="main", token=None, local=local) is None
    else:
        with pytest.raises(Forbidden) as caught:
            admission.admit(rung="main", token=None, local=local)
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("op", "args", "code", "words"),
    [
        ("viewer.invite", {"rung": "archive"}, "unknown_rung", "there is main, view"),
        ("viewer.invite", {"role": "boss"}, "invalid", "guide, observer"),
        ("viewer.invite", {"minutes": 0}, "range", "minutes"),
        ("viewer.invite", {"minutes": 1441}, "range", "minutes"),
        ("viewer.invite", {"name": "a\nb"}, "invalid", "name"),
        ("viewer.invite", {"name": "a" * 65}, "invalid", "name"),
        ("viewer.invite", {"who": "me"}, "invalid", "not an argument"),
        ("viewer.end", {}, "invalid", "either"),
        ("viewer.end", {"session": "a", "invitation": "b"}, "invalid", "either"),
        ("viewer.end", {"session": "../a"}, "invalid", "session"),
    ],
)
async def test_wrong_argument_is_named(box: Box, op: str, args: Mapping[str, Any], code: str, words: str) -> None:
    result = await box.ask(op, **args)
    assert (result.st, result.code) == (ResultState.REJECTED, code)
    assert words in result.detail


@pytest.mark.parametrize(
    ("config", "url"),
    [
        ({}, "http://127.0.0.1:8080"),
        ({"host": "::1", "port": 80}, "http://[::1]:80"),
        ({"public_url": "https://box.example"}, "https://box.example"),
    ],
)
def test_address_for_guests(config: Mapping[str, Any], url: str) -> None:
    assert base_url(WebConfig(**config)) == url


def test_address_for_guests_is_never_a_wildcard() -> None:
    assert "0.0.0.0" not in base_url(WebConfig(host="0.0.0.0"))
