from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.model.errors import Fault, Invalid
from edge.vault.seal import Sealer


@pytest.fixture(scope="module")
def sealer(tmp_path_factory: pytest.TempPathFactory) -> Sealer:
    return Sealer(tmp_path_factory.mktemp("vault") / "box.key")


@given(st.binary(max_size=2000))
def test_what_was_sealed_opens_to_the_same(sealer: Sealer, data: bytes) -> None:
    assert sealer.open("snapshot", sealer.seal("snapshot", data)) == data


def test_two_seals_of_one_thing_differ(sealer: Sealer) -> None:
    assert sealer.seal("p", b"x") != sealer.seal("p", b"x")


@given(st.data())
def test_any_flipped_bit_is_noticed(sealer: Sealer, data: st.DataObject) -> None:
    sealed = bytearray(sealer.seal("p", b"a picture"))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Invalid) as caught:
        sealer.open("p", bytes(sealed))
    assert caught.value.code == "seal_broken"


@pytest.mark.parametrize("data", [b"", b"SC1", b"SC1" + bytes(12), bytes(100)])
def test_what_is_not_sealed_is_refused(sealer: Sealer, data: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        sealer.open("p", data)
    assert caught.value.code == "seal_broken"


def test_a_seal_of_another_purpose_does_not_open(sealer: Sealer) -> None:
    with pytest.raises(Invalid, match="damaged or not ours"):
        sealer.open("recording", sealer.seal("snapshot", b"x"))


def test_another_boxs_key_does_not_open(sealer: Sealer, tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        Sealer(tmp_path / "other.key").open("p", sealer.seal("p", b"x"))


def test_the_key_is_made_at_first_use_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "box.key"
    sealer = Sealer(path)
    assert not path.exists()
    sealed = sealer.seal("p", b"x")
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(path.read_bytes()) == 32
    assert Sealer(path).open("p", sealed) == b"x"
    assert path.read_bytes().hex() not in repr(sealer)


def test_a_key_of_wrong_length_is_named(tmp_path: Path) -> None:
    path = tmp_path / "box.key"
    path.write_bytes(b"short")
    path.chmod(0o600)
    with pytest.raises(Fault, match="must hold 32 bytes, not 5"):
        Sealer(path).seal("p", b"x")
