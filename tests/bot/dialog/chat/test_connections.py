from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest
from structlog.testing import capture_logs

from bot.dialog.chat.error import ChatError
from bot.dialog.chat.file import ChatFile
from bot.dialog.chat.model import Models
from bot.dialog.hook import Dialog
from bot.dialog.resources import Resources
from providers.kept import KEPT_S
from tests.background import until
from tests.providers.wire import Handler, answering
from tests.virtual_time import virtual_time_on_sockets

from .talks import talking
from .test_dialog import new_call, said

SAID = {"choices": [{"index": 0, "delta": {"content": "Hi."}, "finish_reason": "stop"}]}
BODY = b"data: " + orjson.dumps(SAID) + b"\n\ndata: [DONE]\n\n"
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n"


@asynccontextmanager
async def asking(handler: Handler) -> AsyncIterator[Models]:
    """Models on a server of its own."""
    resources = Resources()
    async with answering(handler) as url:
        base_url = f"{url.replace('ws://', 'http://')}/v1"
        yield Models(ChatFile(prompt="Be brief.", model="m", base_url=base_url), resources)
        await resources.aclose()
        # The official client leaves generators to the loop, which closes them in tasks.
        await asyncio.sleep(0.01)


async def answer(models: Models) -> list[object]:
    messages = [{"role": "user", "content": "hi"}]
    answers = models.answer(messages, [], may_call=False, metered=lambda *_: None)
    return [piece async for piece in answers]


async def read_request(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r\n")[0]))


@pytest.mark.parametrize("way", ["close", "reset"])
@virtual_time_on_sockets
async def test_connections_are_kept_and_nobody_notices_that_one_is_gone(way: str) -> None:
    connections = 0

    async def answer_twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The third request is the end of its connection."""
        nonlocal connections
        connections += 1
        for _ in range(2):
            await read_request(reader)
            writer.write(HEAD % len(BODY) + BODY)
        await read_request(reader)
        if way == "close":
            writer.close()
            await writer.wait_closed()

    async with asking(answer_twice) as models:
        with capture_logs() as logs:
            for wait_s, seen in ((0, 1), (KEPT_S - 10, 1), (1, 2)):
                await asyncio.sleep(wait_s)
                assert await answer(models) == ["Hi."]
                assert connections == seen
        assert logs == []


@virtual_time_on_sockets
async def test_a_new_connection_that_is_lost_is_a_failure() -> None:
    connections = 0

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await read_request(reader)

    async with asking(hang_up) as models:
        with pytest.raises(ChatError, match="m: the connection failed; m: the connection failed"):
            await answer(models)
    assert connections == 2


@pytest.mark.parametrize("resumed", [False, True])
@virtual_time_on_sockets
async def test_a_call_begins_with_a_connection(tmp_path: Path, resumed: bool) -> None:
    async with talking(tmp_path) as talk:
        chat, call = talk.bot.dialog(), new_call()
        dialog = Dialog(chat)
        replies = dialog.on_resume(call, "") if resumed else dialog.greet(call)
        assert [reply async for reply in replies] == []
        await until(lambda: talk.model.listed)
        await asyncio.sleep(0.1)
        await said(chat, call, "hello")
        assert [talk.model.requests[0].client] == talk.model.listed


@virtual_time_on_sockets
async def test_a_server_that_does_not_say_a_word_about_its_models() -> None:
    connected = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.read()

    async with asking(say_nothing) as models:
        before = asyncio.all_tasks()
        with capture_logs() as logs:
            models.expect_call()
            await asyncio.sleep(10)
            models.expect_call()
            await connected.wait()
        assert logs == []
        # What is asked still is ended with the worker.
        assert len(asyncio.all_tasks()) > len(before)
