from __future__ import annotations

from typing import Any

import pytest

from bot.api.stt import values
from bot.api.stt.faults import Fault
from bot.api.stt.values import Reader

ID = "6f1c2c0e-9f55-4d3a-8b58-0d3f0a0a0a0a"


@pytest.mark.parametrize(
    ("reader", "value", "meant"),
    [
        (values.boolean, "True", True),
        (values.boolean, True, True),
        (values.boolean, 0, False),
        (values.boolean, "off", False),
        (values.integer(1, 9), " 7 ", 7),
        (values.integer(1, 9), 7.0, 7),
        (values.choice("mix", "split"), "SPLIT", "split"),
        (values.name, " nova-3 ", "nova-3"),
        (values.names, "Deepgram, soniox,deepgram", ("deepgram", "soniox")),
        (values.names, "deepgram,,soniox,", ("deepgram", "soniox")),
        (values.names, [], ()),
        (values.names, ["deepgram", "soniox"], ("deepgram", "soniox")),
        (values.texts, "yes|no||yes", ("yes", "no")),
        (values.texts, [], ()),
        (values.uuid, ID.upper(), ID),
    ],
)
def test_values(reader: Reader, value: Any, meant: Any) -> None:
    assert reader("it", value) == meant


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        (values.boolean, "maybe"),
        (values.boolean, 2),
        (values.boolean, None),
        (values.boolean, 1.0),
        (values.integer(1, 9), "0"),
        (values.integer(1, 9), "10"),
        (values.integer(1, 99), "1_0"),
        (values.integer(1, 9), "٣"),
        (values.integer(1, 9), "-1"),
        (values.integer(1, 9), "1" * 5_000),
        (values.integer(1, 9), 1.5),
        (values.integer(0, 9), True),
        (values.integer(1, 9), float("nan")),
        (values.integer(1, 9), float("inf")),
        (values.integer(1, 9), [1]),
        (values.choice("mix"), "both"),
        (values.choice("mix"), 1),
        (values.name, ""),
        (values.name, "a\nb"),
        (values.name, "a" * 201),
        (values.names, ",".join(f"p{number}" for number in range(9))),
        (values.names, " , "),
        (values.names, 1),
        (values.texts, [1]),
        (values.texts, "a" * 201),
        (values.texts, [str(number) for number in range(1001)]),
        (values.uuid, "1"),
        (values.uuid, ID.replace("-", "")),
        (values.uuid, f"{{{ID}}}"),
        (values.uuid, 1),
        (values.uuid, None),
    ],
)
def test_other_values_are_answered_with_what_is_allowed(reader: Reader, value: Any) -> None:
    with pytest.raises(Fault) as caught:
        reader("it", value)
    assert caught.value.text.startswith("it: ")
    assert caught.value.allowed is not None
