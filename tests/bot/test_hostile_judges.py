"""What the judges of `python -m tests.bot.hostile` would not let pass."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from bot.phone.call import PhoneConfig
from bot.telephony.admission import MAX_UNPROVEN
from bot.telephony.signature import SIGNATURE_HEADER
from tests.serving import serving_app

from .hostile import sockets, storm
from .hostile.__main__ import _report
from .hostile.messages import CLOSE_CODES, Fate, ending_message
from .hostile.streams import Admitted
from .hostile.webhooks import WEBHOOK_KINDS
from .observed import Observed


async def _silent(websocket: WebSocket) -> None:
    """Takes every signed socket, and holds it for as long as its peer stays."""
    if not websocket.headers.get(SIGNATURE_HEADER):
        await websocket.send_denial_response(PlainTextResponse("signature", 403))
        return
    await websocket.accept()
    await websocket.receive()


async def _nothing(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("")


@asynccontextmanager
async def careless_worker(tmp_path: Path) -> AsyncIterator[Observed]:
    """Holds any number of sockets, and does not list its calls. It is this very process."""
    app = Starlette(
        routes=[
            Route("/metrics", _nothing),
            Route("/api/calls", _nothing),
            WebSocketRoute("/twilio/media", _silent),
        ]
    )
    async with serving_app(app) as served:
        yield Observed(PhoneConfig(served.url, "12345"), os.getpid(), tmp_path, tmp_path)


async def test_a_worker_that_holds_silent_sockets_without_a_limit_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "CROWDED_OUT_S", 0.05)
    async with careless_worker(tmp_path) as worker:
        most = MAX_UNPROVEN // 2  # each has two ends here
        few = await sockets.silent_sockets(worker, most, callers=0, patient=False)
        assert few.faults == []
        many = await sockets.silent_sockets(worker, 2 * (most + 8), callers=0, patient=False)
        assert many.faults == [f"80 silent sockets were held, more than {MAX_UNPROVEN}"]


async def test_a_storm_whose_watch_dies_is_over(tmp_path: Path) -> None:
    async with careless_worker(tmp_path) as worker, asyncio.timeout(10):
        with pytest.raises(ExceptionGroup):
            await storm.storm(worker, 0, 1, seed=1, seconds=3_600, kinds=WEBHOOK_KINDS[:1])


def test_a_storm_that_hit_no_call_shows_nothing() -> None:
    assert _report(storm.Storm(aimed=1)) == []
    assert _report(storm.Storm()) == ["nothing was aimed at a call in progress"]


def test_every_ending_has_a_code() -> None:
    kinds = {ending_message(Random(n), ("AC1", "CA1")).kind for n in range(50)}
    assert kinds == CLOSE_CODES.keys()


@pytest.mark.parametrize(
    ("kind", "code", "fault"),
    [
        ("too long", 1009, ""),
        ("stop", 1006, "stream ended by stop: closed with 1006, not 1000"),
        ("bad UTF-8", 1000, "stream ended by bad UTF-8: closed with 1000, not 1007"),
        ("too long", None, "stream ended by too long: closed with None, not 1009"),
    ],
)
async def test_a_stream_that_is_closed_with_another_code_is_seen(
    kind: str, code: int | None, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def closed(*_: object) -> Admitted:
        return Admitted(Counter({Fate.END: 1}), ending=(kind, code))

    monkeypatch.setattr(storm, "admitted_stream", closed)
    result = storm.Storm()
    attack = storm._Attack(PhoneConfig("http://127.0.0.1:1", "12345"), result, Random(1), 0)
    await attack.run(1, 0, WEBHOOK_KINDS)
    assert result.faults == ([fault] if fault else [])
