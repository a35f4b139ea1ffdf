"""The stand-in's doors for plain HTTP, and who may come in."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest

from providers.tls import tls_context
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.script import Script
from tests.vendors.speech.talking import talking

from .limits import Limits
from .offer import DEFAULT_VOICE
from .standin import ElevenLabsStandIn

SPEECH = f"/v1/text-to-speech/{DEFAULT_VOICE}/stream"
QUERY = {"output_format": "ulaw_8000"}
BODY = {"text": "Hi", "model_id": "eleven_flash_v2_5"}


async def ask(
    standin: ElevenLabsStandIn, method: str, path: str, key: str | None = None, **more: Any
) -> httpx.Response:
    headers = {"xi-api-key": standin.api_key if key is None else key}
    async with httpx.AsyncClient(verify=tls_context(), base_url=standin.base_url) as client:
        return await client.request(method, path, headers=headers, **more)


def kind(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["detail"]["code"]


@pytest.mark.parametrize(
    ("query", "body", "expected"),
    [
        ({}, BODY, (400, "invalid_parameters")),  # MP3, which is not simulated
        ({"output_format": "ulaw"}, BODY, (400, "invalid_parameters")),
        ({**QUERY, "voice": "x"}, BODY, (422, "invalid_parameters")),
        (QUERY, {}, (422, "invalid_parameters")),
        (QUERY, {**BODY, "text": ""}, (422, "invalid_parameters")),
        (QUERY, {**BODY, "text": "x" * 5_001}, (400, "text_too_long")),
        (QUERY, {**BODY, "colour": "red"}, (422, "invalid_parameters")),
        (QUERY, {**BODY, "model_id": "eleven_v9"}, (400, "model_not_found")),
        (QUERY, {**BODY, "language_code": "tlh"}, (400, "unsupported_language")),
        (
            QUERY,
            {**BODY, "model_id": "eleven_v3", "next_text": "x"},
            (400, "invalid_parameters"),
        ),
        (QUERY, {**BODY, "voice_settings": {"speed": 2}}, (422, "invalid_parameters")),
    ],
)
async def test_what_cannot_be_spoken(
    standin: ElevenLabsStandIn, query: Any, body: Any, expected: tuple[int, str]
) -> None:
    assert kind(await ask(standin, "POST", SPEECH, params=query, json=body)) == expected


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ({}, "model_id"),
        ({"model_id": "scribe_v1"}, "model_id"),
        ({"model_id": "scribe_v2"}, "file"),
        ({"model_id": "scribe_v2", "language_code": "en-US"}, "language_code"),
        ({"model_id": "scribe_v2", "keyterms": "x" * 51}, "keyterms.0"),
        ({"model_id": "scribe_v2", "colour": "red"}, "colour"),
    ],
)
async def test_what_cannot_be_transcribed(
    standin: ElevenLabsStandIn, form: dict[str, str], name: str
) -> None:
    # A field that is no file: a form with none would not be one of many parts.
    fields = [(field, (None, value)) for field, value in form.items()] or [("a", (None, ""))]
    answer = await ask(standin, "POST", "/v1/speech-to-text", files=fields)
    assert answer.status_code == 422
    assert answer.json()["detail"]["param"] == name


async def test_a_recording_that_is_none(script: Script) -> None:
    form = [("model_id", (None, "scribe_v2")), ("file", ("a.wav", b"RIFF"))]
    async with ElevenLabsStandIn(OracleHearing(script), limits=Limits(upload_ms=10)) as standin:
        answer = await ask(standin, "POST", "/v1/speech-to-text", files=form)
        assert kind(answer) == (400, "invalid_audio")
        raw = [("file_format", (None, "pcm_s16le_16")), form[0], ("file", ("a.pcm", bytes(640)))]
        answer = await ask(standin, "POST", "/v1/speech-to-text", files=raw)
        assert kind(answer) == (400, "invalid_parameters")


@pytest.mark.parametrize("query", [{"page_size": "0"}, {"page_size": "101"}, {"page_size": "x"}])
async def test_a_page_that_is_none(standin: ElevenLabsStandIn, query: dict[str, str]) -> None:
    assert (await ask(standin, "GET", "/v2/voices", params=query)).status_code == 422
    token = {"next_page_token": "x"}
    assert (await ask(standin, "GET", "/v2/voices", params=token)).status_code == 400


async def test_who_may_come_in(script: Script) -> None:
    limits = Limits(at_once=0)
    faults = {"models": [Fault("quota")]}
    async with ElevenLabsStandIn(OracleHearing(script), limits=limits, faults=faults) as standin:
        assert kind(await ask(standin, "GET", "/v1/models", key="wrong")) == (401, "quota_exceeded")
        assert kind(await ask(standin, "GET", "/v1/models", key="wrong")) == (
            401,
            "invalid_api_key",
        )
        async with talking(
            f"{standin.ws_url}/v1/speech-to-text/realtime",
            headers={"xi-api-key": standin.api_key},
        ) as talk:
            (error,) = await talk.rest()
            assert error["message_type"] == "rate_limited"
        assert (await ask(standin, "GET", "/v1/nothing")).status_code == 404
        (_, refused) = standin.records["models"]
        assert (refused.key, refused.status) == ("wrong", 401)
        assert orjson.loads(refused.sent[0].data)["detail"]["message"] == "Invalid API key"
