from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edge.app.operations import Operations
from edge.app.report import Check, Report
from edge.app.snapshots import LivePictures, Snapshots
from edge.app.wishes import Wishes
from edge.config.encode import EncoderConfig
from edge.config.model import Config, SecondConfig
from edge.config.output import SrtSinkConfig
from edge.modality.library import Library
from edge.model.command import Command, Result, ResultState
from edge.model.errors import Invalid
from edge.model.feedback import Role
from edge.model.inputs import Input
from edge.model.rect import Rect
from edge.runtime.command_bus import CommandBus
from edge.runtime.ipc import Answer, Reply
from edge.vault.seal import Sealer
from tests.edge.app.media_peer import media_answering

PHRASE = "correct horse battery"
REPORT = Report("2026-11-24T20:00:00Z", "box-1", "0.1.0", "a board", (Check("picture", True, "live"),))
SIZE = (1280, 720)
WHIP = "https://ingest.example/whip/room"
URL = "srt://10.0.0.9:9000?mode=caller"


@dataclass
class Box:
    bus: CommandBus
    wishes: Wishes
    faults: list[Mapping[str, Any]]
    second_faults: list[Mapping[str, Any]]
    state: Path

    async def ask(self, op: str, **args: Any) -> Result:
        return await self.bus.submit(Command(op=op, args=args, id="1"))

    async def done(self, op: str, **args: Any) -> Mapping[str, Any]:
        result = await self.ask(op, **args)
        assert result.st is ResultState.DONE, result
        return result.payload


@pytest.fixture
async def box(short_path: Path, tmp_path: Path) -> AsyncIterator[Box]:
    """With the configured outputs `srt` and, for want of its passphrase file, the locked `ward`; two inputs."""
    faults: list[Mapping[str, Any]] = []
    second_faults: list[Mapping[str, Any]] = []
    config = Config(
        encoder=EncoderConfig(max_bitrate_bps=10_000_000),
        second=SecondConfig(enabled=True, encoder=EncoderConfig(bitrate_bps=1_000_000, max_bitrate_bps=2_000_000)),
        srt=(SrtSinkConfig(), SrtSinkConfig(name="ward", url=URL, passphrase_file=tmp_path / "absent")),
    )
    state, bus = tmp_path / "state", CommandBus()
    sealer = Sealer(tmp_path / "box.key")
    wishes = Wishes(config=config, path=state / "wishes.sealed", sealer=sealer, library=Library.load(None))
    async with (
        media_answering(short_path / "1", _answers(faults, b"jpeg")) as main,
        media_answering(short_path / "2", _answers(second_faults, b"second")) as second,
    ):
        media = {Input.MAIN: main, Input.SECOND: second}
        snapshots = Snapshots(pictures=LivePictures(media=media), folder=state / "snapshots", sealer=sealer)
        Operations(
            wishes=wishes, snapshots=snapshots, media=media, picture_size=lambda: SIZE, report=lambda: REPORT
        ).register(bus)
        yield Box(bus, wishes, faults, second_faults, state)


def _answers(faults: list[Mapping[str, Any]], jpeg: bytes) -> Mapping[str, Answer]:
    """Of one media process."""

    async def fault(args: Mapping[str, Any]) -> Reply:
        if args.get("fault") == "earthquake":
            raise Invalid("fault: earthquake is not one")
        faults.append(args)
        return Reply()

    async def still(args: Mapping[str, Any]) -> Reply:
        return Reply({"utc_ns": 0, "width": 640, "height": 480, "live": True}, jpeg)

    return {"fault": fault, "still": still}


async def test_log_level_is_set_and_a_word_that_is_none_refused(box: Box) -> None:
    assert await box.done("log.level", level="DEBUG") == {"level": "DEBUG"}
    assert box.wishes.plan.log_level == "DEBUG"
    assert (
        await box.ask("log.level", level="LOUD")
    ).detail == "level: 'LOUD' is not one of DEBUG, INFO, WARNING, ERROR"
    assert (await box.ask("log.level")).code == "invalid"


async def test_test_pattern_stands_in_until_it_is_switched_off_and_is_not_kept(box: Box) -> None:
    assert await box.done("test.pattern", on=True) == {"on": True}
    assert box.wishes.plan.source == "test-pattern"
    assert not list(box.state.glob("wishes*"))
    assert await box.done("test.pattern", on=False) == {"on": False}
    assert box.wishes.plan.source == "sim"
    assert [(await box.ask("test.pattern", **args)).code for args in ({}, {"on": 1})] == ["invalid", "invalid"]


async def test_source_is_one_of_those_configured(box: Box) -> None:
    assert await box.done("source.set", source="v4l2") == {"source": "v4l2"}
    assert box.wishes.plan.source == "v4l2"
    refused = await box.ask("source.set", source="url")  # it has no address
    assert (refused.st, refused.code) == (ResultState.REJECTED, "unknown_source")
    assert "there is sim, v4l2, picamera" in refused.detail
    await box.done("source.set", source="sim")
    assert box.wishes.wanted.overrides.source is None


async def test_stop_and_start_name_the_end_state(box: Box) -> None:
    for _ in range(2):
        assert await box.done("stream.stop", sink="srt") == {"sink": "srt", "running": False}
    assert box.wishes.sink("srt") is not None
    assert not box.wishes.plan.sinks[1].running
    assert await box.done("stream.start", sink="srt") == {"sink": "srt", "running": True}
    assert box.wishes.plan.sinks[1].running


async def test_webrtc_stops_like_any_output(box: Box) -> None:
    await box.done("stream.stop", sink="webrtc")
    assert not box.wishes.webrtc_running


async def test_locked_output_is_refused_with_the_option_to_mend(box: Box) -> None:
    result = await box.ask("stream.start", sink="ward")
    assert (result.st, result.code) == (ResultState.REJECTED, "passphrase_unreadable")
    assert "srt.ward.passphrase_file" in result.detail
    assert await box.done("stream.stop", sink="ward") == {"sink": "ward", "running": False}


async def test_locked_output_that_is_set_anew_can_be_started(box: Box) -> None:
    answer = await box.done("sink.set", sink="ward", url=URL, passphrase=PHRASE)
    assert answer == {"sink": "ward", "running": False, "encrypted": True}
    await box.done("stream.start", sink="ward")
    ward = box.wishes.sink("ward")
    assert ward is not None
    assert (ward.running, ward.passphrase) == (True, PHRASE)


async def test_set_output_has_what_was_asked_for(box: Box) -> None:
    answer = await box.done("sink.set", sink="extra", url=URL, latency_ms=300, stream_id="room-4", passphrase=PHRASE)
    assert answer == {"sink": "extra", "running": True, "encrypted": True}
    extra = box.wishes.sink("extra")
    assert extra is not None
    assert (extra.url, extra.latency_ms, extra.stream_id, extra.passphrase) == (URL, 300, "room-4", PHRASE)


async def test_whip_output_has_what_was_asked_for(box: Box) -> None:
    asked = {"kind": "whip", "url": WHIP, "token": "sesame", "rung": "second", "role": "guide"}
    assert await box.done("sink.set", sink="hub", **asked) == {"sink": "hub", "running": True, "encrypted": True}
    hub = box.wishes.sink("hub")
    assert hub is not None
    assert (hub.kind, hub.url, hub.token, hub.rung, hub.role) == ("whip", WHIP, "sesame", "second", "guide")
    assert "sesame" not in repr(hub)
    assert await box.done("stream.stop", sink="hub") == {"sink": "hub", "running": False}


async def test_token_is_not_on_disk_in_clear_nor_in_a_refusal(box: Box) -> None:
    await box.done("sink.set", sink="hub", kind="whip", url=WHIP, token="sesame-sesame")
    assert b"sesame" not in (box.state / "wishes.sealed").read_bytes()
    refused = await box.ask("sink.set", sink="hub", kind="whip", url=WHIP, token="open sesame\r\nX: 1")
    assert (refused.code, "sesame" in refused.detail) == ("invalid", False)


async def test_output_has_its_role_and_what_is_left_out_follows_the_path(box: Box) -> None:
    await box.done("sink.set", sink="extra", url=URL, role="guide")
    extra = box.wishes.sink("extra")
    assert extra is not None
    assert (extra.role, extra.latency_ms) == (Role.GUIDE, 0)


async def test_output_that_is_set_anew_stays_stopped_unless_told(box: Box) -> None:
    await box.done("sink.set", sink="extra", url=URL, running=False)
    assert await box.done("sink.set", sink="extra", url=URL, latency_ms=300) == {
        "sink": "extra",
        "running": False,
        "encrypted": False,
    }
    assert (await box.done("sink.set", sink="extra", url=URL, running=True))["running"] is True


async def test_removed_output_is_gone_and_twice_equals_once(box: Box) -> None:
    for _ in range(2):
        assert await box.done("sink.remove", sink="srt") == {"sink": "srt"}
    assert box.wishes.sink("srt") is None


async def test_bitrate_is_set(box: Box) -> None:
    assert await box.done("encoder.set", bitrate=500_000) == {"rung": "main", "bitrate": 500_000}
    assert box.wishes.plan.rungs[0].bitrate_bps == 500_000


async def test_preset_is_set_and_says_its_limits(box: Box) -> None:
    for _ in range(2):
        assert await box.done("preset.set", modality="ultrasound") == {
            "modality": "ultrasound",
            "bitrate_floor": 2_000_000,
            "bitrate_ceiling": 16_000_000,
        }
    refused = await box.ask("encoder.set", bitrate=1_999_999)
    assert (refused.st, refused.code) == (ResultState.REJECTED, "below_clinical_floor")
    await box.done("encoder.set", bitrate=16_000_000)


async def test_mask_is_told_in_the_picture_of_now_or_in_that_of_its_size(box: Box) -> None:
    assert await box.done("mask.set", rects=[[0, 0, 9, 9]]) == {"rects": [[0, 0, 9, 9]], "of": [1280, 720]}
    answer = await box.done("mask.set", rects=[[0, 0, 99, 99]], of=[1920, 1080])
    assert answer == {"rects": [[0, 0, 99, 99]], "of": [1920, 1080]}
    assert box.wishes.plan.picture.blacks((1920, 1080)) == (Rect(0, 0, 99, 99),)


async def test_mask_may_grow_without_the_sender_being_present_but_not_shrink(box: Box) -> None:
    async def ask(*rects: list[int], present: bool = False) -> str:
        return (await box.bus.submit(Command("1", "mask.set", {"rects": list(rects)}, present=present))).code

    assert await ask([0, 0, 100, 50]) == "ok"
    assert await ask([0, 0, 100, 50], [200, 0, 10, 10]) == "ok"
    assert await ask([0, 0, 100, 50]) == "challenge_needed"
    assert await ask() == "challenge_needed"
    assert await ask([0, 0, 99, 50], [200, 0, 10, 10]) == "challenge_needed"
    assert len(box.wishes.plan.picture.masks[0].sheets[0].rects) == 2
    assert await ask(present=True) == "ok"
    assert box.wishes.plan.picture.masks == ()


async def test_snapshot_is_taken(box: Box) -> None:
    answer = await box.done("snapshot.take", id="op-1")
    assert (answer["id"], answer["bytes"]) == ("op-1", 4)


async def test_fault_is_passed_to_the_media_process(box: Box) -> None:
    assert await box.done("sim.fault", fault="freeze", seconds=2) == {}
    assert box.faults == [{"fault": "freeze", "seconds": 2}]
    assert await box.done("sim.fault", fault="clear", input="second") == {}
    assert (len(box.faults), box.second_faults) == (1, [{"fault": "clear"}])


async def test_snapshot_is_of_the_input_that_was_asked_for(box: Box) -> None:
    answer = await box.done("snapshot.take", id="op-2", input="second")
    assert (answer["input"], answer["bytes"]) == ("second", 6)
    assert (await box.done("snapshot.take", id="op-2"))["input"] == "second", "a name that is taken keeps its picture"


async def test_output_sends_the_rung_that_was_asked_for(box: Box) -> None:
    await box.done("sink.set", sink="extra", url=URL)
    await box.done("sink.set", sink="other", url=URL, rung="second")
    found = {sink.name: sink.rung for sink in box.wishes.plan.sinks}
    assert (found["extra"], found["other"]) == ("main", "second")


async def test_report_is_the_commissioning_report(box: Box) -> None:
    assert await box.done("report.get") == REPORT.wire()
    assert REPORT.wire()["ready"] is True


async def test_each_rung_has_its_own_bitrate_and_ceiling(box: Box) -> None:
    assert await box.done("encoder.set", rung="second", bitrate=2_000_000) == {"rung": "second", "bitrate": 2_000_000}
    assert [(rung.name, rung.bitrate_bps) for rung in box.wishes.plan.rungs] == [
        ("main", 8_000_000),
        ("archive", 16_000_000),
        ("view", 1_500_000),
        ("second", 2_000_000),
    ]
    assert (await box.ask("encoder.set", rung="second", bitrate=2_000_001)).code == "range"


@pytest.mark.parametrize(
    ("op", "args", "code", "words"),
    [
        ("stream.start", {"sink": "nowhere"}, "unknown_sink", "nowhere"),
        ("stream.start", {}, "invalid", "sink: missing"),
        ("stream.stop", {"sink": "SRT"}, "invalid", "sink: 'SRT' does not match"),
        ("stream.stop", {"sink": "srt", "now": 1}, "invalid", "now: not an argument"),
        ("sink.set", {"sink": "x"}, "invalid", "url: missing"),
        ("sink.set", {"sink": "x", "url": "http://x"}, "invalid", "scheme 'http'"),
        ("sink.set", {"sink": "x", "url": "srt://a:1?mode=sideways"}, "invalid", "mode 'sideways'"),
        ("sink.set", {"sink": "x", "url": URL, "kind": "whip"}, "invalid", "scheme 'srt'"),
        ("sink.set", {"sink": "x", "url": "http://10.0.0.9/w", "kind": "whip"}, "invalid", "say https"),
        ("sink.set", {"sink": "x", "url": WHIP, "kind": "whip", "role": "boss"}, "invalid", "guide, observer"),
        ("sink.set", {"sink": "x", "url": WHIP, "kind": "whip", "latency_ms": 120}, "invalid", "latency_ms: not an"),
        ("sink.set", {"sink": "x", "url": URL, "kind": "rtmp"}, "invalid", "kind: 'rtmp'"),
        ("sink.set", {"sink": "x", "url": URL, "latency_ms": 10}, "range", "latency_ms: 10"),
        ("sink.set", {"sink": "x", "url": URL, "latency_ms": -1}, "range", "latency_ms: -1"),
        (
            "sink.set",
            {"sink": "x", "url": URL, "role": "boss"},
            "invalid",
            "role: 'boss' is not one of guide, observer",
        ),
        ("sink.set", {"sink": "x", "url": URL, "stream_id": "#!::u"}, "bad_stream_id", "'u' is not key=value"),
        ("sink.set", {"sink": "x", "url": URL, "passphrase": "hunter2"}, "invalid", "passphrase"),
        ("sink.set", {"sink": "x", "url": URL, "passphrase": 1}, "invalid", "passphrase: expected text"),
        ("sink.set", {"sink": "x", "url": URL, "stream_id": "x" * 513}, "invalid", "stream id"),
        ("sink.set", {"sink": "x", "url": URL, "running": "yes"}, "invalid", "running"),
        ("sink.set", {"sink": "webrtc", "url": URL}, "reserved_name", "webrtc"),
        ("sink.remove", {"sink": "webrtc"}, "reserved_name", "webrtc"),
        (
            "sink.set",
            {"sink": "x", "url": URL, "rung": "third"},
            "unknown_rung",
            "there is main, archive, view, second",
        ),
        ("sink.set", {"sink": "x", "url": URL, "rung": 2}, "invalid", "rung: expected text, got 2"),
        ("encoder.set", {"bitrate": 99_999}, "range", "bitrate: 99999"),
        ("encoder.set", {"bitrate": 10_000_001}, "range", "bitrate: 10000001"),
        ("encoder.set", {"bitrate": 500_000, "rung": "record"}, "unknown_rung", "record"),
        ("preset.set", {"modality": "xray"}, "unknown_preset", "endoscopy, microscopy, pathology, ultrasound"),
        ("preset.set", {}, "invalid", "modality: missing"),
        ("preset.set", {"modality": "endoscopy", "now": 1}, "invalid", "now: not an argument"),
        ("mask.set", {}, "invalid", "rects: missing"),
        ("mask.set", {"rects": "all"}, "invalid", "rects: expected a list"),
        ("mask.set", {"rects": [[0, 0, 1, 1]] * 33}, "invalid", "at most 32"),
        ("mask.set", {"rects": [[0, 0, 1]]}, "invalid", "rects[0]: expected [x, y, width, height]"),
        ("mask.set", {"rects": [[0, 0, 1, 1], [0, 0, 0, 1]]}, "invalid", "rects[1]: width must be a whole number"),
        ("mask.set", {"rects": [[0, 0, 1, True]]}, "invalid", "rects[0]: height"),
        ("mask.set", {"rects": [], "of": [1]}, "invalid", "of: expected [width, height]"),
        ("mask.set", {"rects": [[1270, 0, 20, 5]]}, "mask_outside_picture", "20x5+1270+0 does not lie inside"),
        ("mask.set", {"rects": [[0, 0, 9, 9]], "of": [8, 9]}, "mask_outside_picture", "picture of 8x9"),
        ("snapshot.take", {"id": "../etc/passwd"}, "invalid", "id"),
        ("snapshot.take", {"id": "x" * 65}, "invalid", "id"),
        ("snapshot.take", {"id": "a", "input": "third"}, "unknown_input", "there is main, second"),
        ("sim.fault", {"fault": "earthquake"}, "invalid", "earthquake"),
        ("sim.fault", {"fault": "clear", "input": "third"}, "unknown_input", "third"),
        ("sim.fault", {"fault": "clear", "input": 2}, "invalid", "input: expected text, got 2"),
    ],
)
async def test_wrong_command_is_rejected_with_its_reason_and_changes_nothing(
    box: Box, op: str, args: dict[str, Any], code: str, words: str
) -> None:
    before = box.wishes.plan
    result = await box.ask(op, **args)
    assert (result.st, result.code) == (ResultState.REJECTED, code)
    assert words in result.detail
    assert "hunter2" not in result.detail
    assert (box.wishes.plan, box.faults) == (before, [])
    assert not box.state.exists()


@pytest.mark.parametrize(
    ("op", "args"),
    [
        ("stream.stop", {"sink": "srt"}),
        ("sink.set", {"sink": "extra", "url": URL}),
        ("sink.remove", {"sink": "srt"}),
        ("encoder.set", {"bitrate": 500_000}),
        ("preset.set", {"modality": "endoscopy"}),
        ("mask.set", {"rects": [[0, 0, 9, 9]]}),
        ("snapshot.take", {"id": "op-1"}),
    ],
)
async def test_disk_that_refuses_fails_the_command_and_the_same_one_works_later(
    box: Box, op: str, args: dict[str, Any]
) -> None:
    before = box.wishes.plan
    shutil.rmtree(box.state, ignore_errors=True)
    box.state.write_text("a file where the folder should be")
    result = await box.ask(op, **args)
    assert (result.st, result.code) == (ResultState.FAILED, "storage_failed")
    assert str(box.state) in result.detail
    assert box.wishes.plan == before
    box.state.unlink()
    await box.done(op, **args)
