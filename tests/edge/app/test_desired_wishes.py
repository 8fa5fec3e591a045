"""Documents applied to real wishes on disk."""

from __future__ import annotations

from typing import Any

import pytest

from edge.app.desired_wishes import DesiredWishes
from edge.app.wishes import Wishes
from edge.config.encode import ViewConfig
from edge.config.model import Config, MaskConfig, MqttConfig
from edge.config.output import SrtSinkConfig
from edge.link.desired import Checked, LinkWish, Mark
from edge.model.errors import Unavailable
from edge.model.picture import Mask, Sheet
from edge.model.rect import Rect
from tests.edge.app.kept_state import OTHER_URL, PHRASE, URL, State, bitrate_of, running_of, sink_of, spec_of

HD = (1920, 1080)
CONFIG = Config(srt=(SrtSinkConfig(url=URL),), view=ViewConfig(enabled=True))
ROOM = {"kind": "srt", "url": OTHER_URL, "passphrase": PHRASE, "role": "guide"}
MASKED = {"mask": {"rects": [[0, 0, 100, 100]], "of": [1920, 1080]}}


class Rig:
    def __init__(self, state: State, config: Config = CONFIG) -> None:
        self.wishes: Wishes = state.start(config)
        self.desired = DesiredWishes(wishes=self.wishes, picture_size=lambda: HD)

    def check(self, **sections: Any) -> Checked:
        return self.desired.check({"v": 1, "box": "box-a", "rev": 1, **sections})

    def apply(self, rev: int = 1, **sections: Any) -> None:
        checked = self.check(**sections)
        assert checked.flaws == ()
        self.desired.apply(checked, Mark(rev, f"digest-{rev}"))

    def flaws(self, **sections: Any) -> list[str]:
        return [f"{flaw.path} {flaw.code}" for flaw in self.check(**sections).flaws]


@pytest.fixture
def rig(state: State) -> Rig:
    return Rig(state)


def test_a_whole_document_is_what_the_box_then_wants(rig: Rig) -> None:
    rig.apply(
        preset="endoscopy",
        mask={"rects": [[10, 10, 20, 20]], "of": [1920, 1080]},
        sinks={"srt": {"running": False}, "webrtc": {"running": False}, "room": ROOM},
        rungs={"view": {"bitrate": 700_000}},
        log_level="WARNING",
        source="v4l2",
        reconnect_spread_s=45,
        network={"broker": {"host": "10.0.0.9", "port": 8883}},
    )
    wishes = rig.wishes
    assert running_of(wishes) == {"webrtc": False, "srt": False, "room": True}
    assert (sink_of(wishes, "room").url, sink_of(wishes, "room").passphrase) == (OTHER_URL, PHRASE)
    assert wishes.preset_name == "endoscopy"
    assert wishes.picture.own_mask == Mask((Sheet(HD, (Rect(10, 10, 20, 20),)),))
    assert {rung.name: rung.bitrate_bps for rung in wishes.plan.rungs}["view"] == 700_000
    assert (wishes.plan.log_level, wishes.plan.source) == ("WARNING", "v4l2")
    assert rig.desired.link == LinkWish(("10.0.0.9", 8883), 45.0)


def test_what_a_document_leaves_out_is_as_configured_not_as_commands_or_documents_before_had_it(rig: Rig) -> None:
    as_configured = rig.wishes.plan
    rig.wishes.set_running("webrtc", False)
    rig.wishes.set_sink(spec_of("extra"))
    rig.wishes.set_bitrate("main", 700_000)
    rig.wishes.set_log_level("DEBUG")
    rig.apply(1, sinks={"room": ROOM}, preset="endoscopy")
    assert running_of(rig.wishes) == {"webrtc": True, "srt": True, "room": True}
    rig.apply(2)
    assert rig.wishes.plan == as_configured
    assert rig.desired.link == LinkWish()


def test_an_applied_document_holds_after_a_restart(state: State) -> None:
    first = Rig(state)
    first.apply(57, sinks={"room": ROOM}, log_level="ERROR", network={"broker": {"host": "h", "port": 1}})
    again = Rig(state)
    assert again.wishes.plan == first.wishes.plan
    assert (again.desired.applied, again.desired.link) == (Mark(57, "digest-57"), LinkWish(("h", 1), None))
    assert again.desired.drift() == ()


def test_a_document_that_cannot_be_kept_has_changed_nothing(state: State) -> None:
    rig = Rig(state)
    rig.apply(1, sinks={"srt": {"running": False}})
    before = (rig.wishes.plan, rig.desired.applied)
    state.path.unlink()
    state.path.mkdir()  # nothing can be put in its place now
    with pytest.raises(Unavailable) as caught:
        rig.apply(2, sinks={"room": ROOM})
    assert caught.value.code == "storage_failed"
    assert (rig.wishes.plan, rig.desired.applied) == before


def test_listeners_hear_of_a_document_once(rig: Rig) -> None:
    heard: list[int] = []
    rig.wishes.on_change(lambda: heard.append(bitrate_of(rig.wishes)))
    rig.apply(1, sinks={"room": ROOM}, rungs={"main": {"bitrate": 800_000}})
    assert heard == [800_000]


def test_null_takes_a_configured_output_away_and_one_that_is_not_there_is_no_error(rig: Rig) -> None:
    rig.apply(1, sinks={"srt": None, "never": None})
    assert rig.wishes.sink("srt") is None
    rig.apply(2)
    assert rig.wishes.sink("srt") is not None


@pytest.mark.parametrize(
    ("sections", "flaws"),
    [
        ({"sinks": {"a": {**ROOM, "latency_ms": 9999}}}, ["/sinks/a/latency_ms range"]),
        ({"sinks": {"a": {**ROOM, "latency_ms": 5}}}, ["/sinks/a/latency_ms range"]),
        ({"sinks": {"a": {**ROOM, "passphrase": "short"}}}, ["/sinks/a/passphrase invalid"]),
        ({"sinks": {"a": {**ROOM, "stream_id": "x" * 600}}}, ["/sinks/a/stream_id invalid"]),
        ({"sinks": {"a": {**ROOM, "url": "http://x"}}}, ["/sinks/a/url invalid"]),
        ({"sinks": {"a": {**ROOM, "rung": "second"}}}, ["/sinks/a/rung unknown_rung"]),
        ({"sinks": {"a": {**ROOM, "role": "king"}}}, ["/sinks/a/role invalid"]),
        ({"sinks": {"a": {**ROOM, "kind": "rtmp"}}}, ["/sinks/a/kind invalid"]),
        ({"sinks": {"a": {**ROOM, "color": 1}}}, ["/sinks/a/color invalid"]),
        ({"sinks": {"a": {"kind": "whip", "url": "https://h/x", "token": "\n"}}}, ["/sinks/a/token invalid"]),
        ({"sinks": {"a": {"running": True}}}, ["/sinks/a unknown_sink"]),
        ({"sinks": {"srt": {"running": 1}}}, ["/sinks/srt/running invalid"]),
        ({"sinks": {"webrtc": ROOM}}, ["/sinks/webrtc reserved_name"]),
        ({"sinks": {"webrtc": None}}, ["/sinks/webrtc reserved_name"]),
        ({"sinks": {"A/b": ROOM}}, ["/sinks/A~1b invalid"]),
        ({"sinks": {"a": 5}}, ["/sinks/a invalid"]),
        ({"sinks": []}, ["/sinks invalid"]),
        ({"rungs": {"main": {"bitrate": 1}}}, ["/rungs/main/bitrate range"]),
        ({"rungs": {"main": {"bitrate": 10**9}}}, ["/rungs/main/bitrate range"]),
        ({"rungs": {"second": {"bitrate": 10**6}}}, ["/rungs/second unknown_rung"]),
        ({"rungs": {"main": {}}}, ["/rungs/main/bitrate invalid"]),
        ({"preset": "endoscopy", "rungs": {"main": {"bitrate": 10**5}}}, ["/rungs/main/bitrate below_clinical_floor"]),
        ({"preset": "nope"}, ["/preset unknown_preset"]),
        ({"preset": None}, ["/preset invalid"]),
        ({"source": "url"}, ["/source unknown_source"]),
        ({"source": 5}, ["/source invalid"]),
        ({"mask": {"rects": [[0, 0, 1, 1]]}}, ["/mask/of picture_size_unknown"]),
        ({"mask": {"rects": [[0, 0, 0, 1]], "of": [64, 48]}}, ["/mask/rects/0 invalid"]),
        ({"mask": {"rects": [[0, 0, 100, 1]], "of": [64, 48]}}, ["/mask mask_outside_picture"]),
        ({"mask": None}, ["/mask invalid"]),
        ({"log_level": "LOUD"}, ["/log_level invalid"]),
        ({"reconnect_spread_s": -1}, ["/reconnect_spread_s range"]),
        ({"reconnect_spread_s": True}, ["/reconnect_spread_s invalid"]),
        ({"network": {"broker": {"host": "a b", "port": 1}}}, ["/network/broker/host invalid"]),
        ({"network": {"broker": {"host": "a", "port": 0}}}, ["/network/broker/port range"]),
        ({"network": {"broker": 5}}, ["/network/broker invalid"]),
        ({"network": {"wifi": {}}}, ["/network/wifi invalid"]),
    ],
)
def test_each_flaw_has_its_place_and_code(rig: Rig, sections: dict[str, Any], flaws: list[str]) -> None:
    assert rig.flaws(**sections) == flaws


def test_all_flaws_are_told_at_once_and_no_sentence_repeats_a_secret(rig: Rig) -> None:
    bad = {"a": {**ROOM, "latency_ms": 1}, "b": {**ROOM, "passphrase": PHRASE * 9}}
    checked = rig.check(sinks=bad, preset="nope", log_level=5)
    assert [flaw.path for flaw in checked.flaws] == [
        "/preset",
        "/sinks/a/latency_ms",
        "/sinks/b/passphrase",
        "/log_level",
    ]
    assert PHRASE not in str(checked)


def test_members_that_this_box_does_not_know_are_ignored_and_named(rig: Rig) -> None:
    checked = rig.check(by="ops", iat=5, chal="x", recording={}, a="b")
    assert (checked.flaws, checked.ignored) == ((), ("/a", "/recording"))


def test_checking_changes_nothing(rig: Rig, state: State) -> None:
    before = rig.wishes.plan
    rig.check(sinks={"room": ROOM}, preset="endoscopy")
    assert (rig.wishes.plan, state.path.exists()) == (before, False)


def test_only_what_would_be_seen_more_than_now_is_grave(rig: Rig) -> None:
    assert rig.check(**MASKED).grave == ()
    rig.apply(1, **MASKED)
    assert rig.check(**MASKED).grave == ()
    assert rig.check(mask={"rects": [[0, 0, 200, 200]], "of": [1920, 1080]}).grave == ()
    for less in ({}, {"mask": {"rects": []}}, {"mask": {"rects": [[0, 0, 99, 100]], "of": [1920, 1080]}}):
        assert [(flaw.path, flaw.code) for flaw in rig.check(**less).grave] == [("/mask", "challenge_needed")]


def test_a_configured_mask_may_be_left_out(state: State) -> None:
    config = CONFIG.model_copy(update={"mask": MaskConfig(rects=((0, 0, 5, 5),))})
    rig = Rig(state, config)
    assert rig.check().grave == ()
    assert rig.check(mask={"rects": []}).grave != ()


def test_drift_names_what_commands_changed_since_and_only_that(rig: Rig) -> None:
    assert rig.desired.drift() == ()
    rig.wishes.set_bitrate("main", 700_000)
    assert rig.desired.drift() == ()  # no document to differ from
    rig.apply(1, sinks={"room": ROOM, "srt": {"running": False}}, **MASKED)
    assert rig.desired.drift() == ()
    rig.wishes.set_running("srt", True)
    rig.wishes.remove_sink("room")
    rig.wishes.set_sink(spec_of("extra"))
    rig.wishes.set_bitrate("view", 600_000)
    rig.wishes.set_preset("endoscopy")
    rig.wishes.set_mask(None)
    rig.wishes.set_log_level("DEBUG")
    drift = rig.desired.drift()
    assert set(drift) >= {"/sinks/extra", "/sinks/room", "/sinks/srt", "/preset", "/mask", "/log_level"}
    rig.apply(2, sinks={"srt": {"running": True}})
    assert rig.desired.drift() == ()


def test_a_command_that_comes_back_to_the_document_is_no_drift(rig: Rig) -> None:
    rig.apply(1, sinks={"srt": {"running": False}})
    rig.wishes.set_running("srt", True)
    assert rig.desired.drift() == ("/sinks/srt",)
    rig.wishes.set_running("srt", False)
    assert rig.desired.drift() == ()


def test_an_entry_that_the_technician_changes_goes_before_the_document_and_is_drift(state: State) -> None:
    Rig(state).apply(1, sinks={"srt": {"running": False}}, log_level="ERROR", reconnect_spread_s=9)
    changed = Config(
        srt=(SrtSinkConfig(url=URL, latency_ms=300),), view=ViewConfig(enabled=True), mqtt=MqttConfig(port=1884)
    )
    again = Rig(state, changed)
    assert running_of(again.wishes) == {"webrtc": True, "srt": True}
    assert again.desired.drift() == ("/sinks/srt", "/network")
    assert (again.wishes.wanted.log_level, again.desired.link) == ("ERROR", LinkWish())


def test_released_the_box_stays_as_it_is_but_at_its_own_broker_and_counts_anew(rig: Rig) -> None:
    rig.apply(rev=57, preset="endoscopy", network={"broker": {"host": "10.0.0.9", "port": 8883}})
    rig.desired.release()
    rig.desired.release()
    assert (rig.desired.applied, rig.desired.link) == (None, LinkWish())
    assert rig.wishes.wanted.preset_name == "endoscopy"
