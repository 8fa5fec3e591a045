"""Preset and mask as wishes: kept, changed, compared with what holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.app.plan_wire import from_wire, to_wire
from edge.app.wishes import Wishes
from edge.config.encode import EncoderConfig
from edge.config.model import Config, LivenessConfig, MaskConfig, ModalityConfig
from edge.modality.library import Library
from edge.model.errors import NotFound, Rejected
from edge.model.picture import Mask, Sheet
from edge.model.rect import Rect
from edge.vault.seal import Sealer
from tests.edge.app.kept_state import State, bitrate_of

HD = (1920, 1080)
NAME = Mask((Sheet(HD, (Rect(0, 0, 400, 60),)),))
OWN = """\
title = "Sono"
priority = "detail"
modes = ["1920x1080@30"]
[bitrate]
floor_bps = 1_000_000
start_bps = 2_000_000
ceiling_bps = 3_000_000
[crop]
of = [1920, 1080]
rect = [420, 0, 1080, 1080]
[[mask]]
of = [1920, 1080]
rects = [[0, 0, 1920, 60]]
"""


@pytest.fixture
def presets(tmp_path: Path) -> Path:
    folder = tmp_path / "presets"
    folder.mkdir()
    (folder / "sono.toml").write_text(OWN)
    return folder


def start(state: State, config: Config) -> Wishes:
    library = Library.load(config.modality.presets_dir)
    return Wishes(config=config, path=state.path, sealer=Sealer(state.key), library=library)


def config(presets: Path | None = None, **modality: str) -> Config:
    return Config(modality=ModalityConfig(presets_dir=presets, **modality))


def test_without_a_preset_the_configuration_holds(state: State) -> None:
    wishes = start(state, Config(encoder=EncoderConfig(gop_s=1.0)))
    rung = wishes.plan.rungs[0]
    assert (rung.bitrate_bps, rung.max_bitrate_bps, rung.gop_s) == (8_000_000, 20_000_000, 1.0)
    picture = wishes.plan.picture
    assert (picture.modes, picture.crop, picture.masks, picture.freeze_after_ms, picture.withheld) == (
        *((), None, ()),
        *(400, ""),
    )


def test_preset_brings_its_figures_modes_crop_and_mask(state: State, presets: Path) -> None:
    wishes = start(state, config(presets))
    wishes.set_preset("sono")
    plan = wishes.plan
    assert (plan.rungs[0].bitrate_bps, plan.rungs[0].max_bitrate_bps) == (2_000_000, 3_000_000)
    assert [str(mode) for mode in plan.picture.modes] == ["1920x1080@30"]
    assert plan.picture.crop is not None
    assert plan.picture.blacks(HD) == (Rect(0, 0, 1920, 60),)
    assert from_wire(json.loads(json.dumps(to_wire(plan)))) == plan


def test_preset_and_mask_hold_after_a_restart(state: State, presets: Path) -> None:
    wishes = start(state, config(presets))
    wishes.set_preset("sono")
    wishes.set_mask(NAME)
    again = start(state, config(presets))
    assert again.plan == wishes.plan
    assert again.preset_name == "sono"
    assert again.plan.picture.blacks(HD) == (Rect(0, 0, 400, 60), Rect(0, 0, 1920, 60))


def test_setting_the_preset_that_holds_changes_nothing(state: State) -> None:
    wishes = start(state, Config())
    wishes.set_preset("endoscopy")
    wishes.set_bitrate("main", 3_000_000)
    heard: list[str] = []
    wishes.on_change(lambda: heard.append("changed"))
    wishes.set_preset("endoscopy")
    assert (heard, bitrate_of(wishes)) == ([], 3_000_000)


def test_another_preset_starts_at_its_own_bitrate(state: State) -> None:
    wishes = start(state, Config())
    wishes.set_bitrate("main", 700_000)
    wishes.set_preset("microscopy")
    assert bitrate_of(wishes) == 20_000_000
    wishes.set_preset("none")
    assert bitrate_of(wishes) == 8_000_000
    assert json.loads(state.on_disk())["v"] == 2, "nothing is left that an older software could not read"


def test_bitrate_below_the_clinical_floor_is_refused(state: State) -> None:
    wishes = start(state, Config())
    wishes.set_preset("endoscopy")
    with pytest.raises(Rejected, match="2499999 is below 2500000, the clinical floor of endoscopy") as caught:
        wishes.set_bitrate("main", 2_499_999)
    assert caught.value.code == "below_clinical_floor"
    wishes.set_bitrate("main", 2_500_000)
    assert bitrate_of(wishes) == 2_500_000


def test_kept_bitrate_comes_up_to_a_floor_that_has_risen(state: State, presets: Path) -> None:
    wishes = start(state, config(presets, preset="sono"))
    wishes.set_bitrate("main", 1_200_000)
    (presets / "sono.toml").write_text(OWN.replace("floor_bps = 1_000_000", "floor_bps = 1_500_000"))
    assert bitrate_of(start(state, config(presets, preset="sono"))) == 1_500_000


def test_unknown_preset_is_refused_and_changes_nothing(state: State) -> None:
    wishes = start(state, Config())
    with pytest.raises(NotFound) as caught:
        wishes.set_preset("xray")
    assert caught.value.code == "unknown_preset"
    assert not state.path.exists()


def test_changed_configuration_goes_before_the_command(state: State) -> None:
    start(state, Config()).set_preset("ultrasound")
    start(state, Config()).set_mask(NAME)
    changed = Config(modality=ModalityConfig(preset="pathology"), mask=MaskConfig(rects=((0, 0, 5, 5),)))
    again = start(state, changed)
    assert again.preset_name == "pathology"
    assert again.plan.picture.blacks(HD) == (Rect(0, 0, 5, 5),)
    assert start(state, Config()).preset_name == "none"


def test_configured_mask_holds_and_a_command_replaces_it(state: State) -> None:
    configured = Config(mask=MaskConfig(rects=((0, 0, 5, 5),), of=(640, 480)))
    wishes = start(state, configured)
    assert wishes.plan.picture.blacks((640, 480)) == (Rect(0, 0, 5, 5),)
    wishes.set_mask(None)
    assert start(state, configured).plan.picture.masks == ()


def test_freeze_time_is_the_presets_unless_the_watch_is_off(state: State) -> None:
    assert start(state, config(preset="ultrasound")).plan.picture.freeze_after_ms == 5000
    off = Config(modality=ModalityConfig(preset="ultrasound"), liveness=LivenessConfig(freeze_after_ms=0))
    assert start(state, off).plan.picture.freeze_after_ms == 0


def test_preset_whose_file_is_gone_withholds_the_picture_until_another_is_set(state: State, presets: Path) -> None:
    start(state, config(presets)).set_preset("sono")
    (presets / "sono.toml").unlink()
    again = start(state, config(presets))
    assert "no preset 'sono'" in again.plan.picture.withheld
    assert again.trouble == [again.plan.picture.withheld]
    assert again.preset_uncovers("endoscopy", now=HD)
    again.set_preset("endoscopy")
    assert (again.plan.picture.withheld, again.trouble) == ("", [])


def test_lost_file_withholds_the_picture_until_the_mask_is_said_anew(state: State) -> None:
    state.path.write_bytes(b"junk")
    wishes = start(state, Config())
    assert "is lost" in wishes.plan.picture.withheld
    assert wishes.mask_uncovers(None, now=HD)
    wishes.set_bitrate("main", 700_000)
    assert wishes.plan.picture.withheld
    wishes.set_mask(None)
    assert wishes.plan.picture.withheld == ""


@pytest.mark.parametrize("changed", [{"preset": 1}, {"mask": {"over": "x"}}, {"mask": {"mask": 5, "over": ""}}])
def test_kept_preset_or_mask_that_is_not_understood_is_set_aside(state: State, changed: dict[str, object]) -> None:
    empty = {"v": 3, "sinks": [], "removed": {}, "stopped": {}, "bitrates": {}, "preset": None, "mask": None}
    state.write_sealed(json.dumps({**empty, **changed}).encode())
    wishes = start(state, Config())
    assert "not understood" in wishes.trouble[0]
    assert wishes.plan.picture.withheld


def test_file_of_the_version_before_is_read(state: State) -> None:
    old = {"v": 2, "sinks": [], "removed": {}, "stopped": {"srt": "x"}, "bitrates": {}}
    state.write_sealed(json.dumps(old).encode())
    wishes = start(state, Config())
    assert (wishes.trouble, wishes.plan.picture.withheld) == ([], "")


_EMPTY_4 = {
    "v": 4,
    "sinks": [],
    "removed": {},
    "stopped": {},
    "bitrates": {},
    "preset": None,
    "mask": None,
    "log_level": None,
    "source": None,
    "link": None,
    "document": None,
}


@pytest.mark.parametrize(
    "changed",
    [
        {"log_level": {"level": "INFO"}},
        {"link": {"broker": ["h"], "reconnect_spread_s": None, "over": ""}},
        {"link": {"broker": None, "reconnect_spread_s": "x", "over": ""}},
        {"document": {"rev": 1, "digest": "d"}},
        {"document": {"rev": 1, "digest": "d", "overrides": {"v": 2}}},
    ],
)
def test_kept_document_or_its_like_that_is_not_understood_is_set_aside(
    state: State, changed: dict[str, object]
) -> None:
    state.write_sealed(json.dumps({**_EMPTY_4, **changed}).encode())
    wishes = start(state, Config())
    assert wishes.trouble
    assert wishes.plan.picture.withheld


def test_the_newest_form_is_written_only_where_an_older_one_cannot_say_it(state: State) -> None:
    versions = []
    wishes = start(state, Config())
    for change in (
        lambda: wishes.set_bitrate("main", 700_000),
        lambda: wishes.set_mask(None),
        lambda: wishes.set_log_level("DEBUG"),
        lambda: wishes.set_log_level("INFO"),
    ):
        change()
        versions.append(json.loads(state.on_disk())["v"])
    assert versions == [2, 3, 4, 3]


def test_uncovering_is_told_of_masks_and_of_presets(state: State, presets: Path) -> None:
    wishes = start(state, config(presets))
    assert not wishes.mask_uncovers(NAME, now=HD)
    assert not wishes.preset_uncovers("sono", now=HD)
    wishes.set_mask(NAME)
    assert wishes.mask_uncovers(None, now=HD)
    assert not wishes.mask_uncovers(NAME, now=HD)
    wishes.set_preset("sono")
    assert wishes.preset_uncovers("endoscopy", now=HD)
    assert not wishes.mask_uncovers(None, now=HD), "the preset's mask covers that place too"
