"""Known colours from raw layouts through mixer, rung, x264 and WHEP into Chromium's canvas."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction

import numpy as np
import pytest
from playwright.async_api import Browser, Page

from edge.model.feedback import KeyframeRequest
from edge.model.video import Colorimetry, Pixel, Range, VideoFormat
from edge.rtc.sessions import WhepSessions
from edge.runtime.clock import SystemClock
from edge.runtime.component import Context
from tests.browser.test_whep_chromium import Front, shown
from tests.colour_chain import ColourChain
from tests.raw_bars import PATCHES, bars_frame, patch_centres, patch_codes, rgb_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]
_READ = """
(boxes) => {
  const canvas = document.createElement("canvas");
  canvas.width = picture.videoWidth; canvas.height = picture.videoHeight;
  const context = canvas.getContext("2d", {willReadFrequently: true, colorSpace: "srgb"});
  context.drawImage(picture, 0, 0);
  return boxes.map(([x, y, w, h]) => {
    const pixels = context.getImageData(x, y, w, h).data, sums = [0, 0, 0];
    for (let i = 0; i < pixels.length; i += 4) for (let c = 0; c < 3; c++) sums[c] += pixels[i + c];
    return sums.map(sum => sum * 4 / pixels.length);
  });
}
"""


class _Keyframes:
    """Feedback of the viewers, straight to the rung's gate."""

    def __init__(self, chain: ColourChain) -> None:
        self._chain = chain

    def request_keyframe(self, sink: str, reason: str) -> None:
        self._chain.gate.request(KeyframeRequest(sink, reason))

    def report_bandwidth(self, sink: str, bitrate_bps: int) -> None:
        pass


@asynccontextmanager
async def _showing(video: VideoFormat) -> AsyncIterator[str]:
    """The URL of a page that shows the bars of that format, ten pictures a second."""
    loop = asyncio.get_running_loop()
    chain = ColourChain(lambda unit: loop.call_soon_threadsafe(sessions.deliver, unit) and None)
    sessions = WhepSessions(feedback=_Keyframes(chain), clock=SystemClock())
    server = await asyncio.start_server(Front(sessions).serve, "127.0.0.1", 0)
    context = Context()
    with chain.running():
        sweeping = asyncio.ensure_future(sessions.run(context))
        feeding = asyncio.ensure_future(_feed(chain, video))
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
            context.ask_to_stop()
            await sweeping
            server.close()


async def _feed(chain: ColourChain, video: VideoFormat) -> None:
    index = 0
    while True:
        await asyncio.to_thread(chain.send, bars_frame(video, index))
        index += 1
        await asyncio.sleep(0.1)


async def _read(page: Page, video: VideoFormat) -> np.ndarray:
    """(row, column, RGB 0..255) as the browser shows each patch."""
    boxes = [
        (columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)
        for _, _, rows, columns in patch_centres(video.width, video.height)
    ]
    return np.array(await page.evaluate(_READ, boxes)).reshape(len(PATCHES), len(PATCHES[0]), 3)


@pytest.mark.parametrize(
    ("pixel", "colorimetry", "reach", "size"),
    [
        (Pixel.UYVY422, Colorimetry.BT709, Range.LIMITED, (1920, 1080)),
        (Pixel.UYVY422, Colorimetry.BT601, Range.LIMITED, (1920, 1080)),
        (Pixel.UYVY422, Colorimetry.SYCC, Range.LIMITED, (1920, 1080)),
        (Pixel.YUV422P, Colorimetry.SYCC, Range.FULL, (1280, 720)),
        (Pixel.RGB24, Colorimetry.BT709, Range.FULL, (1280, 720)),
        (Pixel.YUV422P10, Colorimetry.BT2020, Range.LIMITED, (1280, 720)),
        (Pixel.YUV420P, Colorimetry.BT709, Range.FULL, (1280, 720)),
    ],
)
async def test_chromium_shows_the_colours_that_the_source_meant(
    browser: Browser, pixel: Pixel, colorimetry: Colorimetry, reach: Range, size: tuple[int, int]
) -> None:
    video = VideoFormat(*size, Fraction(30), pixel, colorimetry, reach)
    async with _showing(video) as url:
        page = await browser.new_page()
        await page.goto(url)
        await page.evaluate("view()")
        await shown(page, 12)
        found = await _read(page, video)
        await page.evaluate("pc.close()")
    expected = rgb_of(patch_codes(video), colorimetry, video.coded.range)
    print(pixel, colorimetry, reach)
    print(np.round(found - expected, 1))
