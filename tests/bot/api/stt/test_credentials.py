from __future__ import annotations

import pytest

from bot.api.keys.secret import written_key, written_token
from bot.api.stt.credentials import credential_in

from .asking import asking, refusing

KEY = written_key("0" * 12, bytes(32))
TOKEN = written_token(bytes(32))


@pytest.mark.parametrize(
    "query",
    ["api_key=x", "API-KEY=", "token=x", "access_token=x", f"x={KEY}", f"a=b&language={TOKEN}",
     "Authorization=Bearer+x"],
)  # fmt: skip
def test_a_key_in_an_address_is_refused_even_beside_a_good_one(query: str) -> None:
    with refusing("key_in_url", "have another one made") as raised:
        credential_in(asking(KEY, query=query))
    assert KEY not in str(raised.value.values(0))
    assert TOKEN not in str(raised.value.values(0))


def test_a_query_without_a_key() -> None:
    asked = asking(KEY, query="language=en-US&keyboard=pk_x")
    assert credential_in(asked) == KEY


def test_a_key_in_a_subprotocol_needs_one_that_can_be_answered() -> None:
    protocols = (f"parley.auth.{KEY}", "parley.stt.v1")
    assert credential_in(asking(protocols=protocols)) == KEY
    assert credential_in(asking(protocols=("parley.stt.v1",))) is None
    with refusing("bad_config", "offer the subprotocol parley.stt.v1 too"):
        credential_in(asking(protocols=protocols[:1]))
