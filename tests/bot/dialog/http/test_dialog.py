"""Calls that a server of the user's answers."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import AsyncIterator, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

import bot.dialog.http.example as example
from bot.dialog import (
    Call,
    DialogError,
    Ended,
    Gap,
    Hangup,
    HistoryEntry,
    Interruption,
    Say,
    Transfer,
    Turn,
)
from bot.dialog.hook import IDLE_PROMPT, Dialog, load_dialog
from bot.dialog.http.dialog import LOST_PROMPT
from bot.dialog.http.signature import sign
from bot.dialog.resources import Resources
from tests.bot.sessions import APOLOGY, CALL, scene
from tests.serving import serving_app
from tests.virtual_time import virtual_time_on_sockets

from .servers import SECRET, Reply, asking

TURN = Turn("CA1-3", "a table", 0.9, 100, 900)
Ask = Callable[[Dialog, Call], Any]


def new_call(**more: Any) -> Call:
    history = [HistoryEntry("caller", "a table", "a table", 100, 900)]
    return Call(CALL, "+15550100001", "+15550100002", "inbound", history=history, **more)


# Whole calls


@virtual_time_on_sockets
async def test_a_call_with_lines_that_are_spoken_as_they_come() -> None:
    async with asking() as bot:
        bot.server.will_say({"say": "Luigi's.", "state": {"seen": 1}})
        lines = b'"We have one."\n"At eight."\n{"state":{"seen":2}}\n{"action":"hangup"}\n'
        bot.server.replies.append(Reply((lines,), content_type="application/x-ndjson"))
        async with scene(bot.dialog, texts=["a table"]) as s:
            await s.wait(1.5)
            await s.say(600, then_s=3)
            assert s.tts.texts == ["Luigi's.", "We have one.", "At eight."]
            assert s.keeper.commits == [Hangup()]
            assert s.call.state == {"seen": 2}
    greet, turn = (asked.question for asked in bot.server.asked)
    assert [greet["event"], turn["event"]] == ["greet", "turn"]
    assert turn["id"] == turn["turn"]["id"] == f"{CALL}-1"
    assert turn["call"]["state"] == {"seen": 1}
    assert [entry["heard"] for entry in turn["history"]] == ["Luigi's.", "a table"]


@virtual_time_on_sockets
async def test_a_barge_in_ends_the_request_and_is_told() -> None:
    async with asking() as bot:
        long = "We have so many tables on friday that I cannot count them."
        parts = (f"{long}\n".encode(), asyncio.Event().wait)
        reply = Reply(parts, content_type="text/plain")
        bot.server.replies.extend([Reply(status=204), reply])
        async with scene(bot.dialog, texts=["a table", "stop"], hook_timeout_s=20) as s:
            await s.say(600, then_s=1.5)
            await s.say(600, then_s=2)
            heard = s.history[1][2]
            assert 0 < len(heard) < len(long)
        events = [asked.question["event"] for asked in bot.server.asked]
        assert events == ["greet", "turn", "interrupted", "turn"]
        assert bot.server.asked[1].left.is_set()
        told = bot.server.asked[2].question["interruption"]
        assert told == {"text": long, "heard": heard}


@virtual_time_on_sockets
async def test_the_caller_hears_the_apology_when_the_server_fails() -> None:
    async with asking() as bot:
        bot.server.replies.extend([Reply(status=204), Reply((b"<html>",)), Reply((b'"Yes."',))])
        async with scene(bot.dialog, texts=["my secret", "again"]) as s:
            with capture_logs() as logs:
                await s.say(600, then_s=2)
                await s.say(600, then_s=2)
            assert [text for role, text, _ in s.history if role == "bot"] == [APOLOGY, "Yes."]
            assert s.counts.hook_errors == 1
    assert "my secret" not in repr(logs)


@virtual_time_on_sockets
async def test_the_example_is_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_HTTP_SECRET", SECRET)
    async with example_dialog(SECRET) as dialog:
        async with scene(dialog._target, texts=["a table", "goodbye"]) as s:
            await s.wait(2.5)
            await s.say(600, then_s=3)
            await s.say(600, then_s=2)
            assert [heard for role, _, heard in s.history if role == "bot"] == [
                "Hello. What can I do for you?",
                "You said a table.",
                "Goodbye.",
            ]
            assert s.keeper.commits == [Hangup()]
        replies = [reply async for reply in dialog.on_idle(new_call(), 1)]
        assert replies == [Say(IDLE_PROMPT)]


@pytest.mark.parametrize(
    ("secret", "late_s", "status"),
    [(SECRET, 0, 200), ("another", 0, 403), (SECRET, 70, 403), (SECRET, -70, 403)],
)
@virtual_time_on_sockets
async def test_the_example_refuses_what_is_not_signed_now(
    monkeypatch: pytest.MonkeyPatch, secret: str, late_s: int, status: int
) -> None:
    monkeypatch.setenv("PARLEY_HTTP_SECRET", SECRET)
    body = b'{"event": "greet"}'
    async with serving_app(example.app) as served, httpx.AsyncClient(trust_env=False) as client:
        headers = sign(secret, int(time.time()) + late_s, body)
        answer = await client.post(f"{served.url}/", content=body, headers=headers)
        assert answer.status_code == status
        other = await client.post(f"{served.url}/", content=b"{}", headers=headers)
        assert other.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"parley-timestamp": "x", "parley-signature": "v1=1"},
        {"parley-timestamp": "1", "parley-signature": b"v1=\xe9"},
    ],
)
@virtual_time_on_sockets
async def test_the_example_refuses_what_is_not_signed_at_all(
    monkeypatch: pytest.MonkeyPatch, headers: dict[str, Any]
) -> None:
    monkeypatch.setenv("PARLEY_HTTP_SECRET", SECRET)
    async with serving_app(example.app) as served, httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{served.url}/", content=b"{}", headers=headers)
    assert answer.status_code == 403


@virtual_time_on_sockets
async def test_what_the_caller_has_said_is_not_logged_when_it_cannot_be_dialled() -> None:
    async with asking() as bot:
        bot.server.replies.append(Reply(status=204))
        bot.server.will_say({"action": "transfer", "to": "my card is 4111"})
        async with scene(bot.dialog, texts=["my card is 4111"]) as s:
            with capture_logs() as logs:
                await s.say(600, then_s=2)
            assert [text for role, text, _ in s.history if role == "bot"] == [APOLOGY]
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["dialog failed"]
    assert "4111" not in repr([_shown(entry) for entry in logs])


def _shown(entry: MutableMapping[str, Any]) -> object:
    """An entry as it is written: an exception with all that stands behind it."""
    error = entry.get("exc_info")
    return [entry, traceback.format_exception(error) if isinstance(error, Exception) else None]


@asynccontextmanager
async def example_dialog(secret: str) -> AsyncIterator[Dialog]:
    resources = Resources(http_secret=secret)
    async with serving_app(example.app) as served:
        yield load_dialog(f"http:{served.url}/", resources)()
        await resources.aclose()


# The dialog by itself


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda dialog, call: dialog.greet(call), {"event": "greet", "id": f"{CALL}-greet"}),
        (
            lambda dialog, call: dialog.on_turn(call, TURN),
            {
                "event": "turn",
                "id": "CA1-3",
                "turn": {
                    "id": "CA1-3", "text": "a table", "confidence": 0.9, "start_ms": 100,
                    "end_ms": 900, "rejected": False, "retried": False,
                },
            },
        ),
        (lambda dialog, call: dialog.on_dtmf(call, "12"), {"event": "dtmf", "digits": "12"}),
        (lambda dialog, call: dialog.on_idle(call, 2), {"event": "idle", "count": 2}),
        (
            lambda dialog, call: dialog.on_resume(call, "Well."),
            {"event": "resume", "unheard": "Well."},
        ),
        (
            lambda dialog, call: dialog.on_interrupted(call, Interruption("A. B.", "A.")),
            {"event": "interrupted", "interruption": {"text": "A. B.", "heard": "A."}},
        ),
    ],
)  # fmt: skip
@virtual_time_on_sockets
async def test_every_event_is_asked(ask: Ask, told: dict[str, Any]) -> None:
    async with asking() as bot:
        call, dialog = new_call(), Dialog(bot.dialog)
        answer = {"say": "Well.", "actions": [{"action": "transfer", "to": "+15551234567"}]}
        bot.server.will_say(answer, answer)
        for _ in range(2):
            replies = [reply async for reply in ask(dialog, call)]
            assert replies == [Say("Well."), Transfer("+15551234567")]
        one, other = (asked.question for asked in bot.server.asked)
        assert told.items() <= one.items()
        assert one["call"]["sid"] == CALL
        assert one["history"][0]["text"] == "a table"
        # What may happen twice has two ids, what is the same has one.
        assert (one["id"] == other["id"]) == ("id" in told)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda dialog, call: dialog.greet(call), None),
        (lambda dialog, call: dialog.on_turn(call, TURN), None),
        (lambda dialog, call: dialog.on_idle(call, 1), IDLE_PROMPT),
        (lambda dialog, call: dialog.on_resume(call, "Not heard."), "Not heard."),
        (lambda dialog, call: dialog.on_resume(call, ""), LOST_PROMPT),
    ],
)
@virtual_time_on_sockets
async def test_what_happens_without_an_answer(ask: Ask, said: str | None) -> None:
    async with asking() as bot:
        call = new_call(gap=Gap(400, speech_lost=True))
        replies = [reply async for reply in ask(Dialog(bot.dialog), call)]
        assert replies == ([] if said is None else [Say(said)])
        call.gap = Gap(400, speech_lost=True, turn_open=True)
        assert [reply async for reply in bot.dialog.on_resume(call, "")] == []


@virtual_time_on_sockets
async def test_the_end_is_told_and_its_state_kept() -> None:
    async with asking() as bot:
        call = new_call()
        bot.server.will_say({"say": "Nobody hears this.", "state": {"closed": True}})
        await Dialog(bot.dialog).on_end(call, Ended("caller", "hung up"))
        assert call.state == {"closed": True}
        question = bot.server.asked[0].question
        assert (question["id"], question["event"]) == (f"{CALL}-end", "end")
        assert question["ended"] == {"by": "caller", "reason": "hung up"}


@pytest.mark.parametrize(
    ("url", "secret", "fault"),
    [
        ("", SECRET, "write http:https://host/path"),
        ("bot.example.com", SECRET, "write http:https://host/path"),
        ("http://bot.example.com/", SECRET, "is for loopback alone"),
        ("https://u:p@bot.example.com/", SECRET, "without user and fragment"),
        ("https://bot.example.com/#a", SECRET, "without user and fragment"),
        ("https://bot.example.com:a/", SECRET, "write http:https://host/path"),
        ("https://bot.example.com/\n", SECRET, "write http:https://host/path"),
        ("https://bot.example.com/", None, "PARLEY_HTTP_SECRET is not set"),
    ],
)
def test_what_cannot_be_asked(url: str, secret: str | None, fault: str) -> None:
    with pytest.raises(DialogError) as error:
        load_dialog(f"http:{url}", Resources(http_secret=secret))
    assert fault in str(error.value)


@pytest.mark.parametrize(
    "url", ["https://bot.example.com/a?b=c", "http://localhost:9000", "http://[::1]:9000/a"]
)
def test_what_can_be_asked(url: str) -> None:
    assert isinstance(load_dialog(f"http:{url}", Resources(http_secret=SECRET))(), Dialog)
