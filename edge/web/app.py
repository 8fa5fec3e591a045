"""The box's web application: every route of docs/contracts/http.md and the touchscreen page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi import FastAPI

from edge.model.ice import IceServer
from edge.ports import Admission, Clock, Pairing, Pictures, Whep
from edge.runtime.command_bus import CommandBus
from edge.runtime.status_board import StatusBoard
from edge.web.assets import asset_routes, load_assets
from edge.web.commands import command_routes
from edge.web.events import events_routes
from edge.web.guard import Guard
from edge.web.health import health_routes
from edge.web.metrics import metrics_routes
from edge.web.pairing import pairing_routes
from edge.web.problems import answer_errors_with_problems
from edge.web.snapshot import snapshot_routes
from edge.web.status import status_routes
from edge.web.streams import OpenStreams
from edge.web.viewers import ViewerReports, viewer_routes
from edge.web.whep import whep_routes


def create_app(
    *,
    board: StatusBoard,
    bus: CommandBus,
    whep: Whep,
    pictures: Pictures,
    pairing: Pairing,
    admission: Admission,
    clock: Clock,
    host: str = "127.0.0.1",
    public_host: str = "",
    ice_servers: Callable[[], Sequence[IceServer]] = tuple,
    embed_origins: Sequence[str] = (),
    max_streams: int = 16,
) -> FastAPI:
    """`host` is the configured address: a name under which browsers may ask, beside loopback's; so is `public_host`,
    empty for none. `embed_origins` are the sites whose pages may embed the picture.

    `app.state.streams` is the application's OpenStreams, for the server to end at shutdown.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.streams = streams = OpenStreams(limit=max_streams)
    hosts = (host, public_host) if public_host else (host,)
    app.add_middleware(Guard, hosts=hosts, embed_origins=embed_origins)
    answer_errors_with_problems(app)
    for router in (
        asset_routes(assets=load_assets()),
        status_routes(board=board, clock=clock),
        events_routes(board=board, clock=clock, streams=streams),
        command_routes(bus=bus),
        whep_routes(whep=whep, admission=admission, ice_servers=ice_servers),
        snapshot_routes(pictures=pictures),
        viewer_routes(reports=ViewerReports(board=board, clock=clock)),
        pairing_routes(pairing=pairing),
        metrics_routes(board=board),
        health_routes(board=board),
    ):
        app.include_router(router)
    return app
