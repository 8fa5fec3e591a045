from __future__ import annotations

import io
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from board.av.intake import FrameIntake
from board.av.jpeg import JpegDecoder
from edge.model.errors import Invalid
from edge.model.frame import Frame, Lease, Stamps
from edge.model.video import Colorimetry, Pixel, Range, VideoFormat
from tests.raw_bars import PATCHES, patch_codes, patch_means, pattern, planes_of

_WIDTH, _HEIGHT = 320, 240


def _image() -> Image.Image:
    video = VideoFormat(_WIDTH, _HEIGHT, Fraction(30))
    return Image.fromarray(np.rint(pattern(video) * 255).astype(np.uint8))


def _jpeg(*, subsampling: int = 1, image: Image.Image | None = None, keep_rgb: bool = False) -> bytes:
    """`subsampling`: Pillow's 0, 1, 2 for 4:4:4, 4:2:2, 4:2:0."""
    file = io.BytesIO()
    (image or _image()).save(file, "JPEG", quality=98, subsampling=subsampling, keep_rgb=keep_rgb)
    return file.getvalue()


@pytest.fixture
def decoder() -> JpegDecoder:
    return JpegDecoder(width=_WIDTH, height=_HEIGHT)


def _codes(decoder: JpegDecoder, jpeg: bytes | memoryview) -> np.ndarray:
    """Patch means after decoder and intake, as the encoder gets them."""
    decoded = decoder.decode(jpeg)
    video = VideoFormat(_WIDTH, _HEIGHT, Fraction(30), decoded.pixel, decoded.colorimetry, decoded.range)
    frame = Frame(0, video, Lease(decoded.planes, native=decoded.picture), Stamps(1), 0)
    intake = FrameIntake(video)
    assert intake.pix_fmt == "yuvj420p"
    return patch_means(planes_of(intake.take(frame)), _WIDTH, _HEIGHT)


@pytest.mark.parametrize(("subsampling", "pixel"), [(0, Pixel.YUV420P), (1, Pixel.YUV422P), (2, Pixel.YUV420P)])
def test_colours_are_full_range_bt601_in_every_subsampling(
    decoder: JpegDecoder, subsampling: int, pixel: Pixel
) -> None:
    jpeg = _jpeg(subsampling=subsampling)
    decoded = decoder.decode(jpeg)
    assert (decoded.pixel, decoded.colorimetry, decoded.range) == (pixel, Colorimetry.SYCC, Range.FULL)
    wanted = patch_codes(VideoFormat(_WIDTH, _HEIGHT, Fraction(30), pixel, Colorimetry.SYCC, Range.FULL))
    assert np.abs(_codes(decoder, jpeg) - wanted).max() <= 2


def test_a_grey_jpeg_has_neutral_chroma(decoder: JpegDecoder) -> None:
    found = _codes(decoder, _jpeg(image=_image().convert("L")))
    assert np.abs(found[..., 1:] - 128).max() <= 0.5
    assert np.abs(found[0, -1, 0] - 255) <= 1


@pytest.mark.parametrize("zeros", [0, 1, 4096])
def test_zeros_may_follow(decoder: JpegDecoder, zeros: int) -> None:
    assert decoder.decode(memoryview(_jpeg() + bytes(zeros))).picture.width == _WIDTH


def _cut(jpeg: bytes, share: float) -> bytes:
    return jpeg[: int(len(jpeg) * share)]


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda jpeg: b"", "0 bytes are too few"),
        (lambda jpeg: jpeg[:127], "127 bytes are too few"),
        (lambda jpeg: b"\xff\xd8" + bytes(500) + b"\xff\xd9", "cannot be decoded"),
        (lambda jpeg: b"\xff\xd8\xff\xd9" + bytes(500), "4 bytes are too few"),
        (lambda jpeg: jpeg[1:], "does not begin with FFD8"),
        (lambda jpeg: bytes(len(jpeg)), "does not begin with FFD8"),
        (lambda jpeg: _cut(jpeg, 0.5), "does not end with FFD9"),
        (lambda jpeg: _cut(jpeg, 0.5) + bytes(5000), "does not end with FFD9"),
        (lambda jpeg: _cut(jpeg, 0.1) + b"\xff\xd9", "cannot be decoded"),
        (lambda jpeg: _cut(jpeg, 0.5) + b"\xff\xd9", "cannot be decoded"),
        (lambda jpeg: _cut(jpeg, 0.99) + b"\xff\xd9", "cannot be decoded"),
        (lambda jpeg: _jpeg(image=_image().resize((160, 120))), "it is 160x120 instead of 320x240"),
        (lambda jpeg: _jpeg(image=_image().resize((1280, 960))), "cannot be decoded"),
        (lambda jpeg: _jpeg(subsampling=0, keep_rgb=True), "not luma and chroma"),
    ],
)
def test_damage_is_refused_by_name_and_the_next_picture_is_right(
    decoder: JpegDecoder, damage: object, complaint: str, capfd: pytest.CaptureFixture[str]
) -> None:
    sound = _jpeg()
    before = _codes(decoder, sound)
    with pytest.raises(Invalid, match=complaint) as refused:
        decoder.decode(damage(sound))  # type: ignore[operator]
    assert refused.value.code == "corrupt_frame"
    assert (_codes(decoder, sound) == before).all()
    assert capfd.readouterr() == ("", "")


def test_flipped_bits_end_in_a_picture_or_a_refusal_and_never_in_anything_else(decoder: JpegDecoder) -> None:
    sound, outcomes = _jpeg(), []
    for seed in range(120):
        random = np.random.default_rng(seed)
        torn = bytearray(sound)
        for at in random.integers(2, len(torn) - 2, 4):
            torn[at] ^= 1 << int(random.integers(0, 8))
        try:
            picture = decoder.decode(bytes(torn)).picture
            outcomes.append((picture.width, picture.height) == (_WIDTH, _HEIGHT))
        except Invalid as error:
            outcomes.append(error.code == "corrupt_frame")
    assert all(outcomes)
    assert np.abs(_codes(decoder, sound)[0, 0, 0] - 255 * PATCHES[0][0][0]) <= 2
