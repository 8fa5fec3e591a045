"""What the network benchmark is told on its command line, and how long it measures."""

from __future__ import annotations

import pytest

from tests.bench.network import measured_s, options_of
from tests.netlab.profiles import PROFILES


def test_hurry_shortens_steady_lines_but_no_schedule() -> None:
    assert measured_s(PROFILES["lan"], quick=False) > measured_s(PROFILES["lan"], quick=True)
    for name in ("cut-20-4-20", "outage-10s", "path-change", "bad-4g"):
        assert measured_s(PROFILES[name], quick=True) == measured_s(PROFILES[name], quick=False)


def test_cut_is_watched_for_the_15_s_that_its_target_looks_back() -> None:
    assert measured_s(PROFILES["cut-20-4-20"], quick=True) >= PROFILES["cut-20-4-20"].changes_s[-1] + 15


def test_lines_and_transports_are_chosen_by_name() -> None:
    options = options_of(["--only", "lan", "--only", "4g", "--transport", "srt", "--no-rivals"])
    assert (options.only, options.transport, options.rivals) == (["lan", "4g"], ["srt"], False)


@pytest.mark.parametrize("words", [["--only", "ethernet"], ["--transport", "rtmp"]])
def test_unknown_name_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options_of(words)
    assert "invalid choice" in capsys.readouterr().err
