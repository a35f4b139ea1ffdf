from __future__ import annotations

from typing import Any

import httpx2
import openai
import pytest

from bot.dialog.chat.failure import Failure, failure_of

REQUEST = httpx2.Request("POST", "https://api.openai.com/v1/chat/completions")
SECRET = "sk-secret"


def refused(status: int, code: str | None = None, type_: str = "t", **headers: str) -> Exception:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx2.Response(status, headers=named, request=REQUEST)
    body = {"code": code, "type": type_, "message": f"Incorrect API key: {SECRET}"}
    return openai.APIStatusError(str(body), response=response, body=body)


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (TimeoutError(), Failure("no answer in time")),
        (openai.APITimeoutError(REQUEST), Failure("no answer in time")),
        (openai.APIConnectionError(request=REQUEST), Failure("the connection failed")),
        (ValueError(SECRET), Failure("an answer that cannot be read")),
        (refused(500), Failure("HTTP 500")),
        (refused(409), Failure("HTTP 409")),
        (refused(408, "busy"), Failure("HTTP 408 (busy)")),
        (refused(400, f"{SECRET} here"), Failure("HTTP 400", again=False)),
        (refused(404, "model_not_found"), Failure("HTTP 404 (model_not_found)", again=False)),
        (refused(401), Failure("HTTP 401", again=False, elsewhere=False)),
        (refused(429, retry_after="7"), Failure("HTTP 429", wait_s=7)),
        (refused(429, retry_after_ms="20", retry_after="7"), Failure("HTTP 429", wait_s=0.02)),
        (refused(429, retry_after_ms="soon", retry_after="-1"), Failure("HTTP 429", wait_s=0)),
        (refused(429, retry_after="Sat, 21 Nov 2026 22:00:00 GMT"), Failure("HTTP 429")),
        (refused(503, x_should_retry="false"), Failure("HTTP 503", again=False)),
        (refused(400, x_should_retry="true"), Failure("HTTP 400")),
        (refused(400, x_should_retry="maybe"), Failure("HTTP 400", again=False)),
        (
            refused(429, "insufficient_quota", x_should_retry="true"),
            Failure("HTTP 429 (insufficient_quota)", again=False, elsewhere=False),
        ),
        (
            refused(429, None, "credit_balance_exhausted"),
            Failure("HTTP 429", again=False, elsewhere=False),
        ),
    ],
)
def test_what_an_error_means(error: Exception, failure: Failure) -> None:
    assert failure_of(error) == failure
    assert SECRET not in str(failure)


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        ({"code": None, "type": "server_error"}, Failure("an error in the stream")),
        ({"code": "overloaded"}, Failure("an error in the stream (overloaded)")),
        (
            {"code": "insufficient_quota"},
            Failure("an error in the stream (insufficient_quota)", again=False, elsewhere=False),
        ),
    ],
)
def test_an_error_in_the_stream(body: dict[str, Any], failure: Failure) -> None:
    assert failure_of(openai.APIError(SECRET, REQUEST, body=body)) == failure
