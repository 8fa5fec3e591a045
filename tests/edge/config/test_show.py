"""What `edge config show` prints, and what can be loaded again."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config import toml_text
from edge.config.load import load, load_layers
from edge.config.model import Config
from edge.config.show import dump, show, show_changed

SETS = [
    "web.port=9090",
    "encoder.gop_s=1",
    "srt.0.latency_ms=300",
    "source.sim.script=a b.txt",
    "webrtc.ice_servers=['stun:a:1', 'turn:b:2']",
]


def load_text(text: str, tmp_path: Path) -> Config:
    path = tmp_path / "dumped.toml"
    path.write_text(text)
    return load(base=tmp_path / "none.toml", files=[path])


@pytest.mark.parametrize("sets", [[], SETS, ["srt=[]"]])
def test_what_is_dumped_loads_as_the_same(tmp_path: Path, sets: list[str]) -> None:
    config = load(base=tmp_path / "none.toml", sets=sets)
    assert load_text(dump(config), tmp_path) == config
    assert load_text(show(config), tmp_path) == config


def test_show_stars_out_passwords_and_dump_keeps_them(tmp_path: Path) -> None:
    config = load(base=tmp_path / "none.toml", sets=["source.url.url=rtsp://me:hunter2@host/a?token=abc&x=1"])
    assert "rtsp://me:***@host/a?token=***&x=1" in show(config)
    assert "hunter2" in dump(config)


def test_show_names_options_that_are_not_set() -> None:
    assert "# passphrase_file is not set" in show(Config())


def test_changed_is_empty_for_defaults(tmp_path: Path) -> None:
    assert show_changed(load_layers(base=tmp_path / "none.toml")) == ""


def test_changed_names_value_and_layer(tmp_path: Path) -> None:
    base = tmp_path / "edge.toml"
    base.write_text("[web]\nport = 9090\n[mqtt]\nport = 1883\n")
    loaded = load_layers(base=base, sets=["encoder.gop_s=1", "srt.0.latency_ms=300"])
    text, url = show_changed(loaded), Config().srt[0].url
    rest = 'rung = "main", role = "observer", peers = []'
    assert text.splitlines() == [
        "encoder.gop_s = 1.0  # --set",
        f'srt = [{{name = "srt", url = "{url}", latency_ms = 300, stream_id = "", {rest}}}]  # --set',
        f"web.port = 9090  # {base}",
    ]
    assert load_text(text, tmp_path) == loaded.config


def test_layer_that_sets_the_default_again_is_not_a_change(tmp_path: Path) -> None:
    assert show_changed(load_layers(base=tmp_path / "none.toml", sets=["web.port=8080"])) == ""


PLAIN = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), PLAIN, max_size=4))
def test_any_plain_values_survive_as_inline_toml(values: dict[str, object]) -> None:
    assert tomllib.loads(f"value = {toml_text.value(values)}")["value"] == values
