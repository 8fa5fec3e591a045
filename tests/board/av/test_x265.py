from __future__ import annotations

from board.av.x265 import X265, x265_options
from edge.model.video import Refresh, Trait
from tests.board.av.wishes import wish


def parameters(options: dict[str, str]) -> dict[str, str]:
    return dict(pair.split("=") for pair in options["x265-params"].split(":"))


def test_nothing_in_it_may_hold_a_picture_back() -> None:
    options = x265_options(wish())
    assert options["tune"] == "zerolatency"
    asked = parameters(options)
    assert {asked[name] for name in ("bframes", "rc-lookahead", "open-gop", "scenecut")} == {"0"}
    assert asked["frame-threads"] == "1"
    assert X265.threads(wish(threads=4)) == 1


def test_it_is_cbr_at_the_wanted_rate_in_the_ceilings_buffer() -> None:
    options = x265_options(wish())
    assert X265.opening_bps(wish()) == int(options["maxrate"]) == 8_000_000
    assert options["bufsize"] == "1000000"


def test_a_turn_of_intra_refresh_leans_on_nothing_outside() -> None:
    turning, plain = (parameters(x265_options(wish(refresh=refresh))) for refresh in (Refresh.INTRA, Refresh.KEYFRAMES))
    assert (turning["intra-refresh"], turning["constrained-intra"]) == ("1", "1")
    assert not {"intra-refresh", "constrained-intra"} & plain.keys()


def test_slices_are_not_asked_for_since_they_cost_a_picture_of_delay() -> None:
    assert "slices" not in parameters(x265_options(wish(slices=4)))
    assert Trait.SLICES not in X265.traits


def test_threads_bound_the_pool_and_none_leaves_it_all_cores() -> None:
    assert parameters(x265_options(wish(threads=2)))["pools"] == "2"
    assert "pools" not in parameters(x265_options(wish()))
