"""Noise in the lower part of the test picture, fresh in every frame: the encoder cannot predict it and has to send it.

Still bars need a tenth of the bits of a real picture; what a network does to 8 Mb/s shows only at 8 Mb/s.
"""

from __future__ import annotations

import numpy as np

from board.sim.bars import Bytes

_SHEETS = 8  # no encoder looks back that far
_TOP = 0.64
_SEED = 1


class Grain:
    """Rows below 64 % of the height, with noise of up to `steps` of luma either way.

    One and the same counter always gets the same noise.
    """

    def __init__(self, luma: Bytes, *, steps: int) -> None:
        self._top = int(luma.shape[0] * _TOP)
        rows = luma[self._top :].astype(np.int16)
        random = np.random.default_rng(_SEED)
        self._sheets = [
            (rows + random.integers(-steps, steps, rows.shape, np.int16, endpoint=True)).clip(1, 254).astype(np.uint8)
            for _ in range(_SHEETS)
        ]

    def draw(self, luma: Bytes, counter: int) -> None:
        luma[self._top :] = self._sheets[counter % _SHEETS]
