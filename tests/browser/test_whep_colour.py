"""Known colours from raw layouts through mixer, rung, x264 and WHEP into Chromium: what it decodes and what it paints.

Chromium obeys the colour description in the SPS, matrix and range too. It paints by its GPU code here, run by
SwiftShader: its other code, libyuv's for x86, cannot hold the blue of limited BT.709 and BT.2020 (factor 2.0 for
2.11 and 2.14), so that a browser without any GPU shows full blue 12 values of 255 too dark; nothing we send mends that.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction

import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from edge.model.feedback import KeyframeRequest, LinkReport
from edge.model.video import Colorimetry, Pixel, Range, VideoFormat
from edge.rtc.sessions import WhepSessions
from edge.runtime.clock import SystemClock
from edge.runtime.component import Context
from tests.browser.whep_stage import Front, shown
from tests.chromium import CHROMIUM, FLAGS
from tests.colour_chain import ColourChain
from tests.raw_bars import PATCHES, bars_frame, patch_centres, patch_codes, rgb_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]
_GPU_FLAGS = (
    *(flag for flag in FLAGS if flag != "--disable-gpu"),
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
)
# Painted: the mean of each box on a canvas in sRGB. Decoded: the planes as they are, and what Chromium takes them for.
_PAINTED = """
(boxes) => {
  const canvas = document.createElement("canvas");
  canvas.width = picture.videoWidth; canvas.height = picture.videoHeight;
  const context = canvas.getContext("2d", {colorSpace: "srgb"});
  context.drawImage(picture, 0, 0);
  return boxes.map(([x, y, w, h]) => {
    const pixels = context.getImageData(x, y, w, h).data, sums = [0, 0, 0];
    for (let i = 0; i < pixels.length; i += 4) for (let c = 0; c < 3; c++) sums[c] += pixels[i + c];
    return sums.map(sum => sum * 4 / pixels.length);
  });
}
"""
_DECODED = """
async (boxes) => {
  const frame = new VideoFrame(picture);
  const bytes = new Uint8Array(frame.allocationSize());
  const planes = await frame.copyTo(bytes);
  const woven = frame.format === "NV12";
  const mean = (plane, step, offset, x, y, w, h) => {
    let sum = 0;
    for (let row = y; row < y + h; row++)
      for (let column = x; column < x + w; column++)
        sum += bytes[planes[plane].offset + row * planes[plane].stride + column * step + offset];
    return sum / (w * h);
  };
  const found = boxes.map(([x, y, w, h]) => {
    const half = [x / 2, y / 2, w / 2, h / 2];
    return [mean(0, 1, 0, x, y, w, h), woven ? mean(1, 2, 0, ...half) : mean(1, 1, 0, ...half),
      woven ? mean(1, 2, 1, ...half) : mean(2, 1, 0, ...half)];
  });
  const {primaries, transfer, matrix, fullRange} = frame.colorSpace.toJSON();
  frame.close();
  return {found, said: [primaries, transfer, matrix, fullRange]};
}
"""
_LUMA_ERROR, _CHROMA_ERROR = 2.0, 3.0
# WebCodecs' names of primaries, transfer and matrix
_SAID = {
    Colorimetry.BT709: ["bt709", "bt709", "bt709"],
    Colorimetry.BT601: ["smpte170m", "smpte170m", "smpte170m"],
    Colorimetry.SYCC: ["bt709", "iec61966-2-1", "smpte170m"],
}


class _Keyframes:
    """Feedback of the viewers, straight to the rung's gate."""

    def __init__(self, chain: ColourChain) -> None:
        self._chain = chain

    def request_keyframe(self, sink: str, reason: str) -> None:
        self._chain.gate.request(KeyframeRequest(sink, reason))

    def report_link(self, report: LinkReport) -> None:
        pass


@asynccontextmanager
async def _showing(video: VideoFormat) -> AsyncIterator[str]:
    """The URL of a page that shows the bars of that format, ten pictures a second."""
    loop = asyncio.get_running_loop()
    chain = ColourChain(lambda unit: loop.call_soon_threadsafe(sessions.deliver, unit) and None)
    sessions = WhepSessions(feedback={"main": _Keyframes(chain)}, clock=SystemClock())
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


def _tolerance(colorimetry: Colorimetry, reach: Range) -> np.ndarray:
    """For R, G, B: what 2 code values of luma and 3 of each chroma make at worst, and 1 for the canvas's bytes."""
    middle = np.array([128.0, 128.0, 128.0])
    errors = np.diag([_LUMA_ERROR, _CHROMA_ERROR, _CHROMA_ERROR])
    steps = rgb_of(middle + errors, colorimetry, reach) - rgb_of(middle, colorimetry, reach)
    return np.abs(steps).sum(axis=0) + 1


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gpu_browser() -> AsyncIterator[Browser]:
    assert shutil.which(CHROMIUM), f"{CHROMIUM} is needed: apt-get install chromium"
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(_GPU_FLAGS))
        yield opened
        await opened.close()


@pytest.mark.parametrize(
    ("pixel", "colorimetry", "reach", "size"),
    [
        (Pixel.UYVY422, Colorimetry.BT601, Range.LIMITED, (1920, 1080)),  # a CSI bridge
        (Pixel.UYVY422, Colorimetry.SYCC, Range.LIMITED, (1280, 720)),
        (Pixel.UYVY422, Colorimetry.BT709, Range.LIMITED, (1280, 720)),
        (Pixel.YUV422P, Colorimetry.SYCC, Range.FULL, (1280, 720)),  # a dongle's MJPEG
        (Pixel.RGB24, Colorimetry.BT709, Range.FULL, (1280, 720)),
        (Pixel.YUV420P, Colorimetry.BT709, Range.FULL, (640, 360)),
    ],
)
async def test_chromium_decodes_and_paints_the_colours_that_the_source_meant(
    gpu_browser: Browser, pixel: Pixel, colorimetry: Colorimetry, reach: Range, size: tuple[int, int]
) -> None:
    video = VideoFormat(*size, Fraction(30), pixel, colorimetry, reach)
    shape = (len(PATCHES), len(PATCHES[0]), 3)
    boxes = [
        (columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)
        for _, _, rows, columns in patch_centres(*size)
    ]
    async with _showing(video) as url:
        page = await gpu_browser.new_page()
        await page.goto(url)
        await page.evaluate("view()")
        await shown(page, 12)
        decoded = await page.evaluate(_DECODED, boxes)
        painted = np.array(await page.evaluate(_PAINTED, boxes)).reshape(shape)
        await page.evaluate("pc.close()")
        await page.close()
    coded_range = video.coded.range
    assert decoded["said"] == [*_SAID[colorimetry], coded_range is Range.FULL]
    error = np.abs(np.array(decoded["found"]).reshape(shape) - patch_codes(video))
    assert error[..., 0].max() <= _LUMA_ERROR
    assert error[..., 1:].max() <= _CHROMA_ERROR
    wanted = rgb_of(patch_codes(video), colorimetry, coded_range)
    assert (np.abs(painted - wanted) <= _tolerance(colorimetry, coded_range)).all()
