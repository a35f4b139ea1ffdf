from __future__ import annotations

import pytest

from providers.errors import InvalidResponseError
from providers.messages import read


@pytest.mark.parametrize(
    "message", ["", "{", "no JSON", "[1]", "null", "7", b"\xff\xfe", "<html>", "[" * 5_000]
)
def test_what_is_no_object_is_no_message(message: str | bytes) -> None:
    with pytest.raises(InvalidResponseError, match="vendor: a message is no JSON object"):
        read("vendor", message)


def test_an_object_may_come_as_text_or_as_bytes() -> None:
    assert read("vendor", '{"tokens":[]}') == read("vendor", b'{"tokens":[]}') == {"tokens": []}
