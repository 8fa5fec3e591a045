from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.model.errors import Fault, Invalid, Unavailable
from edge.vault.signing import PublicKey, SigningKey, pae


def test_pae_is_the_published_example_of_dsse() -> None:
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_pae_counts_bytes_not_letters() -> None:
    assert pae("ü", b"") == "DSSEv1 2 ü 0 ".encode()


def test_a_key_file_is_made_once_and_only_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "key.pem"
    first = SigningKey.load_or_create(path)
    assert SigningKey.load_or_create(path).public == first.public
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["key.pem"]


def test_a_signature_holds_for_its_bytes_and_type_alone(tmp_path: Path) -> None:
    key = SigningKey.load_or_create(tmp_path / "key.pem")
    signature = key.sign("eb/1/cmd", b"payload")
    assert key.public.verify("eb/1/cmd", b"payload", signature)
    assert not key.public.verify("eb/1/cmd", b"payloae", signature)
    assert not key.public.verify("eb/1/desired", b"payload", signature)
    assert not key.public.verify("eb/1/cmd", b"payload", signature[:-1])
    assert not key.public.verify("eb/1/cmd", b"payload", b"")


def test_the_signature_is_plain_ed25519_over_the_pae(tmp_path: Path) -> None:
    key = SigningKey.load_or_create(tmp_path / "key.pem")
    Ed25519PublicKey.from_public_bytes(key.public.raw).verify(key.sign("t", b"p"), b"DSSEv1 1 t 1 p")


def test_repr_shows_no_secret(tmp_path: Path) -> None:
    key = SigningKey.load_or_create(tmp_path / "key.pem")
    assert repr(key) == f"SigningKey({key.kid})"


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    SigningKey.load_or_create(path)
    path.chmod(0o644)
    with pytest.raises(Fault, match=r"can be read by others: chmod 600") as caught:
        SigningKey.load_or_create(path)
    assert caught.value.code == "key_exposed"


def test_a_damaged_key_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text("-----BEGIN NONSENSE-----")
    path.chmod(0o600)
    with pytest.raises(Fault, match=r"key\.pem holds no readable private key"):
        SigningKey.load_or_create(path)


def test_a_directory_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot use"):
        SigningKey.load_or_create(tmp_path / "file" / "key.pem")


@pytest.mark.parametrize("text", ["", "AAAA", "not base64!", "é" * 44, "A" * 44 + "="])
def test_a_bad_public_key_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        PublicKey.from_base64(text)
    assert caught.value.code == "bad_key"
