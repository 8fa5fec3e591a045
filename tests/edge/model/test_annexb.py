from __future__ import annotations

import pytest

from edge.model.annexb import from_last_sets, is_idr, is_slice, shows_idr
from edge.model.video import Codec

_START = b"\x00\x00\x00\x01"


def unit(codec: Codec, *kinds: int) -> bytes:
    """NAL units of these types with a byte of payload each."""
    headers = (bytes((kind,)) if codec is Codec.H264 else bytes((kind << 1, 1)) for kind in kinds)
    return b"".join(_START + header + b"\x80" for header in headers)


@pytest.mark.parametrize(("codec", "idr"), [(Codec.H264, {5}), (Codec.H265, {19, 20})])
def test_idr_types_are_those_of_the_standard_and_slices(codec: Codec, idr: set[int]) -> None:
    kinds = {kind for kind in range(64) if is_idr(codec, kind)}
    assert kinds == idr
    assert all(is_slice(codec, kind) for kind in kinds)


@pytest.mark.parametrize(
    ("codec", "kinds", "left"),
    [
        (Codec.H264, (7, 8, 30, 7, 8, 6, 5), (7, 8, 6, 5)),
        (Codec.H264, (9, 6, 1), (9, 6, 1)),
        (Codec.H265, (32, 33, 34, 29, 29, 32, 33, 34, 20, 20), (32, 33, 34, 20, 20)),
        (Codec.H265, (1, 1), (1, 1)),
    ],
)
def test_what_stands_ahead_of_the_last_parameter_sets_goes(
    codec: Codec, kinds: tuple[int, ...], left: tuple[int, ...]
) -> None:
    assert from_last_sets(codec, unit(codec, *kinds)) == unit(codec, *left)


@pytest.mark.parametrize(
    ("codec", "kinds", "expected"),
    [
        (Codec.H264, (7, 8, 6, 5), True),
        (Codec.H264, (7, 8, 6, 1), False),  # a turn of intra-refresh begins
        (Codec.H264, (7, 8), False),
        (Codec.H264, (), False),
        (Codec.H265, (32, 33, 34, 39, 20, 20), True),
        (Codec.H265, (19,), True),
        (Codec.H265, (32, 33, 34, 21), False),  # CRA: pictures that come after it may lean on what came before
        (Codec.H265, (1,), False),
    ],
)
def test_an_idr_shows_by_its_first_slice(codec: Codec, kinds: tuple[int, ...], expected: bool) -> None:
    assert shows_idr(codec, unit(codec, *kinds)) is expected
