"""Box and controller over a network that does its worst, told by Hypothesis; whatever happens, the promises hold.

Always the same examples here; to look for others, and longer: `MODEL_EXAMPLES=2000 pytest tests/model`.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.model.controller import ModelController
from tests.model.machine import Machine
from tests.model.witness import Witness
from tests.mqtt_orders import KEY

_WISHED = os.environ.get("MODEL_EXAMPLES")
_SETTINGS = settings(
    max_examples=int(_WISHED or 50),
    stateful_step_count=80 if _WISHED else 40,
    derandomize=not _WISHED,
    deadline=None,
    database=None,
    print_blob=False,
    report_multiple_bugs=False,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


class BoxAndWitness(Machine):
    """The box alone is judged: the other end is plain, and written from the contract."""

    def make_controller(self) -> Witness:
        return Witness(self.loop, self.broker)


TestBoxAndWitness = BoxAndWitness.TestCase
TestBoxAndWitness.settings = _SETTINGS
TestBoxAndWitness.pytestmark = [pytest.mark.timeout(3600 if _WISHED else 120)]


class BoxAndController(Machine):
    """Both ends are real: what the controller's ledger holds must agree with the box's disk."""

    def make_controller(self) -> ModelController:
        controller = ModelController(self.loop, self.broker, self.folder / "controller", KEY)
        self.patches.enter_context(controller.in_the_model())
        return controller


TestBoxAndController = BoxAndController.TestCase
TestBoxAndController.settings = _SETTINGS
TestBoxAndController.pytestmark = TestBoxAndWitness.pytestmark
