"""Boxes in reach: one connection for each broker at which known boxes are met."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from edge.controller.client import Controller
from edge.controller.home import Home, KnownBox
from edge.model.errors import EdgeError, NotFound
from edge.vault.signing import Signer

_FEW = 16


class Reach:
    """Which controller speaks to which box."""

    def __init__(self, controllers: Mapping[tuple[str, int], Controller], boxes: Sequence[KnownBox]) -> None:
        self._by_box = {box.id: controllers[_place(box)] for box in boxes if _place(box) in controllers}
        self.controllers = tuple(controllers.values())

    def of(self, box: str) -> Controller:
        """Raises NotFound `unknown_box`."""
        if box not in self._by_box:
            raise NotFound(f"{box}: its broker is not in reach", code="unknown_box")
        return self._by_box[box]


@contextlib.asynccontextmanager
async def reach(
    home: Home,
    boxes: Sequence[KnownBox],
    *,
    key: Signer,
    leaves: Sequence[str],
    follow: bool = False,
    all_boxes: bool = False,
    on_event: Callable[[str, Mapping[str, Any]], None] = lambda box, event: None,
) -> AsyncIterator[Reach]:
    """Connected to every broker that answers. Raises the last error when none does.

    With `follow` or `all_boxes` it hears every box of these brokers, else `boxes` alone where they are few.
    """
    places = {_place(box): box for box in boxes}
    controllers: dict[tuple[str, int], Controller] = {}
    failure: EdgeError | None = None
    async with contextlib.AsyncExitStack() as stack:
        for place, one in places.items():
            names = [box.id for box in boxes if _place(box) == place]
            controller = Controller(
                broker=home.broker(one),
                key=key,
                home=home,
                leaves=leaves,
                boxes=("+",) if follow or all_boxes or len(names) > _FEW else names,
                follow=follow,
                on_event=on_event,
            )
            try:
                controllers[place] = await stack.enter_async_context(controller)
            except EdgeError as error:
                failure = error
        if failure is not None and not controllers:
            raise failure
        yield Reach(controllers, boxes)


def _place(box: KnownBox) -> tuple[str, int]:
    return box.host, box.port
