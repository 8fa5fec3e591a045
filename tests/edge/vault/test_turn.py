from __future__ import annotations

from edge.vault.turn import time_limited


def test_credential_is_what_coturn_computes() -> None:
    # printf '1700000000:box' | openssl dgst -sha1 -hmac 'north' -binary | base64
    assert time_limited("north", name="box", until_s=1_700_000_000) == (
        "1700000000:box",
        "lwOKDw63fo4iGg/l/l+leNJcdOg=",
    )


def test_without_a_name_the_user_is_the_time_alone() -> None:
    assert time_limited("north", name="", until_s=17)[0] == "17"
