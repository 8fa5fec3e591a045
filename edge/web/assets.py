"""GET /, GET /embed and the files of the touchscreen page, read once when the application is made."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files

from fastapi import APIRouter, Request, Response

from edge.model.errors import NotFound
from edge.web.embedding import EMBED

_INDEX, _EMBED = "index.html", "embed.html"
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    media_type: str
    etag: str
    content: bytes = field(repr=False)


def load_assets() -> Mapping[str, Asset]:
    """The page's files by name."""
    page = files("edge.web.page")
    found = {}
    for entry in page.iterdir():
        media_type = next((kind for suffix, kind in _TYPES.items() if entry.name.endswith(suffix)), None)
        if media_type is not None:
            content = entry.read_bytes()
            found[entry.name] = Asset(media_type, f'"{hashlib.sha256(content).hexdigest()[:16]}"', content)
    return found


def asset_routes(*, assets: Mapping[str, Asset]) -> APIRouter:
    router = APIRouter()

    @router.api_route("/", methods=["GET", "HEAD"])
    async def index(request: Request) -> Response:
        return _answer(request, assets[_INDEX])

    @router.api_route(EMBED, methods=["GET", "HEAD"])
    async def embed(request: Request) -> Response:
        return _answer(request, assets[_EMBED])

    @router.api_route("/page/{name}", methods=["GET", "HEAD"])
    async def asset(name: str, request: Request) -> Response:
        if name not in assets:
            raise NotFound(f"no file {name[:80]!r} of the page")
        return _answer(request, assets[name])

    return router


def _answer(request: Request, asset: Asset) -> Response:
    headers = {"ETag": asset.etag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == asset.etag:
        return Response(status_code=304, headers=headers)
    return Response(asset.content, media_type=asset.media_type, headers=headers)
