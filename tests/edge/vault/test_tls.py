from pathlib import Path

import pytest

from edge.model.errors import Invalid
from edge.vault.authority import Authority, Purpose
from edge.vault.certificates import new_key, request_for
from edge.vault.tls import client_context, context_of_files

BOX = "box-abcdef"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    authority, key = Authority(tmp_path / "authority"), new_key()
    texts = {
        "ca_file": authority.ca,
        "certificate_file": authority.issue(request_for(key, BOX), name=BOX, purpose=Purpose.CLIENT),
        "key_file": key,
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return {name: tmp_path / name for name in texts}


def test_files_and_texts_make_the_same_context(files: dict[str, Path]) -> None:
    of_files = context_of_files(**files)
    texts = {name.removesuffix("_file"): path.read_text() for name, path in files.items()}
    of_texts = client_context(**texts)
    assert of_files.get_ca_certs() == of_texts.get_ca_certs()
    assert of_files.minimum_version is of_texts.minimum_version


@pytest.mark.parametrize("name", ["ca_file", "certificate_file", "key_file"])
def test_a_missing_or_broken_file_is_named(files: dict[str, Path], name: str) -> None:
    files[name].write_text("no PEM")
    with pytest.raises(Invalid, match=f"mqtt.{name}"):
        context_of_files(**files)
    files[name].unlink()
    with pytest.raises(Invalid, match=f"mqtt.{name}: cannot read"):
        context_of_files(**files)


def test_a_key_of_another_certificate_is_told_apart(files: dict[str, Path]) -> None:
    files["key_file"].write_text(new_key())
    with pytest.raises(Invalid, match="the key is not the certificate's") as caught:
        context_of_files(**files)
    assert caught.value.code == "bad_key"


def test_an_encrypted_key_is_refused_without_asking_at_a_terminal(files: dict[str, Path]) -> None:
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(files["key_file"].read_bytes(), password=None)
    locked = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    files["key_file"].write_bytes(locked)
    with pytest.raises(Invalid):
        context_of_files(**files)
