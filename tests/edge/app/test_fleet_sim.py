import resource
from pathlib import Path

import pytest

from edge.app.cli import main
from edge.app.fleet_sim import FleetCount, box_names, make_room
from edge.link.identity import _ID
from edge.model.errors import Invalid


def test_names_are_box_ids_in_order() -> None:
    names = box_names("sim", 9, 3)
    assert names == ["sim-00009", "sim-00010", "sim-00011"]
    assert all(_ID.fullmatch(name) for name in names)


def test_a_fleet_too_large_for_the_machines_limit_says_what_fits() -> None:
    with pytest.raises(Invalid, match=r"1000 boxes need 5064 open files and 1064 are allowed.*: 200 boxes fit"):
        make_room(1000, limits=lambda: (1024, 1064))


def test_a_limit_that_suffices_is_left_alone() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert make_room(1, limits=lambda: (1024, 1024)) == 1024
    assert make_room(10, limits=lambda: (1024, resource.RLIM_INFINITY)) == 1024
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before


def test_the_count_reads_as_a_sentence() -> None:
    count = FleetCount(boxes=3, online=2, commands=7, waiting=1, troubles=(("broker_unreachable", 1),))
    assert str(count) == "2 of 3 online, 7 commands run, 1 letters wait; broker_unreachable 1"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--broker", "nowhere"], "'nowhere' is not HOST:PORT"),
        (["--broker", "h:99999"], "'h:99999' is not HOST:PORT"),
        (["--boxes", "0"], "numbers from 1 to 99999"),
        (["--prefix", "Sim"], "lower case"),
    ],
)
def test_the_command_line_says_what_is_wrong(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fleet-sim", "--home", str(tmp_path / "home"), "--state", str(tmp_path / "state"), *words]) == 1
    assert sentence in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
