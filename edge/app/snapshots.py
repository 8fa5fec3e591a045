"""Stills: the current one for the page, and named ones kept sealed on disk."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge.model.errors import NotFound, Unavailable
from edge.model.inputs import Input
from edge.ports import Still
from edge.runtime.clock import rfc3339
from edge.runtime.ipc import IpcClient
from edge.vault.seal import Sealer
from edge.vault.secret_file import replace_whole


def media_of(media: Mapping[Input, IpcClient], input: str) -> IpcClient:
    """The media process of that input. Raises NotFound `unknown_input`."""
    found = next((client for name, client in media.items() if name == input), None)
    if found is None:
        raise NotFound(f"input: no input {input!r}; there is {', '.join(media)}", code="unknown_input")
    return found


class LivePictures:
    """The Pictures port over the media processes."""

    def __init__(self, *, media: Mapping[Input, IpcClient]) -> None:
        self._media = media

    async def still(self, input: str = Input.MAIN) -> Still:
        reply = await media_of(self._media, input).request("still")
        body = reply.body
        return Still(reply.blob, body["utc_ns"], body["width"], body["height"], body["live"])


class Snapshots:
    """Each is one sealed file: a line of JSON about the picture, then the JPEG."""

    def __init__(self, *, pictures: LivePictures, folder: Path, sealer: Sealer) -> None:
        self._pictures = pictures
        self._folder = folder
        self._sealer = sealer

    async def take(self, name: str, input: str = Input.MAIN) -> Mapping[str, Any]:
        """Keep the current picture of `input` under `name`; a name already taken answers what is kept.

        Raises NotFound `unknown_input`; Unavailable: `no_live_picture`, `storage_failed`, what the sealer raises.
        """
        kept = await asyncio.to_thread(self._read, name)
        if kept is not None:
            return kept[0]
        still = await self._pictures.still(input)
        about = {
            "id": name,
            "input": input,
            "captured": rfc3339(still.utc_ns),
            "width": still.width,
            "height": still.height,
            "live": still.live,
            "bytes": len(still.jpeg),
            "sha256": hashlib.sha256(still.jpeg).hexdigest(),
        }
        await asyncio.to_thread(self._write, name, json.dumps(about).encode() + b"\n" + still.jpeg)
        return about

    def open(self, name: str) -> bytes:
        """The JPEG. Raises NotFound, Unavailable; Invalid when the file was tampered with. Blocking."""
        kept = self._read(name)
        if kept is None:
            raise NotFound(f"no snapshot {name!r}", code="unknown_snapshot")
        return kept[1]

    def _read(self, name: str) -> tuple[Mapping[str, Any], bytes] | None:
        path = self._path(name)
        try:
            sealed = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _storage_failed(f"cannot read {path}", error) from error
        head, _, jpeg = self._sealer.open(_purpose(name), sealed).partition(b"\n")
        return json.loads(head), jpeg

    def _write(self, name: str, content: bytes) -> None:
        path = self._path(name)
        sealed = self._sealer.seal(_purpose(name), content)
        try:
            replace_whole(path, sealed)
        except OSError as error:
            raise _storage_failed(f"snapshot not kept: cannot write {path}", error) from error

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.sealed"


def _purpose(name: str) -> str:
    return f"snapshot:{name}"


def _storage_failed(what: str, error: OSError) -> Unavailable:
    return Unavailable(f"{what}: {error.strerror or error}", code="storage_failed")
