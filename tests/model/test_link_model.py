"""Box and controller over a network that does its worst, told by Hypothesis; whatever happens, the promises hold.

Always the same examples here; to look for others, and longer: `MODEL_EXAMPLES=2000 pytest tests/model`.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.model.worlds import BoxAndController, BoxAndWitness

_WISHED = os.environ.get("MODEL_EXAMPLES")
_SETTINGS = settings(
    max_examples=int(_WISHED or 12),
    stateful_step_count=80 if _WISHED else 40,
    derandomize=not _WISHED,
    deadline=None,
    database=None,
    print_blob=False,
    report_multiple_bugs=False,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


TestBoxAndWitness = BoxAndWitness.TestCase
TestBoxAndController = BoxAndController.TestCase
TestBoxAndWitness.settings = TestBoxAndController.settings = _SETTINGS
TestBoxAndWitness.pytestmark = TestBoxAndController.pytestmark = [pytest.mark.timeout(3600 if _WISHED else 120)]
