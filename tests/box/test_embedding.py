"""A whole box whose configuration lets one site embed the picture."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.running_box import RunningBox

ORIGIN = "https://pacs.example"


@pytest.fixture(scope="module")
def box() -> Iterator[RunningBox]:
    with (
        tempfile.TemporaryDirectory(prefix="box-", dir="/tmp") as folder,
        RunningBox(
            Path(folder),
            f'web.embed_origins=["{ORIGIN}"]',
            "source.sim.width=320",
            "source.sim.height=240",
            "source.sim.fps=10",
        ) as box,
    ):
        box.wait_live()
        yield box


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Message
    body: bytes


def _ask(box: RunningBox, method: str, path: str, **headers: str) -> _Answer:
    connection = HTTPConnection("127.0.0.1", box.ports.web, timeout=10)
    with contextlib.closing(connection):
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return _Answer(answer.status, answer.headers, answer.read())


def test_configured_site_may_frame_the_embed_page(box: RunningBox) -> None:
    assert f"frame-ancestors {ORIGIN};" in _ask(box, "GET", "/embed").headers["content-security-policy"]
    assert "frame-ancestors 'none';" in _ask(box, "GET", "/").headers["content-security-policy"]


def test_configured_site_reaches_whep_with_a_token(box: RunningBox) -> None:
    told = {"Content_Type": "application/sdp", "Authorization": "Bearer abc"}
    answer = _ask(box, "POST", "/whep/main", Origin=ORIGIN, **told)
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert b"foreign_origin" not in answer.body
    foreign = _ask(box, "POST", "/whep/main", Origin="https://evil.example", **told)
    assert foreign.status == 403
    assert b"foreign_origin" in foreign.body
