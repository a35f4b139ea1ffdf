from __future__ import annotations

from collections import Counter
from typing import Any

import jsonschema
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.routing import Route, WebSocketRoute

from bot.api.stt import asyncapi
from bot.api.stt.faults import FAULTS
from bot.api.stt.openapi import describe
from bot.api.stt.parameters import PARAMETERS
from bot.api.stt.service import SttService
from bot.api.stt.tally import Tally, total
from bot.inbox import Inbox
from bot.metrics import Metrics
from bot.settings import Settings

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
    # A reader that is too slow is told so on a WebSocket alone; the others are of no operation.
    astray = {"not_found", "method_not_allowed", "not_a_websocket"}
    assert found == set(FAULTS) - {"slow_reader"} - astray


def test_where_no_key_is_needed_that_is_said() -> None:
    assert {} not in DOCUMENT["security"]
    assert {} in describe("http://127.0.0.1:8080", keyless=True)["security"]


def test_statistics_are_as_described() -> None:
    tally = Tally(Metrics())
    tally.began("asr", resumed=False)
    tally.failed("deepgram")
    tally.switched("deepgram", "soniox")
    tally.took("start", 0.02)
    own = tally.values({"asr": 1}, {"soniox": "well"})
    schema = DOCUMENT["components"]["schemas"]["Stats"]
    for told in ([], [own], [own, own]):
        jsonschema.validate({"shared": True, **total(told)}, schema)
    described, told_of = schema["properties"], {"shared", *total([own])}
    assert set(described) == told_of
    assert set(described["sessions"]["properties"]) == set(total([own])["sessions"])


async def test_every_route_is_described() -> None:
    settings = Settings.model_validate(
        {"public_url": "http://127.0.0.1:8080", "state_dir": "/nonexistent"}
    )
    metrics, url = Metrics(), "unix:///nonexistent/redis.sock"
    inbox = Inbox(url, "w", prefix="", metrics=metrics)
    nobody: Any = None
    service = SttService(
        settings,
        url,
        "w",
        engines=nobody,
        account=nobody,
        ears=nobody,
        inbox=inbox,
        metrics=metrics,
        calls=Counter,
    )
    routes = {
        (method, route.path)
        for route in service.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    sockets = {route.path for route in service.routes if isinstance(route, WebSocketRoute)}
    await service.aclose()
    await inbox.aclose()
    described = {
        (method.upper(), path)
        for path, item in DOCUMENT["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert described - routes == {("GET", "/health")}
    # By plain HTTP a WebSocket only says what it is.
    assert routes - {("GET", path) for path in sockets} <= described
    channels = asyncapi.describe("http://127.0.0.1:8080")["channels"].values()
    assert sockets == {channel["address"] for channel in channels}
