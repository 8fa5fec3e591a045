"""Every test file is in one ring, and in one only."""

from __future__ import annotations

from tests.rings import ALONE, EMULATED, ROOT, timeless


def test_each_test_file_is_in_one_ring() -> None:
    rings = (*EMULATED, *ALONE, *timeless())
    files = [path.relative_to(ROOT) for path in (ROOT / "tests").rglob("test_*.py")]
    assert len(files) > 300
    lost = {str(file): found for file in files if len(found := [r for r in rings if file.is_relative_to(r)]) != 1}
    assert lost == {}


def test_rings_do_not_name_what_is_not_there() -> None:
    assert [ring for ring in (*EMULATED, *ALONE) if not any((ROOT / ring).glob("test_*.py"))] == []
