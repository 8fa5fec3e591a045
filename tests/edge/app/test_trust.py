from __future__ import annotations

from pathlib import Path

import pytest

from edge.app.trust import trust_of
from tests.certificates import make_authority


def test_a_good_file_is_no_trouble(tmp_path: Path) -> None:
    context, trouble = trust_of(make_authority(tmp_path).ca)
    assert (len(context.get_ca_certs()) > 0, trouble) == (True, ())


def test_a_bad_file_trusts_nobody_more_and_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    context, [sentence] = trust_of(tmp_path / "absent.pem")
    assert sentence.startswith(f"webrtc.ca_file: {tmp_path}/absent.pem cannot be read")
    assert sentence in caplog.text
    assert context.get_ca_certs() == trust_of(None)[0].get_ca_certs()
