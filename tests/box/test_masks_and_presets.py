"""The whole box: masks, presets and crops that change while pictures flow."""

from __future__ import annotations

import io
import urllib.error
import urllib.request

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from tests.running_box import RunningBox

NAME = [101, 203, 300, 87]  # odd on purpose
JPEG_ERROR = 12  # code values of RGB that a still may be off
EDGE_ERROR = 48  # JPEG's blocks ring beside an edge, and a block is 16 pixels wide


def snapshot(box: RunningBox) -> npt.NDArray[np.uint8]:
    """Raises OSError while there is none."""
    try:
        response = urllib.request.urlopen(box.url + "/api/v1/snapshot.jpg", timeout=10)
    except urllib.error.HTTPError as error:
        error.close()
        raise
    with response:
        return np.asarray(Image.open(io.BytesIO(response.read())).convert("RGB"))


def area(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    x, y, width, height = NAME
    return picture[y : y + height, x : x + width]


def is_masked(box: RunningBox) -> bool:
    hidden = area(snapshot(box))
    return int(hidden.max()) <= EDGE_ERROR and int(hidden[16:-16, 16:-16].max()) <= JPEG_ERROR


@pytest.fixture(autouse=True)
def as_it_was(running_box: RunningBox) -> None:
    running_box.wait_until(lambda: running_box.status()["signal"]["state"] == "locked", what="a signal")
    for op, args in (("mask.set", {"rects": []}), ("preset.set", {"modality": "none"})):
        assert running_box.command(op, **args)[0] == 200  # type: ignore[arg-type]
    running_box.wait_until(
        lambda: running_box.status()["mask"]["applied"] == 0 and running_box.status()["picture"]["live"],
        what="nothing is masked",
    )


def test_mask_set_over_http_is_in_the_still_and_in_the_status(running_box: RunningBox) -> None:
    before = snapshot(running_box)
    assert int(area(before).max()) > 100, "there is something to hide"
    code, answer = running_box.command("mask.set", rects=[NAME])
    assert (code, answer["payload"]) == (200, {"rects": [NAME], "of": [1280, 720]})
    running_box.wait_until(lambda: running_box.status()["mask"]["applied"] == 1, what="the mask is applied")
    running_box.wait_until(lambda: is_masked(running_box), what="the still is masked", patience_s=5)
    after = snapshot(running_box)
    below = slice(400, 700)
    same = np.abs(after[below].astype(int) - before[below]).max(axis=2) <= JPEG_ERROR
    assert same.mean() > 0.9, "the rest of the picture is as it was, but for what moves"
    mask = running_box.status()["mask"]
    assert (mask["areas"], mask["rects"], mask["withheld"]) == (1, [NAME], "")
    running_box.kill("media")
    running_box.wait_until(lambda: is_masked(running_box), what="masked again after the media process was killed")


def test_mask_of_another_shape_withholds_the_picture_with_an_issue(running_box: RunningBox) -> None:
    assert running_box.command("mask.set", rects=[[0, 0, 10, 10]], of=[640, 480])[0] == 200
    running_box.wait_until(
        lambda: any(issue["code"] == "picture_withheld" for issue in running_box.status()["issues"]), what="an issue"
    )
    status = running_box.status()
    assert status["picture"]["live"] is False
    assert "640x480" in status["mask"]["withheld"]
    assert status["signal"]["state"] == "locked"
    with pytest.raises(urllib.error.HTTPError):
        snapshot(running_box)


def test_preset_changes_the_limits_of_the_running_encoder(running_box: RunningBox) -> None:
    code, answer = running_box.command("preset.set", modality="xray")
    assert (answer["code"], code // 100) == ("unknown_preset", 4)
    assert "endoscopy" in answer["detail"]
    before = running_box.status()["signal"]["lock_changes"]
    assert running_box.command("preset.set", modality="ultrasound")[0] == 200
    running_box.wait_until(
        lambda: (
            running_box.status()["preset"]["name"] == "ultrasound"
            and running_box.status()["encoder"]["rungs"][0]["target_bps"] == 8_000_000
        ),
        what="the preset holds",
    )
    code, answer = running_box.command("encoder.set", bitrate=1_000_000)
    assert (answer["code"], code // 100) == ("below_clinical_floor", 4)
    assert running_box.command("encoder.set", bitrate=3_000_000)[0] == 200
    assert running_box.status()["signal"]["lock_changes"] == before, "the source was not started again"
