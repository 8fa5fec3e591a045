"""Where planes lie in the driver's memory."""

from __future__ import annotations

import pytest

from board.v4l2.layout import KINDS, Layout
from edge.model.errors import NotSupported


def layout(
    code: str, *strides: int, size: int | tuple[int, ...] = 1 << 20, width: int = 64, height: int = 48
) -> Layout:
    sizes = size if isinstance(size, tuple) else (size,) * len(strides)
    return Layout(KINDS[code], width, height, strides, sizes)


def test_every_raw_kind_says_what_its_picture_needs_and_finds_as_many_planes() -> None:
    """(code, strides, needed bytes of each memory plane, [(stride, bytes) of each plane of the picture])."""
    table = [
        ("UYVY", (128,), (6144,), [(128, 6144)]),
        ("YUYV", (160,), (7680,), [(160, 7680)]),
        ("NV12", (64,), (4608,), [(64, 3072), (64, 1536)]),
        ("NM12", (64, 64), (3072, 1536), [(64, 3072), (64, 1536)]),
        ("YU12", (64,), (4608,), [(64, 3072), (32, 768), (32, 768)]),
        ("YM12", (96, 48, 48), (4608, 1152, 1152), [(96, 4608), (48, 1152), (48, 1152)]),
        ("NV16", (64,), (6144,), [(64, 3072), (64, 3072)]),
        ("NM16", (64, 80), (3072, 3840), [(64, 3072), (80, 3840)]),
        ("422P", (64,), (6144,), [(64, 3072), (32, 1536), (32, 1536)]),
        ("P010", (128,), (9216,), [(128, 6144), (128, 3072)]),
        ("RGB3", (192,), (9216,), [(192, 9216)]),
        ("BGR3", (192,), (9216,), [(192, 9216)]),
    ]
    assert {row[0] for row in table} == {code for code, kind in KINDS.items() if kind.pixel is not None}
    for code, strides, needed, planes in table:
        one = layout(code, *strides)
        assert one.needed() == needed, code
        found = one.planes([memoryview(bytes(needs + 9)) for needs in needed])
        assert [(plane.stride, len(plane.memory)) for plane in found] == planes, code
        one.check()


def test_planes_of_one_buffer_follow_each_other() -> None:
    content = bytes([1]) * 3072 + bytes([2]) * 768 + bytes([3]) * 768
    assert [plane.memory[0] for plane in layout("YU12", 64).planes([memoryview(content)])] == [1, 2, 3]


def test_odd_sizes_stay_inside_the_buffer() -> None:
    one = layout("YU12", 64, width=63, height=47)
    assert one.needed() == (64 * 47 + 2 * 32 * 23,)


def test_v210_needs_whole_rows_and_jpeg_any_length() -> None:
    assert layout("v210", 256).needed() == (256 * 48,)
    assert layout("v210", 256).planes([memoryview(b"")]) == ()
    assert layout("MJPG", 0).needed() == (0,)
    layout("MJPG", 0).check()


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (layout("UYVY", 127), "UYVY 64x48: the driver's rows of 127 bytes cannot hold 128"),
        (layout("UYVY", 0), "UYVY 64x48: the driver's rows of 0 bytes cannot hold 128"),
        (layout("RGB3", 128), "RGB3 64x48: the driver's rows of 128 bytes cannot hold 192"),
        (layout("NM12", 64, 63), "NM12 64x48: the driver's rows of 63 bytes cannot hold 64"),
        (layout("YM12", 64, 32, 31), "YM12 64x48: the driver's rows of 31 bytes cannot hold 32"),
        (layout("v210", 175), "v210 64x48: the driver's rows of 175 bytes cannot hold 176"),
        (layout("NV12", 64, size=4607), "NV12 64x48: the driver's buffer of 4607 bytes cannot hold 4608"),
        (
            layout("NM12", 64, 64, size=(9999, 1535)),
            "NM12 64x48: the driver's buffer of 1535 bytes cannot hold 1536",
        ),
    ],
)
def test_numbers_that_cannot_hold_the_picture_are_refused(one: Layout, message: str) -> None:
    with pytest.raises(NotSupported) as refused:
        one.check()
    assert str(refused.value) == message
    assert refused.value.code == "bad_stride"


def test_the_kernels_number_of_a_kind_is_its_letters() -> None:
    assert KINDS["UYVY"].number == 0x59565955
