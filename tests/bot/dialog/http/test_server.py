from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from contextlib import aclosing
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.dialog import Say
from bot.dialog.http.answer import Read
from bot.dialog.http.lines import MAX_BYTES
from bot.dialog.http.server import AGAIN_AFTER_S, Server
from providers.errors import (
    ApiError,
    DeadlineError,
    NetworkError,
    ProviderError,
    UnavailableError,
)
from tests.virtual_time import virtual_time_on_sockets

from .servers import ANSWER_S, SECRET, Bot, Reply, asking

QUESTION = {"id": "CA1-1", "turn": {"text": "my secret is 1234"}}
HELLO: Read = ([Say("Hello.")], {})
LINES = "application/x-ndjson"


async def ask(bot: Bot) -> list[Any]:
    async with aclosing(bot.dialog._server.ask(QUESTION)) as answers:
        return [answer async for answer in answers]


@virtual_time_on_sockets
async def test_a_question_is_posted_and_signed() -> None:
    async with asking("/answer?bot=1") as bot:
        bot.server.will_say("Hello.")
        assert await ask(bot) == [HELLO]
    (asked,) = bot.server.asked
    assert asked.path == "/answer"
    assert asked.question == QUESTION
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["idempotency-key"] == "CA1-1"
    # What is packed may be of any size when it is unpacked.
    assert asked.headers["accept-encoding"] == "identity"
    stamp = asked.headers["parley-timestamp"]
    assert abs(int(stamp) - time.time()) < 60
    signed = stamp.encode() + b"." + asked.body
    right = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert asked.headers["parley-signature"] == f"v1={right}"


@virtual_time_on_sockets
async def test_what_comes_first_is_there_before_the_rest() -> None:
    async with asking() as bot:
        more = asyncio.Event()
        parts = (b'"Hello."\n{"say"', more.wait, b':"Bye."}\n')
        bot.server.replies.append(Reply(parts, content_type=LINES))
        async with aclosing(bot.dialog._server.ask(QUESTION)) as answers:
            assert await anext(answers) == HELLO
            assert not more.is_set()
            more.set()
            assert [answer async for answer in answers] == [([Say("Bye.")], {})]


@virtual_time_on_sockets
async def test_who_stops_listening_ends_the_request() -> None:
    async with asking() as bot:
        parts = (b'"Hello."\n', asyncio.Event().wait)
        bot.server.replies.append(Reply(parts, content_type=LINES))
        async with aclosing(bot.dialog._server.ask(QUESTION)) as answers:
            assert await anext(answers) == HELLO
        async with asyncio.timeout(5):
            await bot.server.asked[0].left.wait()


@virtual_time_on_sockets
async def test_no_answer_is_an_answer() -> None:
    async with asking() as bot:
        assert await ask(bot) == [None]
        bot.server.replies.append(Reply())
        assert await ask(bot) == []


@pytest.mark.parametrize(
    "first", [Reply(status=503), Reply(status=429), Reply(cut=True), Reply((b'"Hel',), cut=True)]
)
@virtual_time_on_sockets
async def test_what_may_help_is_asked_again_once(first: Reply) -> None:
    async with asking() as bot:
        bot.server.replies.append(first)
        bot.server.will_say("Hello.")
        began_s = asyncio.get_running_loop().time()
        with capture_logs() as logs:
            assert await ask(bot) == [HELLO]
        assert AGAIN_AFTER_S <= asyncio.get_running_loop().time() - began_s < 0.5
        one, other = bot.server.asked
        assert one.body == other.body
        assert one.headers["idempotency-key"] == other.headers["idempotency-key"]
        assert "1234" not in repr(logs)
        bot.server.replies.extend([first, first])
        with pytest.raises((NetworkError, UnavailableError)):
            await ask(bot)
        assert len(bot.server.asked) == 4


@virtual_time_on_sockets
async def test_a_server_that_is_not_there() -> None:
    async with asking() as bot:
        bot.served.stop_listening()
        with capture_logs() as logs, pytest.raises(NetworkError):
            await ask(bot)
    assert [entry["event"] for entry in logs] == ["server of the dialog asked again"]
    assert bot.server.asked == []


@pytest.mark.parametrize(
    ("reply", "error", "said"),
    [
        (Reply(status=403), ApiError, "see whether both have the same PARLEY_HTTP_SECRET"),
        (Reply(status=302), ApiError, "name the address that it redirects to"),
        (Reply(status=500), ApiError, "the server refused: HTTP 500"),
        (Reply((b"<html>1234",), content_type="text/html"), ApiError, "Content-Type"),
        (Reply((b"{1234",)), ApiError, "the answer is no JSON"),
        (Reply((b'{"says": "1234"}',)), ApiError, "there is a key that does not belong there"),
        (Reply((b" " * MAX_BYTES, b" ")), ApiError, "is longer than"),
        (Reply(silent=True), DeadlineError, "did not answer in 2.0 s"),
        (Reply((b" ", asyncio.Event().wait)), DeadlineError, "did not answer in 2.0 s"),
    ],
)
@virtual_time_on_sockets
async def test_what_cannot_help_is_an_error(
    reply: Reply, error: type[ProviderError], said: str
) -> None:
    async with asking() as bot:
        bot.server.replies.append(reply)
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(error) as raised:
            await ask(bot)
        assert len(bot.server.asked) == 1
        assert asyncio.get_running_loop().time() - began_s < ANSWER_S + 0.3
    assert said in str(raised.value)
    assert "1234" not in str(raised.value)
    assert SECRET not in str(raised.value)


@virtual_time_on_sockets
async def test_nothing_is_asked_again_once_something_was_said() -> None:
    async with asking() as bot:
        bot.server.replies.append(Reply((b'"Hello."\n',), content_type=LINES, cut=True))
        async with aclosing(bot.dialog._server.ask(QUESTION)) as answers:
            assert await anext(answers) == HELLO
            with pytest.raises(NetworkError):
                await anext(answers)
        assert len(bot.server.asked) == 1


def test_the_secret_is_not_shown() -> None:
    assert SECRET not in repr(Server("http://127.0.0.1:1", SECRET, 1.0))
