import uuid
from pathlib import Path

import pytest

from edge.link.identity import boot_id, box_id
from edge.link.ids import uuid7
from edge.model.errors import Fault


def test_the_box_id_is_made_once_and_opaque(tmp_path: Path) -> None:
    name = box_id(tmp_path / "state")
    assert name.startswith("box-")
    assert len(name) == 14
    assert box_id(tmp_path / "state") == name
    assert box_id(tmp_path / "other") != name


@pytest.mark.parametrize("text", ["", "short", "UPPER-CASE", "x" * 41, "a/b/c/d", "patient müller"])
def test_a_damaged_box_id_is_named_not_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / "box-id").write_text(text)
    with pytest.raises(Fault, match="box-id must hold 6 to 40") as caught:
        box_id(tmp_path)
    assert caught.value.code == "box_id_broken"


def test_the_boot_id_is_a_uuid_and_stays() -> None:
    assert boot_id() == boot_id()
    uuid.UUID(boot_id())


def test_uuid7_sorts_by_time_and_is_version_7() -> None:
    ids = [uuid7(1_700_000_000_000 + n) for n in range(50)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 50
    assert {uuid.UUID(one).version for one in ids} == {7}
    assert {uuid.UUID(one).variant for one in ids} == {uuid.RFC_4122}
    assert uuid.UUID(ids[0]).int >> 80 == 1_700_000_000_000
