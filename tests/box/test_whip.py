"""The whole box as a WHIP client: set by command, seen in the status, kept over a crash."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from tests.running_box import RunningBox
from tests.whip_ingest import WhipIngest

TOKEN = "s3same"  # noqa: S105


class IngestThread:
    """The ingest in a loop of its own, since the box is asked by blocking calls."""

    def __enter__(self) -> IngestThread:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.ingest = self.run(WhipIngest(token=TOKEN).__aenter__)
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self.ingest.__aexit__)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        return asyncio.run_coroutine_threadsafe(work(), self._loop).result(60)


@pytest.fixture
def there() -> Iterator[IngestThread]:
    with IngestThread() as ingest:
        yield ingest


def test_output_set_by_command_sends_until_it_is_stopped(running_box: RunningBox, there: IngestThread) -> None:
    box, ingest = running_box, there.ingest
    code, answer = box.command("sink.set", sink="hub", kind="whip", url=ingest.url, token=TOKEN, role="guide")
    assert (code, answer["payload"]) == (200, {"sink": "hub", "running": True, "encrypted": True})
    assert (there.run(ingest.picture).width, there.run(ingest.picture).height) == (1280, 720)
    box.wait_until(lambda: box.sink("hub")["state"] == "live", what="the output is live")
    hub = box.sink("hub")
    assert (hub["kind"], hub["code"], hub["url"]) == ("whip", "", ingest.url)
    assert (hub["detail"]["role"], hub["detail"]["route"]) == ("guide", "host")
    assert TOKEN not in str(box.status()) + box.log
    box.kill("rtc")
    box.wait_until(lambda: len([one for one in ingest.seen if one.method == "POST"]) == 2, what="a new session")
    assert there.run(ingest.picture).width == 1280
    assert box.command("stream.stop", sink="hub")[0] == 200
    box.wait_until(lambda: box.sink("hub")["state"] == "stopped" and len(ingest.ended) == 1, what="an ended session")
    assert box.command("sink.remove", sink="hub")[0] == 200


def test_wrong_token_is_an_issue_with_advice(running_box: RunningBox, there: IngestThread) -> None:
    box = running_box
    box.command("sink.set", sink="hub", kind="whip", url=there.ingest.url, token="wrong")
    box.wait_until(lambda: box.sink("hub")["state"] == "failed", what="a refusal")
    assert box.sink("hub")["code"] == "unauthorized"
    [issue] = [one for one in box.status()["issues"] if one["code"] == "output_unauthorized"]
    assert (issue["subject"], "token" in issue["suggestion"]) == ("hub", True)
    box.command("sink.remove", sink="hub")


def test_certificate_is_the_same_after_a_restart_of_the_process(running_box: RunningBox) -> None:
    box = running_box
    box.wait_until(lambda: bool(box.status()["webrtc"]["dtls_fingerprint"]), what="a fingerprint")
    before = box.status()["webrtc"]["dtls_fingerprint"]
    assert len(before.split(":")) == 32
    pid = box.pids["rtc"]
    box.kill("rtc")
    box.wait_until(lambda: box.pids.get("rtc", pid) != pid, what="another process")
    box.wait_until(lambda: box.status()["webrtc"]["dtls_fingerprint"] == before, what="the same fingerprint")
