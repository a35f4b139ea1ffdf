"""The web pages: all that they name is served, and nothing else is loaded or run."""

from __future__ import annotations

import re
from urllib.parse import urljoin

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from bot.console.pages import page_routes

PAGES = [route.path for route in page_routes() if route.path.count("/") == 2]
OURS = "http://here"
# What a page or a script names, by the folder against which the browser reads it.
NAMED = re.compile(r"""(?:\b(?:href|src)=|\bfrom |\bURL\()["']([^"':]+\.(?:js|css|html))["']""")
BY_HAND = re.compile(r"""\son\w+=|\sstyle=|<style|<script(?![^>]*\ssrc=)|javascript:""")


@pytest.fixture
def client() -> httpx.AsyncClient:
    app = Starlette(routes=[Route("/health", lambda request: None), *page_routes()])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=OURS)


@pytest.mark.parametrize("path", PAGES)
async def test_all_that_a_page_names_is_served(client: httpx.AsyncClient, path: str) -> None:
    names, known = [path], set[str]()
    async with client:
        while names:
            name = names.pop()
            known.add(name)
            answer = await client.get(name)
            assert answer.status_code == 200, name
            assert answer.headers["x-content-type-options"] == "nosniff"
            found = {urljoin(name, other) for other in NAMED.findall(answer.text)}
            names += found - known
    assert known == {route.path for route in page_routes() if route.path.startswith(path)}


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_runs_and_loads_nothing_but_our_files(
    client: httpx.AsyncClient, path: str
) -> None:
    async with client:
        answer = await client.get(path)
    rules = dict(
        rule.strip().partition(" ")[::2]
        for rule in answer.headers["content-security-policy"].split(";")
    )
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert not BY_HAND.search(answer.text)
    assert not re.search(r"https?://", answer.text)
    labels = len(re.findall(r"<label\b", answer.text))
    assert labels == len(re.findall(r"<(?:input|select|textarea)\b", answer.text)) > 0
