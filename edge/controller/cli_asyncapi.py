"""`edgectl asyncapi`: the contract for programs."""

from __future__ import annotations

import argparse
import json
from typing import Any

from edge.controller.home import Home


def add_verbs(verbs: Any) -> None:
    text = "the contract between boxes and controllers as an AsyncAPI 3 document"
    verbs.add_parser("asyncapi", help=text, description=text.capitalize()).set_defaults(verb=_asyncapi)


async def _asyncapi(options: argparse.Namespace, home: Home) -> int:
    from edge.controller.wire.asyncapi import document  # here, since models take time to load and one verb needs them

    print(json.dumps(document(), indent=1))
    return 0
