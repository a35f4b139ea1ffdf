from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path

import httpx
import pytest
import structlog
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Mount

import bot.api.calls
from bot.api.calls import CallsApi
from bot.api.openapi import describe
from bot.app import explain
from bot.dialog.types import Ended, HistoryEntry
from bot.record import Record, now_ms
from bot.settings import Settings
from bot.store import Store
from bot.telephony.requests import MAX_BODY_BYTES
from bot.telephony.rest import TwilioRest
from providers.usage import Use
from tests.bot.reachable import SID, Calls, reaching, twilio

KEY = "s3cret"
NOW_MS = now_ms()
NUMBER = "+15559990000"
SIDS = [f"CA{number:032}" for number in range(5)]
assert SIDS[0] == SID
USES = [
    Use("stt", "soniox", 90_000.0, 0.003, "2026-11-21"),
    Use("tts", "openai-realtime", 40.0, None),
]


class Client(httpx.AsyncClient):
    """Asks the API of a worker, whose `calls` it has at hand."""

    def __init__(
        self, store: Store, tmp_path: Path, rest: TwilioRest | None = None, **values: object
    ) -> None:
        settings = Settings.model_validate(
            {
                "public_url": "http://127.0.0.1:8080",
                "state_dir": tmp_path,
                "twilio_auth_token": "12345",
                **values,
            }
        )
        self.calls = Calls()
        way = reaching(settings, store, self.calls, rest=rest)
        self.routes = CallsApi(settings, store, way, self.calls, lambda: USES).routes
        app = Starlette(
            routes=[Mount("/api", routes=self.routes)],
            exception_handlers={HTTPException: explain},
        )
        super().__init__(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8080")


@pytest.fixture(scope="module", autouse=True)
def described() -> Iterator[None]:
    """Make the description of an address once: it takes longer than most tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bot.api.calls, "describe", cache(describe))
        yield


@pytest.fixture
async def store(redis_url: str, redis_prefix: str) -> AsyncIterator[Store]:
    store = Store(redis_url, prefix=redis_prefix, deadline_s=10)
    for number, sid in enumerate(SIDS):
        store.save(Record(sid, started_ms=NOW_MS + number, from_number="+15550100001"))
        store.append(sid, "key", 5, digit="1")
    assert await store.flush(5)
    yield store
    await store.aclose()


@pytest.fixture
async def api(store: Store, tmp_path: Path) -> AsyncIterator[Client]:
    """The API of a development worker."""
    async with Client(store, tmp_path, dev=True) as api:
        yield api


async def test_a_call(api: Client) -> None:
    response = await api.get(f"/api/calls/{SIDS[0]}")
    assert response.headers["content-type"] == "application/json"
    shown = response.json()
    assert (shown["sid"], shown["from_number"]) == (SIDS[0], "+15550100001")
    assert shown["log"] == [{"kind": "key", "at_ms": 5, "digit": "1"}]


@pytest.mark.parametrize("sid", ["CA1", f"{SIDS[0]}:log", "*", "%00", "é"])
async def test_no_such_call(api: Client, sid: str) -> None:
    assert (await api.get(f"/api/calls/{sid}")).status_code == 404


async def listed(api: Client, **params: int | str) -> list[str]:
    response = await api.get("/api/calls", params=params)
    assert response.status_code == 200
    return [call["sid"] for call in response.json()["calls"]]


async def test_calls_are_listed_newest_first_and_page_by_page(api: Client) -> None:
    assert await listed(api) == SIDS[::-1]
    assert await listed(api, limit=2) == [SIDS[4], SIDS[3]]
    assert await listed(api, limit=2, before_ms=NOW_MS + 3) == [SIDS[2], SIDS[1]]
    assert await listed(api, limit=100_000) == SIDS[::-1]


async def test_calls_of_one_millisecond_are_on_one_page_or_the_next(
    api: Client, store: Store
) -> None:
    for sid in SIDS:
        store.save(Record(sid, started_ms=NOW_MS))
    assert await store.flush(5)
    assert await listed(api, limit=2) == [SIDS[4], SIDS[3]]
    # Whether the call is still there or not.
    assert await store.delete(SIDS[3])
    assert await listed(api, limit=2, before_ms=NOW_MS, before_sid=SIDS[3]) == [SIDS[2], SIDS[1]]
    assert await listed(api, limit=2, before_ms=NOW_MS, before_sid=SIDS[1]) == [SIDS[0]]


@pytest.mark.parametrize("params", [{"before_sid": SIDS[0]}, {"before_ms": 5, "before_sid": "é"}])
async def test_a_place_that_is_none(api: Client, params: dict[str, int | str]) -> None:
    response = await api.get("/api/calls", params=params)
    assert response.status_code == 400
    assert "before_sid must be the SID of a call that began at before_ms" in response.text


@pytest.mark.parametrize("value", ["0", "-1", "x", "", "1e9", "9" * 16])
@pytest.mark.parametrize("name", ["limit", "before_ms"])
async def test_a_number_that_is_none(api: Client, name: str, value: str) -> None:
    response = await api.get("/api/calls", params={name: value})
    assert response.status_code == 400
    assert name in response.text


ROUTES = [
    ("GET", "/api/calls"),
    ("GET", f"/api/calls/{SIDS[0]}"),
    ("DELETE", f"/api/calls/{SIDS[0]}"),
    ("POST", f"/api/calls/{SIDS[0]}/hangup"),
    ("POST", f"/api/calls/{SIDS[0]}/transfer"),
]


@pytest.mark.parametrize(("method", "path"), [*ROUTES, ("GET", "/api/usage")])
async def test_a_key_opens_it(store: Store, tmp_path: Path, method: str, path: str) -> None:
    for dev in (False, True):
        async with Client(store, tmp_path, api_key=KEY, dev=dev) as api:
            good = await api.request(method, path, headers={"Authorization": f"Bearer {KEY}"})
            assert good.status_code not in (401, 403)
            for wrong in ("", "Bearer", f"Basic {KEY}", "Bearer other", f"Bearer {KEY}x"):
                refused = await api.request(method, path, headers={"Authorization": wrong})
                assert refused.status_code == 401
                assert refused.headers["www-authenticate"] == "Bearer"
            assert (await api.request(method, path)).status_code == 401


@pytest.mark.parametrize(("method", "path"), [*ROUTES, ("GET", "/api/usage")])
async def test_without_a_key_it_is_closed(
    store: Store, tmp_path: Path, method: str, path: str
) -> None:
    async with Client(store, tmp_path) as api:
        api.calls.here.add(SIDS[0])
        response = await api.request(method, path)
    assert response.status_code == 403
    assert "PARLEY_API_KEY" in response.text
    assert api.calls.commands == []


PUBLIC = "https://bot.example.com"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:8080", "Origin": "http://localhost:8080"}, 200),
        ({"Host": "[::1]:8080"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "[::1"}, 403),
        ({"Host": ""}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:3000"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
async def test_a_development_worker_is_closed_to_the_pages_of_others(
    store: Store, tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    async with Client(store, tmp_path, dev=True) as api:
        assert (await api.get("/api/calls", headers=headers)).status_code == status
    async with Client(store, tmp_path, api_key=KEY) as api:
        keyed = {**headers, "Authorization": f"Bearer {KEY}"}
        assert (await api.get("/api/calls", headers=keyed)).status_code == 200


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_a_development_worker_that_others_can_reach_is_closed_without_a_key(
    store: Store, tmp_path: Path, method: str, path: str
) -> None:
    with structlog.testing.capture_logs() as logs:
        client = Client(store, tmp_path, dev=True, public_url=PUBLIC)
    async with client as api:
        api.calls.here.add(SIDS[0])
        response = await api.request(method, path)
    assert response.status_code == 403
    assert "set PARLEY_API_KEY to open it" in response.text
    assert api.calls.commands == []
    assert logs == [
        {
            "event": "API closed: set PARLEY_API_KEY to open it",
            "log_level": "warning",
            "url": PUBLIC,
        }
    ]


async def test_a_key_opens_a_development_worker_that_others_can_reach(
    store: Store, tmp_path: Path
) -> None:
    with structlog.testing.capture_logs() as logs:
        client = Client(store, tmp_path, dev=True, public_url=PUBLIC, api_key=KEY)
    async with client as api:
        refused = await api.get("/api/calls")
        assert (refused.status_code, "PARLEY_API_KEY" in refused.text) == (401, True)
        good = await api.get("/api/calls", headers={"Authorization": f"Bearer {KEY}"})
        assert good.status_code == 200
    assert logs == []


@pytest.mark.parametrize("given", ["Bearer ", "Bearer", "Bearer  "])
async def test_an_empty_key_opens_nothing(store: Store, tmp_path: Path, given: str) -> None:
    settings = Settings.model_validate({"public_url": PUBLIC, "state_dir": tmp_path})
    settings = settings.model_copy(update={"api_key": SecretStr("")})
    calls = Calls()
    api = CallsApi(settings, store, reaching(settings, store, calls), calls, list)
    app = Starlette(routes=api.routes, exception_handlers={HTTPException: explain})
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://inside") as client:
        response = await client.get("/calls", headers={"Authorization": given})
    assert response.status_code == 403


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_while_redis_is_away(tmp_path: Path, method: str, path: str) -> None:
    away = Store("unix:///nonexistent/redis.sock")
    async with Client(away, tmp_path, dev=True) as api:
        response = await api.request(method, path, json={"to": NUMBER})
        assert response.status_code == 503
    await away.aclose()


# Commands


async def test_a_call_is_hung_up(api: Client) -> None:
    api.calls.here.add(SIDS[0])
    response = await api.post(f"/api/calls/{SIDS[0]}/hangup")
    assert (response.status_code, response.json()) == (200, {"sid": SIDS[0], "command": "hangup"})
    (command,) = api.calls.commands
    assert (command.kind, command.sid, command.reason) == ("hangup", SIDS[0], "api")


@pytest.mark.parametrize("caller_id", [None, "+15551234567"])
async def test_a_call_is_transferred(api: Client, caller_id: str | None) -> None:
    api.calls.here.add(SIDS[0])
    body = {"to": NUMBER} if caller_id is None else {"to": NUMBER, "caller_id": caller_id}
    response = await api.post(f"/api/calls/{SIDS[0]}/transfer", json=body)
    assert (response.status_code, response.json()["command"]) == (200, "transfer")
    (command,) = api.calls.commands
    assert (command.kind, command.to, command.caller_id) == ("transfer", NUMBER, caller_id)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[]", "must be"),
        (b"{}", "must be"),
        (b'{"to": 1}', "must be"),
        (b'{"to": "+15559990000", "caller_id": 1}', "caller_id must be"),
        (b'{"to": "+15559990000", "form": "+1555"}', "must be"),
        (b'{"to": "5559990000"}', "write a number as"),
        (b'{"to": "+15559990000", "caller_id": "Ann"}', "caller_id must be"),
        (b'{"to": "+15559990000", "caller_id": "+15551234567\\n"}', "caller_id must be"),
    ],
)
async def test_a_transfer_that_is_none(api: Client, body: bytes, fault: str) -> None:
    api.calls.here.add(SIDS[0])
    response = await api.post(f"/api/calls/{SIDS[0]}/transfer", content=body)
    assert response.status_code == 400
    assert fault in response.text
    assert api.calls.commands == []


async def test_a_body_that_is_too_large(api: Client) -> None:
    body = b'{"to": "' + b"1" * MAX_BODY_BYTES + b'"}'
    response = await api.post(f"/api/calls/{SIDS[0]}/transfer", content=body)
    assert response.status_code == 413


async def test_a_call_that_cannot_be_hung_up(api: Client, store: Store) -> None:
    async def hang_up(sid: str) -> int:
        return (await api.post(f"/api/calls/{sid}/hangup")).status_code

    assert await hang_up("CA9") == 404
    assert await hang_up(f"{SIDS[0]}:log") == 404
    await store.finish(SIDS[0], Ended("caller", "hung up"))
    assert await hang_up(SIDS[0]) == 409
    # Nobody holds it, and there are no credentials for Twilio's REST.
    assert await hang_up(SIDS[1]) == 503
    assert api.calls.ends == []


async def test_a_call_that_ends_with_its_command_is_seen_to(store: Store, tmp_path: Path) -> None:
    async with twilio() as at, Client(store, tmp_path, dev=True, rest=at.rest) as api:
        assert (await api.post(f"/api/calls/{SID}/hangup")).status_code == 200
        assert (await api.post(f"/api/calls/{SIDS[1]}/hangup")).status_code == 409
        assert at.call.status == "completed"
    assert api.calls.ends == [(SID, Ended("bot", "api")), (SIDS[1], Ended("unknown", "gone"))]


# Deleting


async def test_what_is_kept_of_a_call_is_deleted(store: Store, tmp_path: Path) -> None:
    here, gone, foreign = (
        tmp_path / f"{SIDS[0]}-1.wav",
        tmp_path / f"{SIDS[0]}-2.wav",
        tmp_path / "letter.txt",
    )
    for path in (here, foreign):
        path.write_bytes(b"RIFF")
    record = Record(SIDS[0], started_ms=NOW_MS, recordings=[str(p) for p in (here, gone, foreign)])
    await store.commit(record)
    await store.finish(SIDS[0], Ended("caller", "hung up"))
    async with Client(store, tmp_path, dev=True, recordings=tmp_path) as api:
        response = await api.delete(f"/api/calls/{SIDS[0]}")
        assert (response.status_code, response.json()) == (
            200,
            {"deleted": SIDS[0], "recordings": [str(here)], "missing": [str(gone)]},
        )
        assert (here.exists(), foreign.exists()) == (False, True)
        assert (await api.get(f"/api/calls/{SIDS[0]}")).status_code == 404
        assert (await api.delete(f"/api/calls/{SIDS[0]}")).status_code == 404


async def test_a_call_in_progress_is_not_deleted(api: Client, store: Store) -> None:
    assert (await api.delete(f"/api/calls/{SIDS[0]}")).status_code == 409
    assert await store.load(SIDS[0]) is not None


async def test_a_recording_that_cannot_be_deleted_keeps_its_record(
    store: Store, tmp_path: Path
) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    recording = locked / f"{SIDS[0]}-1.wav"
    recording.write_bytes(b"RIFF")
    await store.commit(Record(SIDS[0], started_ms=NOW_MS, recordings=[str(recording)]))
    await store.finish(SIDS[0], Ended("caller", "hung up"))

    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    async with Client(store, tmp_path, dev=True) as api:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Path, "unlink", refuse)  # root may delete what the mode forbids
            response = await api.delete(f"/api/calls/{SIDS[0]}")
        assert (response.status_code, "Permission denied" in response.text) == (500, True)
        assert str(tmp_path) not in response.text
        assert (await api.get(f"/api/calls/{SIDS[0]}")).status_code == 200


# Usage


async def test_what_providers_were_used_for(api: Client) -> None:
    response = await api.get("/api/usage")
    assert (response.status_code, response.json()) == (
        200,
        {
            "usage": [
                {
                    "kind": "stt",
                    "provider": "soniox",
                    "amount": 90_000.0,
                    "usd": 0.003,
                    "priced": "2026-11-21",
                },
                {
                    "kind": "tts",
                    "provider": "openai-realtime",
                    "amount": 40.0,
                    "usd": None,
                    "priced": "",
                },
            ]
        },
    )


# The description


async def test_the_description_is_valid_and_open_to_all(store: Store, tmp_path: Path) -> None:
    async with Client(store, tmp_path) as api:
        response = await api.get("/api/openapi.json")
    assert response.status_code == 200
    document = response.json()
    OpenAPIV31SpecValidator(document).validate()
    assert document["servers"] == [{"url": "http://127.0.0.1:8080/api"}]


async def test_answers_are_as_described(api: Client, store: Store) -> None:
    record = Record(
        SIDS[0],
        started_ms=NOW_MS,
        history=[HistoryEntry("caller", "hello", "hello", 0, 1)],
        pending={"action": "hangup", "reason": "x"},
        counters={"marks": 1},
        latencies=[{"reply_ms": 1.5}],
    )
    await store.commit(record)
    await store.finish(SIDS[0], Ended("caller", "hung up"))
    document = (await api.get("/api/openapi.json")).json()

    def check(path: str, method: str, response: httpx.Response) -> None:
        answers = document["paths"][path][method]["responses"]
        schema = answers[str(response.status_code)]["content"]["application/json"]["schema"]
        validator = OAS31Validator({**schema, "components": document["components"]})
        assert validator.is_valid(response.json()), list(validator.iter_errors(response.json()))
        assert not validator.is_valid([]), "the schema takes anything"

    check("/calls", "get", await api.get("/api/calls"))
    check("/usage", "get", await api.get("/api/usage"))
    check("/calls/{sid}", "get", await api.get(f"/api/calls/{SIDS[0]}"))
    check("/calls/{sid}/hangup", "post", await api.post(f"/api/calls/{SIDS[0]}/hangup"))
    check("/calls/{sid}", "delete", await api.delete(f"/api/calls/{SIDS[0]}"))
    api.calls.here.add(SIDS[1])
    check("/calls/{sid}/hangup", "post", await api.post(f"/api/calls/{SIDS[1]}/hangup"))
