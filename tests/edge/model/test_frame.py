import pytest

from edge.model.errors import Fault
from edge.model.frame import Lease, pts_of


def test_last_release_gives_the_buffer_back_once() -> None:
    back: list[int] = []
    lease = Lease((), give_back=lambda: back.append(1))
    lease.retain()
    lease.release()
    assert back == []
    lease.release()
    assert back == [1]


def test_use_after_the_last_release_is_a_fault() -> None:
    lease = Lease(())
    lease.release()
    for misuse in (lease.release, lease.retain, lambda: lease.planes):
        with pytest.raises(Fault, match="release"):
            misuse()


def test_pts_counts_at_90_khz() -> None:
    assert pts_of(1_000_000_000) == 90_000
    assert pts_of(11_111_111) == 999
