"""Events as boxes number them, for the controller's side."""

from __future__ import annotations

import json

from edge.controller.events import Arrival

BOX = "box-aabbcc"


def event(eseq: int, *, epoch: str = "e", box: str = BOX, kind: str = "life", ts: int = 5) -> Arrival:
    body = {"v": 1, "epoch": epoch, "eseq": eseq, "kind": kind, "ts": ts, "code": f"c{eseq}"}
    return Arrival(box, epoch, eseq, json.dumps(body).encode())
