from __future__ import annotations

import pytest

from edge.model.errors import Fault
from edge.model.feedback import Demotion, KeyframeRequest, LinkReport, Role
from edge.runtime import unit_wire
from tests.fakes import FakeClock, make_unit


def _body(framed: bytes) -> bytes:
    (size,) = unit_wire.LENGTH.unpack_from(framed)
    assert len(framed) == unit_wire.LENGTH.size + size
    return framed[unit_wire.LENGTH.size :]


def test_unit_arrives_as_it_left() -> None:
    unit = make_unit(FakeClock(), seq=5, key=True, live=False, discontinuity=True)
    reader = unit_wire.UnitReader()
    assert reader.feed(_body(unit_wire.pack_format(unit.format))) is None
    assert reader.feed(_body(unit_wire.pack_unit(unit))) == unit


def test_unit_without_or_with_another_epochs_format_is_a_fault() -> None:
    unit = make_unit(FakeClock())
    with pytest.raises(Fault, match="unknown kind"):
        unit_wire.UnitReader().feed(_body(unit_wire.pack_unit(unit)))
    with pytest.raises(Fault, match="unknown kind"):
        unit_wire.UnitReader().feed(b"?")


_LINK = LinkReport("viewer-1", Role.GUIDE, 4_000_000, 3_900_000, rtt_ms=41.5, queue_ms=3.0, limit_bps=5_000_000)


def test_demotion_arrives_as_it_left() -> None:
    demotion = Demotion("viewer-1", demoted=True)
    assert unit_wire.UnitReader().feed(_body(unit_wire.pack_demotion(demotion))) == demotion


@pytest.mark.parametrize("feedback", [KeyframeRequest("viewer-1", "pli"), _LINK, LinkReport("b", Role.OBSERVER, 0, 0)])
def test_feedback_arrives_as_it_left(feedback: KeyframeRequest | LinkReport) -> None:
    assert unit_wire.unpack_feedback(_body(unit_wire.pack_feedback(feedback))) == feedback


@pytest.mark.parametrize("message", [b"", b"K", b"Kxx", b"K{}", b'L{"sink":"a","role":"x"}', b"Z{}"])
def test_garbage_feedback_is_a_fault(message: bytes) -> None:
    with pytest.raises(Fault, match="feedback message"):
        unit_wire.unpack_feedback(message)
