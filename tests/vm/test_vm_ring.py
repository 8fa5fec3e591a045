"""Each test of tests/vm/guest, run against real kernel drivers in one virtual machine: one boot for all of them.

How to add one, and how to run a single one or work by hand: tests/vm/lab.py.
"""

from __future__ import annotations

import pytest

from tests.vm import machine

LIMIT_S = 1200
NOT_COLLECTED = "not collected"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "guest_id" not in metafunc.fixturenames:
        return
    try:
        ids = machine.guest_ids()
    except RuntimeError as error:
        metafunc.parametrize("guest_id", [pytest.param(str(error), id=NOT_COLLECTED)])
    else:
        metafunc.parametrize("guest_id", ids, ids=[one.removeprefix("tests/vm/guest/") for one in ids])


@pytest.fixture(scope="session")
def machine_run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> machine.Run:
    """The one run of the machine, with the tests that were selected on the host."""
    wanted = [
        str(item.callspec.params["guest_id"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and hasattr(item, "callspec") and "guest_id" in item.callspec.params
    ]
    folder = tmp_path_factory.mktemp("machine")
    try:
        return machine.run(wanted, folder, limit_s=LIMIT_S)
    except machine.Unfit as error:
        return machine.Run({}, str(error), "the machine was not started", wanted[0])


@pytest.mark.timeout(LIMIT_S + 60)
def test_in_the_machine(guest_id: str, request: pytest.FixtureRequest) -> None:
    if NOT_COLLECTED in request.node.name:
        pytest.fail(guest_id, pytrace=False)
    run: machine.Run = request.getfixturevalue("machine_run")
    if said := machine.fault(run, guest_id):
        pytest.fail(said, pytrace=False)
