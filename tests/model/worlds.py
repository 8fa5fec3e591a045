"""The machine with one controller or the other."""

from __future__ import annotations

from tests.model.controller import ModelController
from tests.model.machine import Machine
from tests.model.witness import Witness
from tests.mqtt_orders import KEY


class BoxAndWitness(Machine):
    """The box alone is judged: the other end is plain, and written from the contract."""

    def make_controller(self) -> Witness:
        return Witness(self.loop, self.broker)


class BoxAndController(Machine):
    """Both ends are real: what the controller's ledger holds must agree with the box's disk."""

    def make_controller(self) -> ModelController:
        controller = ModelController(self.loop, self.broker, self.folder / "controller", KEY)
        self.patches.enter_context(controller.in_the_model())
        return controller
