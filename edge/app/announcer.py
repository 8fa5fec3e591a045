"""Tells the person at the terminal where everything is, and when the picture is there."""

from __future__ import annotations

import asyncio
import http.client
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from edge.config.model import Config
from edge.config.output import SrtSinkConfig
from edge.model.inputs import RungName
from edge.runtime.component import Context
from edge.sinks.srt_group_url import is_group

_LOOK_S = 0.2
_PATIENCE_S = 20.0


class Announcer:
    """Component: prints the addresses at once, then one line when pictures flow or why they do not."""

    name = "announcer"
    critical = False
    stall_s = None

    def __init__(
        self,
        *,
        config: Config,
        controller_home: Path | None,
        began_s: float,
        say: Callable[[str], object] = sys.stdout.write,
    ) -> None:
        self._config = config
        self._home = controller_home
        self._began_s = began_s
        self._say = say
        self._url = f"http://{_reachable(config.web.host)}:{config.web.port}"

    async def run(self, ctx: Context) -> None:
        ctx.ready()
        self._print("\n".join(("Scopecast is starting.", *self._addresses(), "Ctrl-C stops it.")))
        await ctx.until_stopped(self._report_first_picture())
        await ctx.stopped()

    def _addresses(self) -> list[str]:
        lines = [f"  page      {self._url}/"]
        lines += [f"  WHEP      {self._url}/whep/{rung}" for rung in self._config.inputs]
        lines += [_srt_line(sink) for sink in self._config.srt if _listens(sink.url)]
        if self._home is not None:
            lines.append(f"  MQTT      127.0.0.1:{self._config.mqtt.port} (a broker of its own)")
            lines.append(f"  control   edgectl --home {self._home} watch")
        return lines

    async def _report_first_picture(self) -> None:
        ready, why = False, "the box does not answer yet"
        while not ready and time.monotonic() - self._began_s < _PATIENCE_S:
            await asyncio.sleep(_LOOK_S)
            ready, why = await asyncio.to_thread(_look, f"{self._url}/readyz")
        after_s = time.monotonic() - self._began_s
        self._print(f"{why} after {after_s:.1f} s" if ready else f"No picture after {after_s:.0f} s: {why}")

    def _print(self, text: str) -> None:
        self._say(text + "\n")
        sys.stdout.flush()


def _srt_line(sink: SrtSinkConfig) -> str:
    return f"  SRT       {sink.url.split('?')[0]}" + ("" if sink.rung is RungName.MAIN else f" ({sink.rung})")


def _reachable(host: str) -> str:
    """An address to type for what is listened on."""
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 - it is compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _look(url: str) -> tuple[bool, str]:
    try:
        try:
            with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - our own page
                code = str(json.load(response)["code"])
                return True, "The picture is live" if code == "live" else f"Ready, the input is {code}"
        except urllib.error.HTTPError as error:
            return False, str(json.load(error)["detail"])
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException):
        return False, f"{url} does not answer as a box does"


def _listens(url: str) -> bool:
    return "mode=caller" not in url and not is_group(url)
