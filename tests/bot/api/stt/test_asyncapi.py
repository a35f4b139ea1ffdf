from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import jsonschema
import orjson
import pytest

from bot.api.stt import messages, schemas
from bot.api.stt.asked import SessionRequest
from bot.api.stt.asyncapi import describe
from bot.api.stt.controls import CONTROL_TYPES
from bot.api.stt.faults import FAULTS, Fault
from bot.api.stt.parameters import PARAMETERS
from providers.results import Word

from .described import Described

DOCUMENT = describe("https://parley.example")
ID = "6f1c2c0e-9f55-4d3a-8b58-0d3f0a0a0a0a"
NOW = datetime(2026, 11, 22, 3, 4, 5, 678_000, UTC)
REQUEST = SessionRequest(ignored=("vad",))
SAID = messages.Transcription(
    session_id=ID,
    sequence=1,
    text="good morning",
    is_final=True,
    confidence=0.75,
    language=None,
    timestamp=NOW,
    start_ms=0,
    end_ms=900,
    words=(Word("good", 0, 400, 0.5), Word("morning", 400, 900, None, "1")),
    provider="deepgram",
    channel=0,
)
TOLD: list[messages.Message] = [
    messages.SessionStarted.of(REQUEST, session_id=ID, provider="deepgram", expires_after_s=300.0),
    SAID,
    messages.Finalized(sequence=1, timestamp=NOW),
    messages.KeptAlive(timestamp=NOW),
    messages.ConfigApplied.of(REQUEST, NOW),
    messages.SessionEnded(
        session_id=ID,
        reason="client",
        text="",
        confidence=None,
        audio_ms=0,
        sequence=0,
        timestamp=NOW,
    ),
]
ASR_TOLD = [
    messages.AsrReady.of(REQUEST, session_id=ID, provider="deepgram"),
    messages.AsrTranscript(text="good", is_final=False, confidence=None),
    messages.AsrComplete(),
]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from references(part)


def test_every_reference_leads_somewhere() -> None:
    found = set(references(DOCUMENT))
    assert found
    for reference in found:
        place = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def test_every_schema_is_one() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("message", TOLD)
def test_messages_are_as_described(message: messages.Message) -> None:
    Described("stream").check(messages.render(message))


@pytest.mark.parametrize("message", ASR_TOLD)
def test_messages_to_other_services_clients_are(message: messages.AsrMessage) -> None:
    Described("asrStream").check(messages.render(message))


def test_every_message_is_described_and_tried() -> None:
    assert [type(message) for message in TOLD] == [*messages.SERVER_MESSAGES]
    assert [type(message) for message in ASR_TOLD] == [*messages.ASR_MESSAGES]
    told = {schemas.name_of(kind) for kind in messages.SERVER_MESSAGES} | {"error"}
    assert set(Described("stream").told) == told


@pytest.mark.parametrize("code", FAULTS)
def test_errors_are_as_described(code: str) -> None:
    for fault in (Fault(code, "no"), Fault(code, "no", allowed=[1], retry_after_s=1.0)):
        Described("stream").check(messages.error(fault, 1.5))
        Described("asrStream").check(messages.asr_error(fault, 1.5))


@pytest.mark.parametrize(
    "change",
    [
        {"more": 1},
        {"confidence": 1.5},
        {"timestamp": "today"},
        {"session_id": "mine"},
        {"words": [{}]},
        {"sequence": -1},
        {"type": "transcript"},
    ],
)
def test_a_message_that_differs_is_found(change: dict[str, Any]) -> None:
    said = orjson.loads(messages.render(SAID))
    with pytest.raises((jsonschema.ValidationError, KeyError)):
        Described("stream").check(orjson.dumps({**said, **change}))
    del said["words"]
    with pytest.raises(jsonschema.ValidationError):
        Described("stream").check(orjson.dumps(said))


def test_what_clients_may_say_is_described() -> None:
    said = DOCUMENT["channels"]["stream"]["messages"]
    assert {f"{name}Control" for name in CONTROL_TYPES} < set(said)
    assert set(DOCUMENT["channels"]["stream"]["bindings"]["ws"]["query"]["properties"]) == set(
        PARAMETERS
    )


def test_every_reason_of_a_close_is_described() -> None:
    closes = {(close["code"], close["reason"]) for close in DOCUMENT["channels"]["stream"][CLOSES]}
    assert (1000, "client") in closes
    assert {(kind.close, kind.code) for kind in FAULTS.values() if kind.ends} < closes


CLOSES = "x-close-codes"


@pytest.mark.parametrize(
    ("url", "host", "protocol"),
    [
        ("https://parley.example", "parley.example", "wss"),
        ("http://127.0.0.1:8080", "127.0.0.1:8080", "ws"),
    ],
)
def test_where_it_is(url: str, host: str, protocol: str) -> None:
    server = describe(url)["servers"]["parley"]
    assert (server["host"], server["protocol"]) == (host, protocol)


def test_it_is_said_how_containers_are_resumed_and_whose_rate_is_told() -> None:
    started = DOCUMENT["components"]["schemas"]["SessionStarted"]["properties"]
    assert "begins anew" in started["audio_ms"]["description"]
    assert "bare audio" in started["sample_rate"]["description"]
    assert "bare audio" in started["channels"]["description"]
    assert "begins anew" in PARAMETERS["session_id"].meaning
