from __future__ import annotations

import aiortc
import pytest

from edge.model.errors import Fault
from edge.rtc.adapter import check_aiortc


def test_the_installed_aiortc_is_accepted() -> None:
    check_aiortc()


@pytest.mark.parametrize("version", ["1.15.0", "1.17.0", "2.16.0"])
def test_another_aiortc_than_the_one_read_is_refused(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(aiortc, "__version__", version)
    with pytest.raises(Fault, match=f"aiortc {version} is installed, .* read against 1.16.0"):
        check_aiortc()
