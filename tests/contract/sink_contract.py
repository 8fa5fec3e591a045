"""What every ports.Sink must do. Subclass it, give it a `rig`, and pytest runs it on your sink."""

from __future__ import annotations

import functools
import json
from typing import Protocol

import pytest

from edge.model.errors import Unavailable
from edge.model.frame import AccessUnit
from edge.ports import Sink
from tests.media_units import continued, make_units
from tests.srt_peers import wait_until


class SinkRig(Protocol):
    """A sink with its peer: `secret` must never show, `reopens` says whether it can be opened anew."""

    sink: Sink
    secret: str
    reopens: bool

    def received(self) -> bytes:
        """The coded bytes that the peer has got so far, out of their container."""
        ...

    def peer_leaves(self) -> None: ...

    def peer_returns(self) -> None: ...


@functools.cache
def _some_units() -> list[AccessUnit]:
    return make_units(20, 60, gop=10)


class SinkContract:
    """The subclass has the fixture `rig`."""

    @pytest.fixture
    def some_units(self) -> list[AccessUnit]:
        return _some_units()

    def test_has_a_name(self, rig: SinkRig) -> None:
        assert rig.sink.name

    def test_every_unit_written_arrives(self, rig: SinkRig, some_units: list[AccessUnit]) -> None:
        rig.sink.open(some_units[0].format)
        for unit in some_units:
            rig.sink.write(unit)
        wait_until(lambda: arrived(rig, some_units[-1]), "the last unit at the peer")
        rig.sink.close()

    def test_close_before_open_is_harmless(self, rig: SinkRig) -> None:
        rig.sink.close()

    def test_close_twice_is_harmless(self, rig: SinkRig, some_units: list[AccessUnit]) -> None:
        rig.sink.open(some_units[0].format)
        rig.sink.write(some_units[0])
        rig.sink.close()
        rig.sink.close()

    def test_write_after_close_is_unavailable(self, rig: SinkRig, some_units: list[AccessUnit]) -> None:
        rig.sink.open(some_units[0].format)
        rig.sink.close()
        with pytest.raises(Unavailable):
            rig.sink.write(some_units[0])

    def test_write_after_the_peer_left_is_unavailable(self, rig: SinkRig, some_units: list[AccessUnit]) -> None:
        rig.sink.open(some_units[0].format)
        rig.sink.write(some_units[0])
        rig.peer_leaves()
        with pytest.raises(Unavailable):
            write_until_it_fails(rig.sink, some_units)

    def test_opens_again_after_the_peer_came_back_or_ends_for_good(
        self, rig: SinkRig, some_units: list[AccessUnit]
    ) -> None:
        rig.sink.open(some_units[0].format)
        rig.peer_leaves()
        with pytest.raises(Unavailable) as left:
            write_until_it_fails(rig.sink, some_units)
        rig.sink.close()
        if not rig.reopens:
            assert getattr(left.value, "final", False)
            return
        rig.peer_returns()
        rig.sink.open(some_units[0].format)
        for unit in some_units:
            rig.sink.write(unit)
        wait_until(lambda: arrived(rig, some_units[-1]), "the last unit at the peer that came back")

    def test_new_epoch_goes_on(self, rig: SinkRig, some_units: list[AccessUnit]) -> None:
        after = make_units(10, 60, width=640, height=480, epoch=2, first_seq=20, first_pts=some_units[-1].pts + 1500)
        for part in (some_units, after):
            rig.sink.open(part[0].format)
            for unit in part:
                rig.sink.write(unit)
        wait_until(lambda: arrived(rig, after[-1]), "the last unit of the second epoch")
        assert arrived(rig, some_units[-1])

    def test_detail_is_plain_json_without_secrets_at_any_time(self, rig: SinkRig, some_units: list[AccessUnit]) -> None:
        details = [rig.sink.detail()]
        rig.sink.open(some_units[0].format)
        rig.sink.write(some_units[0])
        details.append(rig.sink.detail())
        rig.sink.close()
        details.append(rig.sink.detail())
        for detail in details:
            assert rig.secret not in json.dumps(detail)
        assert rig.secret not in repr(rig.sink)


def arrived(rig: SinkRig, unit: AccessUnit) -> bool:
    return unit.data in rig.received()


def write_until_it_fails(sink: Sink, units: list[AccessUnit]) -> None:
    """At 60 units a second for 20 s at most."""
    pace = iter(continued(units, 60))

    def wrote() -> bool:
        unit = next(pace, None)
        assert unit is not None, "the sink goes on without its peer"
        sink.write(unit)
        return False

    wait_until(wrote, "the sink to fail without its peer")
