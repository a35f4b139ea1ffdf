from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.api.stt.astray import upgrades
from bot.app import explain


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async def answer(request: Request) -> Response:
        return Response()

    app = Starlette(
        routes=[*upgrades(["/stt/stream"]), Route("/stt/token", answer, methods=["POST"])],
        exception_handlers={HTTPException: explain},
    )
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as made:
        yield made


async def test_who_asks_a_websocket_by_http_is_told_what_it_is(client: httpx.AsyncClient) -> None:
    answer = await client.get("/stt/stream")
    assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")
    assert answer.json()["code"] == "not_a_websocket"
    assert answer.json()["timestamp"] > 0


@pytest.mark.parametrize(
    ("path", "status", "code", "allowed"),
    [
        ("/stt/nowhere", 404, "not_found", ["/stt/openapi.json"]),
        ("/stt/token", 405, "method_not_allowed", ["POST"]),
    ],
)
async def test_what_is_not_there_is_an_error_as_the_others_are(
    client: httpx.AsyncClient, path: str, status: int, code: str, allowed: list[str]
) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["allowed"] == allowed
    assert answer.json()["timestamp"] > 0


async def test_other_addresses_are_answered_as_before(client: httpx.AsyncClient) -> None:
    assert (await client.get("/nowhere")).json() == {"error": "Not Found"}
