from __future__ import annotations

from openapi_spec_validator import OpenAPIV31SpecValidator

from bot.api.stt.faults import FAULTS
from bot.api.stt.openapi import describe
from bot.api.stt.parameters import PARAMETERS

DOCUMENT = describe("http://127.0.0.1:8080")


def test_the_description_is_one() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_a_chunks_form_has_every_parameter() -> None:
    form = DOCUMENT["paths"]["/stt/stream-chunk"]["post"]["requestBody"]["content"]
    fields = set(form["multipart/form-data"]["schema"]["properties"])
    assert set(PARAMETERS) - {"after"} <= fields


def test_every_answer_that_is_an_error_says_which() -> None:
    found = set()
    for path in DOCUMENT["paths"].values():
        for operation in (value for name, value in path.items() if name != "parameters"):
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    schema = answer["content"]["application/json"]["schema"]
                    codes = schema["properties"]["code"]["enum"]
                    assert {FAULTS[code].status for code in codes} == {int(status)}
                    found.update(codes)
    # A reader that is too slow is told so on a WebSocket alone.
    assert found == set(FAULTS) - {"slow_reader"}


def test_where_no_key_is_needed_that_is_said() -> None:
    assert {} not in DOCUMENT["security"]
    assert {} in describe("http://127.0.0.1:8080", keyless=True)["security"]
