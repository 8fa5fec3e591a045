"""Text as coverage masks. The only home of Pillow."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont


class PillowPainter:
    """Draws with the scalable font that comes inside Pillow: nothing to install on the box."""

    def __init__(self) -> None:
        self._fonts: dict[int, ImageFont.FreeTypeFont | ImageFont.ImageFont] = {}

    def text(self, text: str, height_px: int) -> tuple[int, int, bytes]:
        """(width, height, rows of coverage 0..255); height includes ascent and descent."""
        font = self._fonts.get(height_px)
        if font is None:
            font = self._fonts[height_px] = ImageFont.load_default(height_px)
        _, _, right, bottom = ImageDraw.Draw(Image.new("L", (1, 1))).textbbox((0, 0), text or " ", font=font)
        size = (max(1, int(right)), max(1, int(bottom)))
        mask = Image.new("L", size, 0)
        ImageDraw.Draw(mask).text((0, 0), text, fill=255, font=font)
        return size[0], size[1], mask.tobytes()
