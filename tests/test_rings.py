"""Every test file is in one ring, and in one only."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.rings import ALONE, BROKERS, EMULATED, ROOT, patient


def test_each_test_file_is_in_one_ring() -> None:
    brokers = {path.relative_to(ROOT) for path in ROOT.glob(BROKERS)}
    files = [path.relative_to(ROOT) for path in (ROOT / "tests").rglob("test_*.py")]
    assert len(files) > 300
    assert len(brokers) > 5
    rings = {
        str(file): [*_of(file, EMULATED), *_of(file, patient()), *(() if file in brokers else _of(file, ALONE))]
        for file in files
    }
    assert {file: ring for file, ring in rings.items() if len(ring) != 1} == {}


def test_rings_do_not_name_what_is_not_there() -> None:
    assert [ring for ring in (*EMULATED, *ALONE) if not any((ROOT / ring).glob("test_*.py"))] == []


def _of(file: Path, ring: Iterable[str]) -> list[str]:
    return [name for name in ring if file.is_relative_to(name)]
