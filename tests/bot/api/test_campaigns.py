from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
from openapi_schema_validator import OAS31Validator
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Mount

from bot.api import contacts
from bot.api.campaigns import CampaignsApi
from bot.api.openapi import describe
from bot.app import explain
from bot.campaign.store import CampaignStore
from bot.campaign.types import Limits
from bot.settings import Settings
from bot.store import Store
from tests.bot.campaign.alive import announce

KEY = "s3cret"
FROM = "+12125550100"
ANN, BOB = "+12125550123", "+12125550134"
SPEC: dict[str, Any] = {
    "name": "autumn",
    "from_numbers": [FROM],
    "window": "00:00-24:00",
    "days": "mon-sun",
}
CSV = {"Content-Type": "text/csv; charset=utf-8"}
PEOPLE = f"phone,name,customer\n{ANN},Ann,=1+1\n{BOB},Bob,7\nxxx,Eve,8\n"
LOSS = {"accept_loss": True}


class Client(httpx.AsyncClient):
    """Asks the API of a worker."""

    def __init__(self, campaigns: CampaignStore, calls: Store, url: str, **values: Any) -> None:
        settings = Settings.model_validate(
            {
                "public_url": "https://bot.example.com",
                "state_dir": "/nonexistent",
                "redis_url": url,
                "twilio_account_sid": "AC" + "0" * 32,
                "twilio_auth_token": "12345",
                **values,
            }
        )
        routes = CampaignsApi(settings, campaigns, calls, url).routes
        app = Starlette(
            routes=[Mount("/api", routes=routes)], exception_handlers={HTTPException: explain}
        )
        transport = httpx.ASGITransport(app)
        authorized = {"Authorization": f"Bearer {KEY}"}
        super().__init__(transport=transport, base_url="http://inside/api", headers=authorized)

    async def made(self, **spec: Any) -> str:
        """The path of a new campaign."""
        response = await self.post("/campaigns", json=SPEC | spec)
        assert response.status_code == 201, response.text
        return f"/campaigns/{response.json()['id']}"


@pytest.fixture
async def campaigns(redis_url: str, redis_prefix: str) -> AsyncIterator[CampaignStore]:
    store = CampaignStore(redis_url, prefix=redis_prefix, deadline_s=10)
    yield store
    await store.aclose()


@pytest.fixture
async def api(campaigns: CampaignStore, store: Store, redis_url: str) -> AsyncIterator[Client]:
    async with Client(campaigns, store, redis_url, api_key=KEY) as api:
        yield api


async def test_a_campaign_from_its_making_to_its_end(
    api: Client, campaigns: CampaignStore, redis_url: str, redis_prefix: str
) -> None:
    one = await api.made()
    assert (await api.get("/campaigns")).json()["campaigns"][0]["name"] == "autumn"
    imported = (await api.post(f"{one}/contacts", content=PEOPLE, headers=CSV)).json()
    assert (imported["rows"], imported["added"], imported["invalid"]) == (3, 2, 1)
    (reject,) = imported["rejects"]
    assert (reject["line"], reject["number"], reject["row"]) == (4, "xxx", "xxx,Eve,8")

    refused = await api.post(f"{one}/start")
    assert refused.status_code == 409
    assert "somebody dialled in it may be dialled again" in refused.text
    started = await api.post(f"{one}/start", json=LOSS)
    assert (started.status_code, started.json()["state"]) == (200, "running")
    assert "no worker is alive" in started.json()["warnings"][0]
    await announce(redis_url, redis_prefix)
    limits = Limits(None, 10, 0, 10_000)
    claims = await campaigns.claim(one.rpartition("/")[2], ["a" * 20], limits)
    assert len(claims.attempts) == 1
    shown = (await api.get(one)).json()
    assert (shown["spec"]["name"], shown["progress"]["live"]) == ("autumn", 1)

    assert (await api.post(f"{one}/pause")).json()["reason"] == "paused over the API"
    assert (await api.post(f"{one}/resume")).json()["state"] == "running"
    assert (await api.delete(one)).status_code == 409
    canceled = (await api.post(f"{one}/cancel")).json()
    assert (canceled["state"], canceled["progress"]["contact_outcomes"]) == (
        "canceled",
        {"canceled": 1},
    )
    assert (await api.delete(one)).status_code == 409
    assert await campaigns.settle("a" * 20, "canceled", None)
    assert (await api.delete(one)).json() == {"deleted": one.rpartition("/")[2]}
    assert (await api.get(one)).status_code == 404


async def test_contacts_as_lines_of_json(api: Client) -> None:
    one = await api.made()
    lines = b"\n".join(
        orjson.dumps({"Mobile": number, "name": "Ann", "n": 1}) for number in (ANN, ANN)
    )
    imported = await api.post(
        f"{one}/contacts",
        params={"column": "number=Mobile"},
        content=lines,
        headers={"Content-Type": "application/x-ndjson"},
    )
    assert (imported.json()["added"], imported.json()["duplicates"]) == (1, 1)
    contact = (await api.get(f"{one}/contacts/{ANN}")).json()
    assert (contact["name"], contact["variables"], contact["state"]) == (
        "Ann",
        {"n": "1"},
        "waiting",
    )
    for nobody in (BOB, "x", f"{ANN}:x", "*"):
        assert (await api.get(f"{one}/contacts/{nobody}")).status_code == 404


async def test_an_import_that_is_none(api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"{await api.made()}/contacts"

    async def post(status: int, said: str, **question: Any) -> None:
        response = await api.post(path, **{"headers": CSV, "content": PEOPLE, **question})
        assert (response.status_code, said in response.text) == (status, True), response.text

    await post(415, "text/csv", headers={"Content-Type": "text/plain"})
    await post(400, "number=Mobile", params={"column": "Mobile"})
    await post(400, "there is no field 'nummer'", params={"column": "nummer=Mobile"})
    await post(400, "delimiter", params={"delimiter": ";;"})
    await post(
        400, "one object in each line", content="[1]", headers={"Content-Type": "application/jsonl"}
    )
    monkeypatch.setattr(contacts, "MAX_BODY_BYTES", 50)
    await post(413, "send it in parts")

    async def pieces() -> AsyncIterator[bytes]:
        yield PEOPLE.encode()

    await post(413, "send it in parts", content=pieces())
    monkeypatch.setattr(contacts, "MAX_BODY_BYTES", 5000)
    monkeypatch.setattr(contacts, "MAX_REJECTS", 3)
    response = await api.post(path, content="phone\n" + "x\n" * 9, headers=CSV)
    assert (response.json()["invalid"], len(response.json()["rejects"])) == (9, 3)
    assert (await api.post(path.replace("contacts", "cancel"))).status_code == 200
    await post(409, "the campaign is canceled")


async def test_a_body_that_does_not_come(api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"{await api.made()}/contacts"
    monkeypatch.setattr(contacts, "PIECE_DEADLINE_S", 0.01)
    sent: list[dict[str, Any]] = []

    async def ask(*messages: dict[str, Any]) -> None:
        coming = iter(messages)

        async def receive() -> dict[str, Any]:
            for message in coming:
                return message
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Any) -> None:
            sent.append(message)

        assert isinstance(api._transport, httpx.ASGITransport)
        headers = [(b"authorization", f"Bearer {KEY}".encode()), (b"content-type", b"text/csv")]
        scope = {
            "type": "http",
            "method": "POST",
            "path": f"/api{path}",
            "query_string": b"",
            "headers": headers,
        }
        await api._transport.app(scope, receive, send)

    first = {"type": "http.request", "body": PEOPLE.encode(), "more_body": True}
    await ask(first)
    await ask(first, {"type": "http.disconnect"})
    assert [message["status"] for message in sent if "status" in message] == [408, 400]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"x", "not JSON"),
        (b"[]", "must be a JSON object"),
        (
            orjson.dumps(SPEC | {"dialog": "os:system"}),
            "may be one of: echo; parley campaign create",
        ),
        (orjson.dumps(SPEC | {"window": "9", "widow": 1}), "window: held '9'; write a part of"),
    ],
)
async def test_a_campaign_that_is_none(api: Client, body: bytes, said: str) -> None:
    response = await api.post("/campaigns", content=body)
    assert (response.status_code, said in response.json()["error"]) == (400, True), response.text
    assert (await api.get("/campaigns")).json() == {"campaigns": []}


@pytest.mark.parametrize("body", [b"x", b"[]", b'{"accept_loss": 1}', b'{"loss": true}'])
async def test_a_start_that_is_none(api: Client, body: bytes) -> None:
    one = await api.made()
    for act in ("start", "resume"):
        assert (await api.post(f"{one}/{act}", content=body)).status_code == 400


async def test_the_table_of_a_campaign(api: Client) -> None:
    one = await api.made()
    await api.post(f"{one}/contacts", content=PEOPLE, headers=CSV)
    response = await api.get(f"{one}/export")
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"].endswith('.csv"')
    rows = {row["number"]: row for row in csv.DictReader(io.StringIO(response.text))}
    assert rows[ANN]["variable.customer"] == "'=1+1"
    assert rows[BOB]["contact_state"] == "waiting"


async def test_the_do_not_call_list(api: Client) -> None:
    assert (await api.get("/do-not-call")).json() == {"numbers": []}
    added = await api.post("/do-not-call", json={"numbers": [ANN, "+1 (212) 555-0134", ANN]})
    assert added.json() == {"added": [ANN, BOB]}
    listed = (await api.get("/do-not-call")).json()["numbers"]
    assert {(entry["number"], entry["source"]) for entry in listed} == {(ANN, "api"), (BOB, "api")}
    assert (await api.delete(f"/do-not-call/{ANN}")).json() == {"removed": ANN}
    for absent in (ANN, "x", "*"):
        assert (await api.delete(f"/do-not-call/{absent}")).status_code == 404
    one = await api.made()
    imported = (await api.post(f"{one}/contacts", content=PEOPLE, headers=CSV)).json()
    assert (imported["added"], imported["do_not_call"]) == (1, 1)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "the body must be"),
        ({"numbers": []}, "the body must be"),
        ({"numbers": [ANN] * 1001}, "with up to 1000"),
        ({"numbers": [ANN], "source": "me"}, "the body must be"),
        ({"numbers": [ANN, "2125550123"]}, "numbers[1] is no number"),
        ({"numbers": [1]}, "numbers[0] is no number"),
    ],
)
async def test_numbers_that_are_none(api: Client, body: dict[str, Any], said: str) -> None:
    response = await api.post("/do-not-call", json=body)
    assert (response.status_code, said in response.text) == (400, True)
    assert (await api.get("/do-not-call")).json() == {"numbers": []}


ROUTES = [
    *[("GET", path) for path in ("", "/aaaaaaaa", "/aaaaaaaa/export", f"/aaaaaaaa/contacts/{ANN}")],
    *[("POST", f"/aaaaaaaa/{act}") for act in ("start", "pause", "resume", "cancel", "contacts")],
    *[("POST", ""), ("DELETE", "/aaaaaaaa")],
]
EVERY = [
    *[(method, f"/campaigns{path}") for method, path in ROUTES],
    *[("GET", "/do-not-call"), ("POST", "/do-not-call"), ("DELETE", f"/do-not-call/{ANN}")],
]


async def test_it_asks_for_the_key(campaigns: CampaignStore, store: Store, redis_url: str) -> None:
    async with (
        Client(campaigns, store, redis_url) as closed,
        Client(campaigns, store, redis_url, api_key="other") as other,
    ):
        for method, path in EVERY:
            assert (await closed.request(method, path)).status_code == 403
            assert (await other.request(method, path)).status_code == 401


async def test_there_is_no_such_campaign(api: Client) -> None:
    for method, path in ROUTES:
        if path:
            response = await api.request(method, f"/campaigns{path}", headers=CSV)
            assert response.status_code == 404, path
            assert response.json() == {"error": "no such campaign"}
    assert (await api.get("/campaigns/aaaaaaaa:live")).status_code == 404


async def test_while_redis_is_away(no_store: Store) -> None:
    url = "unix:///nonexistent/redis.sock"
    away = CampaignStore(url)
    bodies = {"/campaigns": SPEC, "/do-not-call": {"numbers": [ANN]}}
    async with Client(away, no_store, url, api_key=KEY) as api:
        for method, path in EVERY:
            headers = CSV if path.endswith("contacts") else {}
            content = orjson.dumps(bodies[path]) if method == "POST" and path in bodies else b""
            response = await api.request(method, path, content=content, headers=headers)
            assert response.status_code == 503, (method, path)
    await away.aclose()


async def test_answers_are_as_described(api: Client) -> None:
    document = describe("http://127.0.0.1:8080")

    def check(method: str, path: str, response: httpx.Response) -> None:
        answers = document["paths"][path][method]["responses"]
        schema = answers[str(response.status_code)]["content"]["application/json"]["schema"]
        validator = OAS31Validator({**schema, "components": document["components"]})
        assert validator.is_valid(response.json()), list(validator.iter_errors(response.json()))
        assert not validator.is_valid([]), "the schema takes anything"

    check("post", "/campaigns", await api.post("/campaigns", json=SPEC))
    check("post", "/campaigns", await api.post("/campaigns", json={}))
    one, path = await api.made(), "/campaigns/{id}"
    added = await api.post(f"{one}/contacts", content=PEOPLE, headers=CSV)
    check("post", f"{path}/contacts", added)
    check("get", f"{path}/contacts/{{number}}", await api.get(f"{one}/contacts/{ANN}"))
    check("post", f"{path}/start", await api.post(f"{one}/start"))
    check("post", f"{path}/start", await api.post(f"{one}/start", json=LOSS))
    for act in ("pause", "resume", "cancel"):
        check("post", f"{path}/{act}", await api.post(f"{one}/{act}"))
    check("get", path, await api.get(one))
    check("get", "/campaigns", await api.get("/campaigns"))
    check("delete", path, await api.delete(one))
    check("post", "/do-not-call", await api.post("/do-not-call", json={"numbers": [ANN]}))
    check("get", "/do-not-call", await api.get("/do-not-call"))
    check("delete", "/do-not-call/{number}", await api.delete(f"/do-not-call/{ANN}"))


async def test_a_spec_that_is_shown_may_be_sent(api: Client) -> None:
    spec = {**SPEC, "retry": {"busy": {"after_s": 60}}, "ends_at": "2030-01-01T00:00:00Z"}
    first = (await api.post("/campaigns", json=spec)).json()["spec"]
    second = await api.post("/campaigns", json=first)
    assert (second.status_code, second.json()["spec"]) == (201, first)
    schema = describe("")["components"]
    validator = OAS31Validator({"$ref": "#/components/schemas/CampaignSpec", "components": schema})
    assert validator.is_valid(first), list(validator.iter_errors(first))
    assert validator.is_valid(SPEC)
