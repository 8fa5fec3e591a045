from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.quality import main
from tests.bench.quality_back_ends import BACK_ENDS


def test_a_quick_run_prints_every_table_with_a_row_for_each_encoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    main(["--quick"])
    said = capsys.readouterr().out
    assert [line.split(":")[0] for line in said.splitlines() if line.startswith("###")] == [
        "### field",
        "### sizes of access units",
        "### steps of the ladder",
        "### the surround",
    ]
    for name, _ in BACK_ENDS:
        assert f"\n| {name}, 2 | " in said
    assert "cores, load" in said.splitlines()[-1], "the last line says under which conditions"


def test_a_quick_run_fetches_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("tests.bench.quality._PARTS", ())
    main(["--quick"])
    assert list((tmp_path / "scopecast-bench").iterdir()) == []
