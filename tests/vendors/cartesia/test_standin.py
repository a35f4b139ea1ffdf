"""The stand-in for Cartesia is as strict as Cartesia, where its SDK is not rude enough."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import urlencode

import httpx
import orjson
import pytest
from websockets.exceptions import InvalidStatus

from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.refusal import Json
from tests.vendors.speech.script import Script
from tests.vendors.speech.talking import talking
from tests.virtual_time import virtual_time_on_sockets

from .limits import Limits
from .offer import VOICES
from .standin import CartesiaStandIn

KEY = {"X-API-Key": "stand-in-key", "cartesia-version": "2026-08-14"}
MANUAL, TURNS, TTS = "/stt/websocket", "/stt/turns/websocket", "/tts/websocket"
INK = {"model": "ink-2", "encoding": "pcm_mulaw", "sample_rate": "8000"}
TEXT: Json = {
    "context_id": "c1",
    "transcript": "Yes.",
    "model_id": "sonic-3.5",
    "voice": {"mode": "id", "id": next(iter(VOICES))},
    "output_format": {"container": "raw", "encoding": "pcm_mulaw", "sample_rate": 8_000},
}


def address(standin: CartesiaStandIn, path: str, **query: str) -> str:
    asked = query if path == TTS else {**INK, **query}
    return f"{standin.ws_url}{path}?{urlencode(asked)}"


async def status_of(
    standin: CartesiaStandIn, path: str, headers: Mapping[str, str] = KEY, **query: str
) -> int:
    """With which a handshake is refused; 101 if it is not."""
    try:
        async with talking(address(standin, path, **query), headers=headers):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


async def test_who_may_come_in(standin: CartesiaStandIn, script: Script) -> None:
    for path in (MANUAL, TURNS, TTS):
        assert await status_of(standin, path) == 101
        assert await status_of(standin, path, {"cartesia-version": "2026-08-14"}) == 401
        # Without a version nothing is spoken.
        assert await status_of(standin, path, {"X-API-Key": "stand-in-key"}) == 400
    limits = Limits(stt_at_once=0, sockets=0)
    async with CartesiaStandIn(OracleHearing(script), limits=limits) as full:
        for path in (MANUAL, TURNS, TTS):
            assert await status_of(full, path) == 429


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (MANUAL, {"model": "nova-3"}),
        (MANUAL, {"language": "de"}),
        (MANUAL, {"min_volume": "0.1"}),
        (MANUAL, {"interim_results": "true"}),
        (MANUAL, {"keyterm": "x" * 1_201}),
        (TURNS, {"model": "ink-whisper"}),
        (TURNS, {"language": "en"}),
        (TURNS, {"turn_end_timeout_ms": "600"}),
        (TURNS, {"turn_end_threshold": "0.5"}),
        (TURNS, {"sample_rate": "4000"}),
    ],
)
async def test_what_cannot_be_asked(
    standin: CartesiaStandIn, path: str, wrong: dict[str, str]
) -> None:
    assert await status_of(standin, path, KEY, **wrong) == 400


@pytest.mark.parametrize(
    ("path", "command"),
    [
        # Commands are no JSON there, and are here.
        (MANUAL, '{"type":"close"}'),
        (TURNS, "close"),
        (TURNS, '{"type":"finalize"}'),
        (TTS, "nonsense"),
        (TTS, "[]"),
        (TTS, b"audio"),
        (TTS, '{"transcript":"Yes."}'),
    ],
)
async def test_what_is_no_command_ends_the_connection(
    standin: CartesiaStandIn, path: str, command: str | bytes
) -> None:
    async with talking(address(standin, path), command, headers=KEY) as talk:
        *_, error = await talk.rest()
        assert (error["type"], error["status_code"]) == ("error", 400)
        assert "context_id" not in error


async def test_a_context_stays_as_it_was(standin: CartesiaStandIn) -> None:
    more = {**TEXT, "transcript": " No.", "language": "de"}
    async with talking(
        address(standin, TTS), {**TEXT, "continue": True}, more, headers=KEY
    ) as talk:
        while (message := await talk.hear())["type"] == "chunk":
            pass
    assert (message["type"], message["context_id"]) == ("error", "c1")


async def test_so_many_texts_are_spoken_at_a_time(script: Script) -> None:
    limits = Limits(contexts_at_once=1)
    texts = [{**TEXT, "context_id": name, "continue": True} for name in ("a", "b")]
    async with (
        CartesiaStandIn(OracleHearing(script), limits=limits) as standin,
        talking(address(standin, TTS), *texts, headers=KEY) as talk,
    ):
        messages: list[Json] = []
        while not messages or messages[-1]["type"] != "error":
            messages.append(await talk.hear())
        refused = messages[-1]
        assert (refused["context_id"], refused["status_code"]) == ("b", 429)
        # When the other is over there is a place.
        await talk.say({"context_id": "a", "cancel": True})
        while messages[-1]["type"] != "done":
            messages.append(await talk.hear())
        await talk.say({**TEXT, "context_id": "c"})
        assert (await talk.hear())["type"] == "chunk"


@virtual_time_on_sockets
async def test_what_is_idle_is_closed(script: Script) -> None:
    async with CartesiaStandIn(OracleHearing(script)) as standin:
        for path, idle_s in ((MANUAL, 181), (TURNS, 181), (TTS, 301)):
            async with talking(address(standin, path), headers=KEY) as talk:
                await asyncio.sleep(idle_s)
                messages = await talk.rest()
                assert talk.close_code == 1000
            assert [m["status_code"] for m in messages if m["type"] == "error"] == (
                [] if path == TTS else [408]
            )


async def test_voices_are_listed_in_pages(standin: CartesiaStandIn) -> None:
    async with httpx.AsyncClient(base_url=standin.base_url, headers=KEY, verify=False) as http:
        for wrong in ({"limit": "0"}, {"limit": "101"}, {"starting_after": "nobody"}):
            assert (await http.get("/voices", params=wrong)).status_code == 400
        page = orjson.loads((await http.get("/voices", params={"limit": "2"})).content)
    assert (len(page["data"]), page["has_more"]) == (2, True)
