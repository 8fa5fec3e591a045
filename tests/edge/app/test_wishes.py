from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from edge.app.wishes import Wishes
from edge.config.encode import EncoderConfig
from edge.config.model import Config, MaskConfig, ModalityConfig, SecondConfig
from edge.config.output import SrtSinkConfig
from edge.model.errors import EdgeError, Invalid, NotFound, Rejected
from edge.model.feedback import Role
from edge.model.inputs import Input
from edge.model.picture import Mask, Sheet
from edge.model.rect import Rect
from tests.edge.app.kept_state import OTHER_URL, PHRASE, URL, State, bitrate_of, running_of, sink_of, spec_of


def test_without_commands_the_configuration_holds_and_nothing_is_written(state: State) -> None:
    wishes = state.wishes({"url": URL, "latency_ms": 200, "stream_id": "room-4"}, bitrate_bps=5_000_000)
    assert running_of(wishes) == {"webrtc": True, "srt": True}
    srt = sink_of(wishes, "srt")
    assert (srt.url, srt.latency_ms, srt.stream_id, srt.passphrase) == (URL, 200, "room-4", "")
    assert bitrate_of(wishes) == 5_000_000
    assert (wishes.trouble, state.path.exists(), state.key.exists()) == ([], False, False)


def test_changes_hold_after_a_restart(state: State) -> None:
    wishes = state.wishes()
    wishes.set_running("webrtc", False)
    wishes.set_running("srt", False)
    wishes.set_sink(spec_of("extra", passphrase=PHRASE, latency_ms=300))
    wishes.set_sink(spec_of("second"))
    wishes.set_running("extra", False)
    wishes.set_bitrate("main", 700_000)
    again = state.wishes()
    assert again.plan == wishes.plan
    assert [sink.name for sink in again.plan.sinks] == ["webrtc", "srt", "extra", "second"]
    assert sink_of(again, "extra") == spec_of("extra", passphrase=PHRASE, latency_ms=300, running=False)
    assert (again.webrtc_running, bitrate_of(again), again.trouble) == (False, 700_000, [])


def test_kept_file_is_sealed_and_its_owners_alone(state: State) -> None:
    state.wishes().set_sink(spec_of("extra", passphrase=PHRASE))
    assert PHRASE.encode() not in state.path.read_bytes()
    assert PHRASE.encode() in state.on_disk()
    assert state.path.stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in state.folder.iterdir()) == ["box.key", "wishes.sealed"]


def test_listeners_hear_of_changes_and_only_of_changes(state: State) -> None:
    wishes = state.wishes()
    heard: list[bool] = []
    wishes.on_change(lambda: heard.append(sink_of(wishes, "srt").running))
    wishes.set_running("srt", True)
    wishes.set_running("srt", False)
    wishes.set_running("srt", False)
    assert heard == [False]


@pytest.mark.parametrize(
    ("change", "kind", "code", "words"),
    [
        (lambda w: w.set_running("nowhere", True), NotFound, "unknown_sink", "nowhere.*srt, webrtc"),
        (lambda w: w.remove_sink("nowhere"), NotFound, "unknown_sink", "nowhere"),
        (lambda w: w.remove_sink("webrtc"), Invalid, "reserved_name", "cannot be removed"),
        (lambda w: w.set_sink(spec_of("webrtc")), Invalid, "reserved_name", "built-in"),
        (lambda w: w.set_bitrate("high", 1_000_000), NotFound, "unknown_rung", "high.*main"),
    ],
)
def test_wrong_change_is_refused(
    state: State, change: Callable[[Wishes], None], kind: type[EdgeError], code: str, words: str
) -> None:
    with pytest.raises(kind, match=words) as caught:
        change(state.wishes())
    assert caught.value.code == code
    assert not state.path.exists()


def test_removed_configured_output_stays_removed(state: State) -> None:
    state.wishes().remove_sink("srt")
    again = state.wishes()
    assert again.sink("srt") is None
    again.set_sink(spec_of("srt"))
    assert sink_of(state.wishes(), "srt").url == OTHER_URL


def test_removed_output_that_a_command_had_set_does_not_uncover_the_configured_one(state: State) -> None:
    wishes = state.wishes()
    wishes.set_sink(spec_of("srt"))
    wishes.remove_sink("srt")
    assert state.wishes().sink("srt") is None


def test_removed_output_of_a_command_leaves_nothing_on_disk(state: State) -> None:
    wishes = state.wishes()
    wishes.set_sink(spec_of("extra", passphrase=PHRASE))
    wishes.remove_sink("extra")
    assert b"extra" not in state.on_disk()
    assert PHRASE.encode() not in state.on_disk()


@pytest.mark.parametrize(
    "override",
    [
        lambda w: w.set_running("srt", False),
        lambda w: w.set_sink(spec_of("srt")),
        lambda w: w.remove_sink("srt"),
    ],
    ids=["stopped", "set", "removed"],
)
@pytest.mark.parametrize(
    "changed",
    [{"url": "srt://127.0.0.1:9999?mode=listener"}, {"url": URL, "latency_ms": 250}, {"url": URL, "stream_id": "b"}],
    ids=["url", "latency", "stream id"],
)
def test_changed_configured_entry_goes_before_the_override_for_good(
    state: State, override: Callable[[Wishes], None], changed: dict[str, Any]
) -> None:
    override(state.wishes())
    after = sink_of(state.wishes(changed), "srt")
    assert (after.url, after.running) == (changed["url"], True)
    back = sink_of(state.wishes(), "srt")
    assert (back.url, back.running) == (URL, True)


def test_override_of_one_output_survives_a_change_of_another(state: State) -> None:
    first, second = {"name": "a", "url": URL}, {"name": "b", "url": OTHER_URL}
    state.wishes(first, second).set_running("a", False)
    again = state.wishes(first, {**second, "latency_ms": 400})
    assert running_of(again) == {"webrtc": True, "a": False, "b": True}


def test_changed_passphrase_file_keeps_what_commands_said_of_the_output(state: State) -> None:
    entry = {"url": URL, "passphrase_file": state.secret(PHRASE.encode())}
    state.wishes(entry).set_running("srt", False)
    state.secret(b"another passphrase\n")
    again = sink_of(state.wishes(entry), "srt")
    assert (again.running, again.passphrase) == (False, "another passphrase")


def test_output_deleted_from_the_configuration_is_gone(state: State) -> None:
    state.wishes().set_running("srt", False)
    assert state.start(Config(srt=())).sink("srt") is None
    assert b'"srt"' not in state.on_disk()


def test_output_set_by_command_outlives_its_configured_entry(state: State) -> None:
    state.wishes().set_sink(spec_of("srt"))
    assert sink_of(state.start(Config(srt=())), "srt").url == OTHER_URL


def test_newly_configured_output_goes_before_one_that_a_command_had_set(state: State) -> None:
    state.start(Config(srt=())).set_sink(spec_of("srt"))
    assert sink_of(state.wishes(), "srt").url == URL


def test_changed_configured_bitrate_goes_before_the_commanded_one(state: State) -> None:
    state.wishes(bitrate_bps=4_000_000).set_bitrate("main", 700_000)
    assert bitrate_of(state.wishes(bitrate_bps=4_000_000, gop_s=1)) == 700_000
    assert bitrate_of(state.wishes(bitrate_bps=6_000_000)) == 6_000_000


def test_commanded_bitrate_obeys_todays_ceiling(state: State) -> None:
    state.wishes(bitrate_bps=4_000_000).set_bitrate("main", 12_000_000)
    assert bitrate_of(state.wishes(bitrate_bps=4_000_000, max_bitrate_bps=9_000_000)) == 9_000_000
    assert bitrate_of(state.wishes(bitrate_bps=4_000_000)) == 12_000_000


@pytest.mark.parametrize(
    "there_and_back",
    [
        lambda w: (w.set_running("srt", False), w.set_running("srt", True)),
        lambda w: (w.set_bitrate("main", 700_000), w.set_bitrate("main", 8_000_000)),
        lambda w: (w.remove_sink("srt"), w.set_sink(spec_of("srt", url=URL))),
        lambda w: (w.set_running("srt", False), w.set_sink(spec_of("srt", url=URL))),
    ],
)
def test_what_is_as_configured_again_is_no_override(state: State, there_and_back: Callable[[Wishes], object]) -> None:
    wishes = state.wishes()
    there_and_back(wishes)
    assert b'"sinks": [], "removed": {}, "stopped": {}, "bitrates": {}' in state.on_disk()
    assert wishes.plan == state.wishes().plan


_SECOND = Config(
    modality=ModalityConfig(preset="endoscopy"),
    second=SecondConfig(
        enabled=True, encoder=EncoderConfig(bitrate_bps=1_000_000), mask=MaskConfig(rects=((0, 0, 64, 64),))
    ),
    srt=(SrtSinkConfig(url=URL), SrtSinkConfig(name="other", url=OTHER_URL, rung=Input.SECOND)),
)


def test_each_media_process_is_told_its_own_outputs_rung_and_picture(state: State) -> None:
    wishes = state.start(_SECOND)
    first, second = wishes.plan_for("main"), wishes.plan_for("second")
    assert [sink.name for sink in first.sinks] == ["webrtc", "srt"]
    assert [rung.name for rung in first.rungs] == ["main", "archive", "view"]
    assert ([sink.name for sink in second.sinks], [rung.name for rung in second.rungs]) == (["other"], ["second"])
    assert first.picture == wishes.picture.spec
    assert first.picture.modes, "the preset asks for modes"
    assert (second.picture.modes, second.picture.crop) == ((), None), "a preset is about the first input"
    assert second.picture.blacks((1920, 1080)) == (Rect(0, 0, 64, 64),)


def test_mask_by_command_is_about_the_first_input(state: State) -> None:
    wishes = state.start(_SECOND)
    before = wishes.plan_for("second")
    wishes.set_mask(Mask((Sheet((1920, 1080), (Rect(100, 100, 10, 10),)),)))
    wishes.set_preset("none")
    assert wishes.plan_for("second") == before
    assert wishes.plan_for("main").picture.blacks((1920, 1080)) == (Rect(100, 100, 10, 10),)


def test_clinical_floor_of_a_preset_is_that_of_the_first_rung(state: State) -> None:
    wishes = state.start(_SECOND)
    floor_bps = wishes.limits("main").floor_bps
    with pytest.raises(Rejected) as caught:
        wishes.set_bitrate("main", floor_bps - 1)
    assert caught.value.code == "below_clinical_floor"
    wishes.set_bitrate("second", 200_000)
    assert [rung.bitrate_bps for rung in state.start(_SECOND).plan_for("second").rungs] == [200_000]


def test_output_moves_to_another_rung(state: State) -> None:
    wishes = state.start(_SECOND)
    wishes.set_sink(spec_of("srt", url=URL, rung="second"))
    assert [sink.name for sink in wishes.plan_for("main").sinks] == ["webrtc"]
    assert [sink.name for sink in wishes.plan_for("second").sinks] == ["srt", "other"]


def test_output_of_a_rung_that_there_is_not_is_refused(state: State) -> None:
    with pytest.raises(NotFound, match="no rung 'second'; there is main") as caught:
        state.wishes().set_sink(spec_of("extra", rung="second"))
    assert caught.value.code == "unknown_rung"


def test_output_without_what_is_new_is_kept_as_older_software_reads_it(state: State) -> None:
    state.wishes().set_sink(spec_of("extra"))
    assert not [newer for newer in (b"role", b"token", b"peers") if newer in state.on_disk()]
    state.wishes().set_sink(spec_of("extra", role=Role.GUIDE))
    assert b'"role": "guide"' in state.on_disk()
    assert sink_of(state.wishes(), "extra").role is Role.GUIDE
