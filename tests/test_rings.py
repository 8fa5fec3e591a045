"""Every test file is in one ring, and in one only."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.rings import ALONE, EMULATED, PATIENT_PEERS, ROOT, patient


def test_each_test_file_is_in_one_ring() -> None:
    patient_peers = {path.relative_to(ROOT) for pattern in PATIENT_PEERS for path in ROOT.glob(pattern)}
    files = [path.relative_to(ROOT) for path in (ROOT / "tests").rglob("test_*.py")]
    assert len(files) > 300
    assert len(patient_peers) > 5
    rings = {
        str(file): [*_of(file, EMULATED), *_of(file, patient()), *(() if file in patient_peers else _of(file, ALONE))]
        for file in files
    }
    assert {file: ring for file, ring in rings.items() if len(ring) != 1} == {}


def test_rings_do_not_name_what_is_not_there() -> None:
    assert [ring for ring in (*EMULATED, *ALONE) if not any((ROOT / ring).glob("test_*.py"))] == []


def _of(file: Path, ring: Iterable[str]) -> list[str]:
    return [name for name in ring if file.is_relative_to(name)]
