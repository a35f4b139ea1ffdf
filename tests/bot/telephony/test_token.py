"""The stream's token: who may come in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.telephony.token import TTL_S, TokenClaims, TokenError, derive_key, mint, verify

KEY = derive_key("12345")
OTHER = derive_key("67890")
CALL = "CA" + "0" * 32
ACCOUNT = "AC" + "1" * 32
NOW_S = 1_700_000_000.75


def minted(key: bytes = KEY, now_s: float = NOW_S, ttl_s: int = TTL_S) -> str:
    return mint(key, CALL, ACCOUNT, 3, now_s, "nonce-_1", ttl_s=ttl_s)


def reason(keys: list[bytes], token: str, now_s: float = NOW_S) -> str:
    with pytest.raises(TokenError) as error:
        verify(keys, token, now_s)
    return error.value.reason


def test_says_what_it_was_minted_for() -> None:
    claims = TokenClaims(CALL, ACCOUNT, 3, int(NOW_S) + TTL_S, "nonce-_1")
    assert verify([KEY], minted(), NOW_S) == claims


def test_either_key_verifies_during_rotation() -> None:
    for key in (KEY, OTHER):
        assert verify([OTHER, KEY], minted(key), NOW_S).generation == 3


def test_a_foreign_key_is_a_forgery() -> None:
    assert reason([OTHER], minted()) == "forged"
    assert reason([], minted()) == "forged"


def test_expires_after_a_minute() -> None:
    assert verify([KEY], minted(), int(NOW_S) + TTL_S - 0.001)
    assert reason([KEY], minted(), int(NOW_S) + TTL_S) == "expired"


def test_may_be_given_longer() -> None:
    token = minted(ttl_s=125)
    assert verify([KEY], token, int(NOW_S) + 124.999).expires_s == int(NOW_S) + 125
    assert reason([KEY], token, int(NOW_S) + 125) == "expired"


@pytest.mark.parametrize("token", ["", "token", "1.a.b.1.1.c.d", "é" * 43, minted() + "\n"])
def test_what_is_not_a_token_is_malformed(token: str) -> None:
    assert reason([KEY], token) == "malformed"


@given(place=st.integers(0, len(minted()) - 1), letter=st.characters())
def test_no_character_of_it_can_be_changed(place: int, letter: str) -> None:
    token = minted()
    changed = token[:place] + letter + token[place + 1 :]
    if changed != token:
        assert reason([KEY], changed) in ("forged", "malformed")


@given(text=st.text(max_size=200))
def test_any_text_is_refused(text: str) -> None:
    assert reason([KEY], text) in ("forged", "malformed")


@given(
    call=st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
    account=st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
    generation=st.integers(1, 999_999_999),
    nonce=st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
)
def test_is_url_safe_and_fits_a_parameter(
    call: str, account: str, generation: int, nonce: str
) -> None:
    token = mint(KEY, call, account, generation, NOW_S, nonce)
    assert token.isascii()
    assert token.replace(".", "").replace("-", "").replace("_", "").isalnum()
    assert len("token") + len(token) < 500
    assert verify([KEY], token, NOW_S).call_sid == call


@pytest.mark.parametrize("sid", ["", "a.b", "a b", "é", "x" * 65])
def test_a_sid_that_would_not_come_back_is_refused(sid: str) -> None:
    with pytest.raises(ValueError, match="CallSid"):
        mint(KEY, sid, ACCOUNT, 1, NOW_S, "n")
    with pytest.raises(ValueError, match="nonce"):
        mint(KEY, CALL, ACCOUNT, 1, NOW_S, sid)


@pytest.mark.parametrize("generation", [0, -1, 1_000_000_000])
def test_a_generation_out_of_range_is_refused(generation: int) -> None:
    with pytest.raises(ValueError, match="generation"):
        mint(KEY, CALL, ACCOUNT, generation, NOW_S, "n")


def test_keys_are_not_the_auth_token_and_differ_with_it() -> None:
    assert len(KEY) == 32
    assert len({KEY, OTHER, b"12345"}) == 3
