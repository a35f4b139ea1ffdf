from __future__ import annotations

from hashlib import sha256

import pytest

from bot.api.keys.secret import (
    digest_of,
    id_in,
    is_key,
    is_token,
    matches,
    written_key,
    written_token,
)

KEY = written_key("0123456789ab", b"\xfb" * 32)
TOKEN = written_token(bytes(32))


def test_a_key_and_a_token_are_known_by_their_form() -> None:
    assert KEY == "pk_0123456789ab_-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s"
    assert (is_key(KEY), is_token(KEY), id_in(KEY)) == (True, False, "0123456789ab")
    assert TOKEN == "pt_" + 43 * "A"
    assert (is_key(TOKEN), is_token(TOKEN), id_in(TOKEN)) == (False, True, None)


@pytest.mark.parametrize(
    "text", ["", "pk_", KEY[:-1], KEY + "A", KEY + "\n", KEY.upper(), f" {KEY}", KEY[:-1] + "é"]
)
def test_all_else_is_none(text: str) -> None:
    assert not is_key(text)
    assert not is_token(text)
    assert id_in(text) is None


def test_a_digest_tells_whether_it_is_the_same() -> None:
    assert digest_of(KEY) == sha256(KEY.encode()).hexdigest()
    assert matches(KEY, digest_of(KEY))
    assert not matches(KEY[:-1] + "t", digest_of(KEY))
