from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.api.stt.origins import Cors, Origins
from bot.api.stt.principal import Principal
from bot.settings import Settings

from .asking import asking, refusing

PAGE, KEYED = "https://shop.example", "https://keyed.example"


def origins_of(**values: Any) -> Origins:
    return Origins(Settings.model_validate({"state_dir": "/nonexistent", **values}))


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://bot.example.com", "https://bot.example.com"),
        ("https://bot.example.com:443/parley", "https://bot.example.com"),
        ("https://bot.example.com:8443", "https://bot.example.com:8443"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_our_own_pages_may(url: str, origin: str) -> None:
    origins = origins_of(public_url=url)
    assert origin in origins
    assert list(origins) == [origin]


def test_all_whose_pages_may() -> None:
    origins = origins_of(public_url="https://bot.example.com", stt_origins=PAGE)
    origins.of_keys = frozenset({KEYED})
    assert set(origins) == {"https://bot.example.com", PAGE, KEYED}
    assert len(origins) == 3
    assert KEYED not in origins.listed
    assert "null" not in origins
    assert "*" not in origins


@pytest.mark.parametrize("host", ["[::1", "bot.example.com:x", ""])
def test_a_host_that_is_none(host: str) -> None:
    with refusing("origin_refused"):
        origins_of(public_url="https://bot.example.com").check(
            asking(host=host, origin=f"http://{host}"), Principal("k")
        )


@pytest.fixture
async def page() -> AsyncIterator[httpx.AsyncClient]:
    """A page of a listed origin, in a browser."""

    async def answer(request: Request) -> Response:
        return PlainTextResponse("read")

    origins = origins_of(public_url="https://bot.example.com", stt_origins=PAGE)
    origins.of_keys = frozenset({KEYED})
    app = Starlette(
        routes=[
            Route(path, answer, methods=["POST"])
            for path in ("/stt/x", "/streaming/x", "/api/x", "/sttx")
        ],
        middleware=[Middleware(Cors, origins=origins)],
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="https://bot.example.com"
    ) as client:
        yield client


def preflight(origin: str, headers: str = "authorization, content-type") -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": headers,
    }


@pytest.mark.parametrize("origin", [PAGE, KEYED, "https://bot.example.com"])
@pytest.mark.parametrize("path", ["/stt/x", "/streaming/x"])
async def test_a_listed_page_may_ask_and_read(
    page: httpx.AsyncClient, path: str, origin: str
) -> None:
    asked = await page.options(path, headers=preflight(origin))
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, origin)
    assert asked.headers["access-control-allow-methods"] == "GET, POST, DELETE"
    assert "Origin" in asked.headers["vary"]
    assert "access-control-allow-credentials" not in asked.headers
    answered = await page.post(path, headers={"Origin": origin})
    assert answered.headers["access-control-allow-origin"] == origin
    assert answered.headers["access-control-expose-headers"] == "Retry-After"
    assert "Origin" in answered.headers["vary"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", f"{PAGE}.evil.example", "*"])
async def test_another_page_may_neither(page: httpx.AsyncClient, origin: str) -> None:
    asked = await page.options("/stt/x", headers=preflight(origin))
    assert (asked.status_code, "access-control-allow-origin" in asked.headers) == (400, False)
    answered = await page.post("/stt/x", headers={"Origin": origin})
    assert "access-control-allow-origin" not in answered.headers


async def test_other_headers_and_paths_are_not_for_pages(page: httpx.AsyncClient) -> None:
    assert (await page.options("/stt/x", headers=preflight(PAGE, "x-else"))).status_code == 400
    for path in ("/api/x", "/sttx"):
        assert (await page.options(path, headers=preflight(PAGE))).status_code == 405
        answered = await page.post(path, headers={"Origin": PAGE})
        assert "access-control-allow-origin" not in answered.headers
