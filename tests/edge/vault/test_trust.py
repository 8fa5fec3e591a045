from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from edge.model.errors import EdgeError
from edge.vault.trust import trusting
from tests.certificates import make_authority


def test_tls_of_old_is_not_spoken() -> None:
    assert trusting(None).minimum_version >= ssl.TLSVersion.TLSv1_2


def test_a_named_authority_stands_beside_those_of_the_system(tmp_path: Path) -> None:
    own, system = (trusting(path).get_ca_certs() for path in (make_authority(tmp_path).ca, None))
    assert len(own) == len(system) + 1


@pytest.mark.parametrize(("content", "words"), [(None, "cannot be read"), (b"not PEM", "holds no certificate")])
def test_a_bad_file_of_authorities_is_named(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EdgeError, match=words) as caught:
        trusting(path)
    assert (caught.value.code, str(path) in str(caught.value)) == ("ca_file", True)
