"""The stand-in held against Twilio's own OpenAPI document: every name, every key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

from bot.telephony.rest import TwilioRest

from . import parameters
from .running import ACCOUNT, CALLER, OURS, TOKEN, Twilio
from .standin import Seen

pytestmark = pytest.mark.asyncio(loop_scope="module")

CALLS = "/2010-04-01/Accounts/{AccountSid}/Calls"
NUMBERS = "/2010-04-01/Accounts/{AccountSid}/IncomingPhoneNumbers"


def judge(api: OpenAPI, seen: Seen) -> None:
    """Hold a request and its answer against the document."""
    sent = {"args": dict(seen.form)} if seen.method == "GET" else {"data": _encoded(seen)}
    request = MockRequest(
        "https://api.twilio.com",
        seen.method.lower(),
        seen.path,
        content_type="application/x-www-form-urlencoded",
        headers={"Authorization": "Basic eDp5"},
        **sent,
    )
    if seen.status is not None and seen.status < 400:
        api.validate_request(request)
        api.validate_response(request, MockResponse(seen.body, seen.status))


def _encoded(seen: Seen) -> bytes:
    return urlencode(seen.form).encode()


async def test_every_answer_is_as_the_document_says(twilio: Twilio, api: OpenAPI) -> None:
    rest = TwilioRest(ACCOUNT, TOKEN, api_url=twilio.url)
    number = twilio.standin.account.own(OURS)
    calls = [await twilio.call() for _ in range(3)]
    ringing = await twilio.call(answered=False)
    sid = calls[0].sid
    await rest.check()
    await rest.fetch(ringing.sid)
    await rest.redirect(sid, "https://bot.example.com/twilio/next")
    await rest.instruct(sid, "<Response><Hangup/></Response>")
    await rest.start_recording(sid, status_callback="https://bot.example.com/recorded")
    await rest.pause_recording(sid, behavior="skip")
    await rest.resume_recording(sid)
    await rest.stop_recording(sid)
    await rest.list_calls(to=OURS, from_=CALLER, status="in-progress", limit=2)
    await rest.complete(sid)
    await rest.fetch(sid)
    await rest.find_number(OURS)
    await rest.set_number(
        number.sid,
        voice_url="https://bot.example.com/twilio/voice",
        fallback_url="https://bot.example.com/fallback",
        status_callback="https://bot.example.com/twilio/status",
    )
    await rest.aclose()

    assert len(twilio.standin.requests) == 13
    for seen in twilio.standin.requests:
        judge(api, seen)
    assert twilio.standin.complaints == []


async def test_the_judge_is_strict(twilio: Twilio, api: OpenAPI) -> None:
    rest = TwilioRest(ACCOUNT, TOKEN, api_url=twilio.url)
    await rest.fetch((await twilio.call()).sid)
    await rest.aclose()
    seen = twilio.standin.requests[-1]
    for old, new in ((b'"status":', b'"state":'), (b"in-progress", b"talking"), (b" +0000", b"")):
        assert old in seen.body
        broken = Seen(**{**_fields(seen), "body": seen.body.replace(old, new, 1)})
        with pytest.raises(OpenAPIError):
            judge(api, broken)


def _fields(seen: Seen) -> dict[str, Any]:
    return {name: getattr(seen, name) for name in Seen.__slots__}


def _form(path: Mapping[str, Any]) -> set[str]:
    content = path["post"]["requestBody"]["content"]
    return set(content["application/x-www-form-urlencoded"]["schema"]["properties"])


def _query(path: Mapping[str, Any]) -> set[str]:
    return {item["name"] for item in path["get"]["parameters"] if item["in"] == "query"}


@pytest.mark.parametrize(
    ("known", "path", "names"),
    [
        (parameters.CREATE, f"{CALLS}.json", _form),
        (parameters.CALLS, f"{CALLS}.json", _query),
        (parameters.CALL, f"{CALLS}/{{Sid}}.json", _form),
        (parameters.RECORD, f"{CALLS}/{{CallSid}}/Recordings.json", _form),
        (parameters.RECORDING, f"{CALLS}/{{CallSid}}/Recordings/{{Sid}}.json", _form),
        (parameters.NUMBERS, f"{NUMBERS}.json", _query),
        (parameters.NUMBER, f"{NUMBERS}/{{Sid}}.json", _form),
    ],
)
async def test_parameters_are_those_of_the_document(
    document: dict[str, Any],
    known: Mapping[str, object],
    path: str,
    names: Callable[[Mapping[str, Any]], set[str]],
) -> None:
    assert set(known) == names(document["paths"][path])
