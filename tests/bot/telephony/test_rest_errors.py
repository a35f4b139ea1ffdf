"""Which answer of Twilio's REST API is which error, and what is said of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.telephony.rest_errors import (
    LONGEST_RETRY_S,
    CallGone,
    RestBusy,
    RestDenied,
    RestError,
    RestUnavailable,
    refusal,
    retry_after_s,
)

NOW = datetime(2026, 7, 17, 10, 0, 0, tzinfo=UTC)
CALL = "/2010-04-01/Accounts/AC1/Calls/CA1.json"
RECORDINGS = "/2010-04-01/Accounts/AC1/Calls/CA1/Recordings.json"
RECORDING = "/2010-04-01/Accounts/AC1/Calls/CA1/Recordings/Twilio.CURRENT.json"
NUMBER = "/2010-04-01/Accounts/AC1/IncomingPhoneNumbers/PN1.json"


def refused(path: str, status: int, body: str = "", retry_after: str | None = None) -> RestError:
    return refusal("POST", path, status, body, retry_after, NOW)


def own(code: object, message: str = "no") -> str:
    return json.dumps({"code": code, "message": message, "more_info": "…", "status": 400})


@pytest.mark.parametrize(
    ("path", "status", "body", "kind", "code"),
    [
        (CALL, 404, own(20404), CallGone, 20404),
        (CALL, 404, "<html>", CallGone, None),
        (CALL, 400, own(21220), CallGone, 21220),
        (CALL, 400, own("21220"), CallGone, 21220),
        (CALL, 400, own(21205), RestError, 21205),
        (RECORDINGS, 404, own(20404), CallGone, 20404),
        # A recording may come a moment before the call is in progress.
        (RECORDINGS, 400, own(21220), RestError, 21220),
        (RECORDING, 404, own(20404), RestError, 20404),
        (NUMBER, 404, own(20404), RestError, 20404),
        (CALL, 401, own(20003), RestDenied, 20003),
        (CALL, 403, own(20006), RestDenied, 20006),
        (CALL, 429, own(20429), RestBusy, 20429),
        (CALL, 408, own(20408), RestUnavailable, 20408),
        (CALL, 500, own(20500), RestUnavailable, 20500),
        (CALL, 502, "<html><h1>Bad Gateway", RestUnavailable, None),
        (CALL, 307, "", RestError, None),
        (CALL, 400, "[1]", RestError, None),
        (CALL, 400, own(None), RestError, None),
        (CALL, 400, own(True), RestError, None),
    ],
)
def test_each_answer_is_one_error(
    path: str, status: int, body: str, kind: type[RestError], code: int | None
) -> None:
    error = refused(path, status, body)
    assert (type(error), error.status, error.code) == (kind, status, code)


def test_an_error_says_what_twilio_said() -> None:
    text = str(refused(CALL, 400, own(21220, "Call is not\n in-progress.")))
    assert (
        text == f"Twilio answered POST {CALL} with HTTP 400, error 21220: Call is not in-progress."
    )


def test_an_error_says_what_a_problem_detail_says() -> None:
    body = {"type": "about:blank", "title": "Bad", "status": 400, "code": 20001, "detail": "No To"}
    error = refused(NUMBER, 400, json.dumps(body))
    assert error.code == 20001
    assert str(error).endswith("HTTP 400, error 20001: Bad - No To")


def test_wrong_credentials_name_the_settings() -> None:
    assert "check TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN" in str(refused(CALL, 401, own(20003)))


def test_a_page_of_a_proxy_is_not_quoted_and_a_long_message_is_cut() -> None:
    assert "secret" not in str(refused(CALL, 502, "<html>secret</html>"))
    assert len(str(refused(CALL, 400, own(1, "x" * 10_000)))) < 500


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("3", 3.0),
        (" 0 ", 0.0),
        ("Fri, 17 Jul 2026 10:00:07 GMT", 7.0),
        ("Fri, 17 Jul 2026 09:00:00 GMT", 0.0),
        ("Fri, 17 Jul 2026 10:00:05 -0000", 5.0),
        ("999999999999", LONGEST_RETRY_S),
        ("9" * 400, LONGEST_RETRY_S),
        ("Fri, 17 Jul 3026 10:00:00 GMT", LONGEST_RETRY_S),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("²", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, NOW) == seconds
    assert refused(CALL, 429, "", header).retry_after_s == seconds


@settings(max_examples=50)
@given(
    st.integers(300, 599),
    st.text()
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["code", "message", "title", "detail", "type", "status"])
                | st.text(),
                inner,
            )
        ),
    ).map(json.dumps),
    st.none() | st.text(),
)
def test_any_answer_is_an_error(status: int, body: str, header: str | None) -> None:
    error = refused(CALL, status, body, header)
    assert error.status == status
    assert error.retry_after_s is None or error.retry_after_s >= 0
