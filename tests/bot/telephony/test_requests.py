"""Only a form of bounded size that Twilio has signed is read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Scope
from structlog.testing import capture_logs

from bot.telephony import requests as module
from bot.telephony.address import Address
from bot.telephony.requests import MAX_BODY_BYTES, MAX_FIELDS, read_form
from bot.telephony.signature import SIGNATURE_HEADER, sign

from .deployment import (
    ACCOUNT,
    AUTH_TOKEN,
    CALL,
    INBOUND,
    OLD_TOKEN,
    PUBLIC_URL,
    Deployment,
    refusals,
)

PATHS = ["/twilio/voice", "/twilio/next", "/twilio/status", "/twilio/stream"]
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize("path", PATHS)
async def test_every_webhook_takes_either_token(deployment: Deployment, path: str) -> None:
    for token in (AUTH_TOKEN, OLD_TOKEN):
        assert (await deployment.post(path, token=token)).status_code == 200
    assert refusals(deployment.metrics) == {}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({SIGNATURE_HEADER: ""}, "missing"),
        ({SIGNATURE_HEADER: "AAAAAAAAAAAAAAAAAAAAAAAAAAA="}, "wrong"),
        ({SIGNATURE_HEADER: sign("foreign", PUBLIC_URL + "/twilio/voice", INBOUND)}, "wrong"),
        ({SIGNATURE_HEADER: sign(AUTH_TOKEN, "http://inside:8080/twilio/voice")}, "wrong"),
        ({"X-Twilio-Webhooks-Signature-Settings": "key=k,algorithm=HMAC_MD5"}, "unknown"),
    ],
)
async def test_a_missing_forged_or_foreign_signature_is_refused(
    deployment: Deployment, path: str, headers: dict[str, str], why: str
) -> None:
    with capture_logs() as logs:
        response = await deployment.post(path, headers=headers)
    assert response.status_code == 403
    assert why in response.text
    assert refusals(deployment.metrics) == {"webhook: 403": 1}
    (refusal,) = [entry for entry in logs if entry["event"] == "webhook refused"]
    assert (refusal["path"], refusal["status"]) == (path, 403)
    assert not any(AUTH_TOKEN in str(entry) or OLD_TOKEN in str(entry) for entry in logs)
    assert await deployment.store.load(CALL) is None
    assert deployment.calls.ends == []


async def test_a_signature_covers_every_field_and_the_query(deployment: Deployment) -> None:
    signature = sign(AUTH_TOKEN, PUBLIC_URL + "/twilio/next?wait=1", INBOUND)
    for target, fields in (
        ("/twilio/next?wait=2", INBOUND),
        ("/twilio/next", INBOUND),
        ("/twilio/next?wait=1", INBOUND[:-1]),
        ("/twilio/next?wait=1", [*INBOUND, ("Extra", "")]),
    ):
        headers = {SIGNATURE_HEADER: signature}
        response = await deployment.post(target, fields=fields, headers=headers)
        assert response.status_code == 403, target


async def test_duplicated_and_empty_fields_are_signed_as_they_are(deployment: Deployment) -> None:
    fields = [*INBOUND, ("Digits", ""), ("Tag", "b"), ("Tag", "a"), ("Tag", "b"), ("Ä", "ö ü")]
    assert (await deployment.post("/twilio/next", fields=fields)).status_code == 200


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/x-www-form-urlencoded; charset=UTF-8", 200),
        ("application/json", 415),
        ("multipart/form-data; boundary=x", 415),
        ("", 415),
    ],
)
async def test_only_forms_are_read(deployment: Deployment, content_type: str, status: int) -> None:
    response = await deployment.post("/twilio/next", headers={"content-type": content_type})
    assert response.status_code == status


async def test_only_post_is_allowed(deployment: Deployment) -> None:
    assert (await deployment.client.get("/twilio/voice")).status_code == 405


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"a=" + b"x" * (MAX_BODY_BYTES - 2), 403),
        (b"a=" + b"x" * (MAX_BODY_BYTES - 1), 413),
        (b"&".join([b"a=1"] * MAX_FIELDS), 403),
        (b"&".join([b"a=1"] * (MAX_FIELDS + 1)), 400),
        (b"a=%ff", 400),
        ("ä=1".encode(), 400),
    ],
)
async def test_the_body_is_bounded_and_readable(
    deployment: Deployment, body: bytes, status: int
) -> None:
    response = await deployment.client.post("/twilio/next", content=body, headers=FORM)
    assert response.status_code == status


async def test_a_body_without_length_is_bounded_too(deployment: Deployment) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1024

    response = await deployment.client.post("/twilio/next", content=endless(), headers=FORM)
    assert response.status_code == 413


@pytest.mark.parametrize("name", ["CallSid", "AccountSid"])
@pytest.mark.parametrize("sid", ["", "CA:1", "x" * 65, "../1"])
async def test_sids_must_be_such(deployment: Deployment, name: str, sid: str) -> None:
    response = await deployment.post("/twilio/next", {name: sid})
    assert response.status_code == 400
    assert name in response.text


async def test_the_first_of_repeated_fields_is_taken(deployment: Deployment) -> None:
    fields = [*INBOUND, ("CallSid", "CA2")]
    await deployment.post("/twilio/next", fields=fields)
    assert deployment.calls.back == [CALL]


def request(receive: object) -> Request:
    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/twilio/next",
        "raw_path": b"/twilio/next",
        "query_string": b"",
        "headers": [(b"content-type", b"application/x-www-form-urlencoded")],
    }
    return Request(scope, receive)  # type: ignore[arg-type]


async def test_a_body_must_come_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_DEADLINE_S", 0)

    async def never() -> Message:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    with pytest.raises(HTTPException) as refusal:
        await read_form(request(never), Address(PUBLIC_URL), [AUTH_TOKEN])
    assert refusal.value.status_code == 408


async def test_a_body_must_come_whole() -> None:
    async def gone() -> Message:
        return {"type": "http.disconnect"}

    with pytest.raises(HTTPException) as refusal:
        await read_form(request(gone), Address(PUBLIC_URL), [AUTH_TOKEN])
    assert refusal.value.status_code == 400


async def test_a_path_prefix_of_the_public_address_is_signed(deployment: Deployment) -> None:
    form = urlencode(INBOUND).encode()
    prefixed = Address(PUBLIC_URL + "/bots")

    async def whole() -> Message:
        return {"type": "http.request", "body": form, "more_body": False}

    asked = request(whole)
    signature = sign(AUTH_TOKEN, PUBLIC_URL + "/bots/twilio/next", INBOUND)
    asked.scope["headers"].append((SIGNATURE_HEADER.lower().encode(), signature.encode()))
    assert (await read_form(asked, prefixed, [AUTH_TOKEN])).get("AccountSid") == ACCOUNT
