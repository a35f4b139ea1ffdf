"""The routes of a worker, and streams that its sockets carry; all without Redis."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import Message

from bot.api.calls import CallsApi
from bot.api.stt.origins import Origins
from bot.app import build_app
from bot.dialog import Ended
from bot.metrics import Metrics
from bot.numbers import BotSettings
from bot.parts import Socket
from bot.record import Record
from bot.settings import Settings
from bot.store import Store
from bot.telephony.address import Address
from bot.telephony.admission import Admission
from bot.telephony.memory import SharedMemory
from bot.telephony.signature import SIGNATURE_HEADER, sign
from bot.telephony.token import derive_key, mint
from bot.telephony.webhooks import Webhooks
from media.messages import Connected, Start
from media.twilio import render_event

from .reachable import Calls as Unreached
from .reachable import reaching

TOKEN = "12345"
URL = "http://127.0.0.1:8080"
STREAM_URL = "ws://127.0.0.1:8080/twilio/media"
SID = "CA" + "0" * 32
ACCOUNT = "AC" + "0" * 32
STREAM = "MZ" + "0" * 32
ATTEMPT = "0123456789abcdef0123"
PROVIDERS = {"stt": {"soniox": "well"}}


@dataclass
class Calls:
    """What the app gives streams to."""

    active: int = 3
    draining: bool = False
    carried: list[tuple[Start, Record]] = field(default_factory=list)
    received: list[str | bytes | None] = field(default_factory=list)

    def holds(self, sid: str) -> bool:
        return False

    def latest(self, sid: str) -> int | None:
        return None

    def recognizer_full(self, bot: BotSettings) -> bool:
        return False

    def expect(self, sid: str, bot: BotSettings, *, dialled: bool = False) -> None:
        pass

    def came_back(self, sid: str) -> None:
        pass

    async def end(self, sid: str, ended: Ended) -> None:
        pass

    async def carry(
        self, socket: Socket, start: Start, record: Record, silent_ms: int | None = None
    ) -> None:
        self.carried.append((start, record))
        self.received: list[str | bytes] = []
        await socket.listen(self.received.append)


class App:
    def __init__(self, app: Starlette, calls: Calls) -> None:
        self.app = app
        self.calls = calls
        self.ready = True
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL)


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    settings = Settings.model_validate(
        {"public_url": URL, "state_dir": tmp_path, "twilio_auth_token": TOKEN, "dev": True}
    )
    store = Store("unix:///nonexistent/redis.sock")
    metrics, memory, calls = Metrics(), SharedMemory(store), Calls()
    nobody = reaching(settings, store, Unreached())
    built = build_app(
        webhooks=Webhooks(settings, store, memory, calls, nobody, metrics),
        admission=Admission(
            Address(URL), [TOKEN], store, memory, worker="w", metrics=metrics, latest=calls.latest
        ),
        calls=calls,  # type: ignore[arg-type]
        api=CallsApi(settings, store, nobody, calls, list).routes,
        metrics=metrics,
        stt=[],
        pages=[],
        origins=Origins(settings),
        health=lambda: {"calls": calls.active, "providers": PROVIDERS},
        ready=lambda: whole.ready,
    )
    whole = App(built, calls)
    yield whole
    await whole.client.aclose()
    await store.aclose()


async def test_health_readiness_and_metrics(app: App) -> None:
    health = {"status": "ok", "calls": 3, "providers": PROVIDERS}
    assert (await app.client.get("/health")).json() == health
    assert (await app.client.get("/ready")).status_code == 200
    app.ready = False
    refused = await app.client.get("/ready")
    assert (refused.status_code, refused.json()) == (503, {"status": "not ready"})
    metrics = await app.client.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert "parley_calls_active" in metrics.text


async def test_what_is_wrong_is_said_in_json(app: App) -> None:
    for response, status in [
        (await app.client.get("/nowhere"), 404),
        (await app.client.post("/twilio/voice/"), 404),
        (await app.client.get("/twilio/voice"), 405),
        (await app.client.post("/twilio/voice", data={"CallSid": SID}), 403),
        (await app.client.get("/api/calls"), 503),
    ]:
        assert response.status_code == status
        assert response.json()["error"]


async def stream(app: App, token: str, *messages: Message) -> list[Message]:
    """Open a signed stream with `token`, let it send `messages`; what the worker sent."""
    start = Start(
        STREAM,
        ACCOUNT,
        SID,
        {
            "token": token,
            "from": "+15550100001",
            "to": "+15550100002",
            "direction": "outbound",
            "attempt": ATTEMPT,
            "order": "7",
        },
    )
    inbox: list[Message] = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": render_event(Connected(), STREAM)},
        {"type": "websocket.receive", "text": render_event(start, STREAM)},
        *messages,
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return inbox.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    signature = sign(TOKEN, STREAM_URL)
    scope = {
        "type": "websocket",
        "scheme": "ws",
        "path": "/twilio/media",
        "query_string": b"",
        "headers": [(SIGNATURE_HEADER.lower().encode(), signature.encode())],
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
    }
    await app.app(scope, receive, send)
    return sent


def token(now_s: float) -> str:
    return mint(derive_key(TOKEN), SID, ACCOUNT, 1, now_s, "nonce")


async def test_a_stream_is_carried_with_what_it_says_of_itself(app: App) -> None:
    sent = await stream(
        app,
        token(time.time()),
        {"type": "websocket.receive", "text": ""},
        {"type": "websocket.receive", "bytes": b"\x00"},
        {"type": "websocket.disconnect", "code": 1006},
    )
    ((start, record),) = app.calls.carried
    assert start.stream_sid == STREAM
    # Redis is away: no record but this.
    assert (record.sid, record.account_sid, record.generation) == (SID, ACCOUNT, 1)
    assert (record.from_number, record.to_number) == ("+15550100001", "+15550100002")
    assert record.direction == "outbound"
    assert record.parameters == {"order": "7"}
    assert record.attempt == ATTEMPT
    assert app.calls.received == ["", b"\x00"]
    assert sent[0]["type"] == "websocket.accept"


async def test_a_stream_with_an_old_token_is_not_carried(app: App) -> None:
    sent = await stream(app, token(0))
    assert app.calls.carried == []
    assert sent[-1] == {"type": "websocket.close", "code": 1008, "reason": ""}
