"""The command `edge`: exit codes, messages on one line, and which root gets which configuration."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import edge
from edge.app.cli import main
from edge.config.model import Config
from edge.model.errors import Unavailable
from edge.model.inputs import Input


@pytest.mark.parametrize("name", ["run", "rtc", "control"])
def test_process_gets_the_effective_configuration(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[Config] = []

    def root(config: Config) -> int:
        seen.append(config)
        return 7

    monkeypatch.setattr(importlib.import_module(f"edge.app.{name}"), "main", root)
    own = tmp_path / "own.toml"
    own.write_text("[web]\nport = 4000\n")
    argv = [name, "--base", str(tmp_path / "none.toml"), "--config", str(own), "--set", "mqtt.port=4001"]
    assert main(argv) == 7
    assert (seen[0].web.port, seen[0].mqtt.port) == (4000, 4001)


@pytest.mark.parametrize(("options", "input"), [([], "main"), (["--input", "second"], "second")])
def test_media_process_gets_its_input(options: list[str], input: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Input] = []

    def root(config: Config, input: Input) -> int:
        seen.append(input)
        return 7

    monkeypatch.setattr(importlib.import_module("edge.app.media"), "main", root)
    assert main(["media", *options]) == 7
    assert seen == [input]


def test_media_process_of_an_input_that_there_is_not_ends_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["media", "--input", "second"]) == 1
    assert capsys.readouterr().err == "edge: there is no input 'second': second.enabled is false\n"


def test_every_problem_of_the_configuration_is_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--set", "web.port=0", "--set", "web.prt=1"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "edge: --set: web.port: must be 1 or more (got 0)",
        "edge: --set: web.prt: unknown key; did you mean port?",
    ]


@pytest.mark.parametrize(
    "argv",
    [[], ["nonsense"], ["run", "--colour"], ["media", "--input", "third"], ["config"], ["sim", "fault"], ["latency"]],
)
def test_wrong_usage_is_two(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2
    assert "usage: edge" in capsys.readouterr().err


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert capsys.readouterr().out == f"scopecast {edge.__version__}\n"


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (Unavailable("the disk is away"), 1, "edge: the disk is away\n"),
        (Unavailable(""), 1, "edge: unavailable\n"),
        (PermissionError(13, "Permission denied", "/x"), 1, "edge: [Errno 13] Permission denied: '/x'\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_error_is_one_line_and_no_traceback(
    error: BaseException, code: int, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def root(config: Config) -> int:
        raise error

    monkeypatch.setattr(importlib.import_module("edge.app.rtc"), "main", root)
    assert main(["rtc"]) == code
    assert capsys.readouterr().err == words


def test_config_check_says_that_all_is_good(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["config", "check", "--base", str(tmp_path / "none.toml")]) == 0
    assert capsys.readouterr().out == "The configuration is good.\n"


def test_config_show_can_be_loaded_again(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    base = str(tmp_path / "none.toml")
    assert main(["config", "show", "--base", base, "--set", "web.port=4000"]) == 0
    shown = tmp_path / "shown.toml"
    shown.write_text(capsys.readouterr().out)
    assert main(["config", "show", "--changed", "--base", base, "--config", str(shown)]) == 0
    assert capsys.readouterr().out == f"web.port = 4000  # {shown}\n"


def test_config_show_changed_of_defaults_says_so(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["config", "show", "--changed", "--base", str(tmp_path / "none.toml")]) == 0
    assert capsys.readouterr().out == "# nothing differs from the defaults\n"


def test_config_example_is_the_shipped_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "example"]) == 0
    assert capsys.readouterr().out == (Path(__file__).parents[3] / "docs/edge.toml").read_text()


def test_config_reference_lists_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "reference"]) == 0
    assert "| `port` | `8080` |" in capsys.readouterr().out
