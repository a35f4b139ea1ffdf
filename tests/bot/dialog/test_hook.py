"""Every shape of hook, each one a dialog of a few lines."""

from __future__ import annotations

import asyncio
import importlib
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.dialog import (
    Call,
    DialogError,
    Ended,
    Hangup,
    Interruption,
    Reply,
    Say,
    Turn,
)
from bot.dialog.echo import GREETING
from bot.dialog.hook import IDLE_PROMPT, Dialog, load_dialog, load_dialogs
from bot.dialog.resources import Resources

CALL = Call("CA1", "+15550001", "+15550002", "inbound")
TURN = Turn("1", "hello")


async def collect(replies: AsyncIterator[Reply]) -> list[Reply]:
    return [reply async for reply in replies]


async def coroutine(call: Call, turn: Turn) -> str:
    return f"You said {turn.text}"


async def generator(call: Call, turn: Turn) -> AsyncIterator[Any]:
    yield "You "
    yield "said "
    yield [turn.text, ["again"]]
    yield None
    yield Hangup()


def function(call: Call, turn: Turn) -> str:
    return threading.current_thread().name


def sync_generator(call: Call, turn: Turn) -> Iterator[str]:
    yield "one"
    yield "two"


async def test_a_coroutine_function() -> None:
    assert await collect(Dialog(coroutine).on_turn(CALL, TURN)) == ["You said hello"]


async def test_an_async_generator_function() -> None:
    replies = await collect(Dialog(generator).on_turn(CALL, TURN))
    assert replies == ["You ", "said ", Say("hello"), Say("again"), Hangup()]


async def test_a_plain_function_runs_beside_the_event_loop() -> None:
    [thread] = await collect(Dialog(function).on_turn(CALL, TURN))
    assert thread != threading.current_thread().name


async def test_a_plain_generator_function() -> None:
    assert await collect(Dialog(sync_generator).on_turn(CALL, TURN)) == ["one", "two"]


async def test_a_callable_that_returns_a_coroutine() -> None:
    class Hook:
        def on_turn(self, call: Call, turn: Turn) -> Any:
            return coroutine(call, turn)

    assert await collect(Dialog(Hook()).on_turn(CALL, TURN)) == ["You said hello"]


async def test_what_a_hook_lacks_has_a_default() -> None:
    dialog = Dialog(coroutine)
    assert await collect(dialog.greet(CALL)) == []
    assert await collect(dialog.on_idle(CALL, 1)) == [IDLE_PROMPT]
    assert await collect(dialog.on_resume(CALL, "the rest")) == ["the rest"]
    assert await collect(dialog.on_dtmf(CALL, "1")) == []
    assert await collect(dialog.on_interrupted(CALL, Interruption("a b", "a"))) == []
    await dialog.on_end(CALL, Ended("caller", "hang-up"))


async def test_a_class_is_told_of_the_end() -> None:
    told: list[Ended] = []

    class Hook:
        async def on_end(self, call: Call, ended: Ended) -> None:
            told.append(ended)

    await Dialog(Hook()).on_end(CALL, Ended("bot", "dialog"))
    assert told == [Ended("bot", "dialog")]


async def test_closing_early_closes_the_users_generator() -> None:
    closed: list[bool] = []

    async def hook(call: Call, turn: Turn) -> AsyncIterator[str]:
        try:
            yield "one"
            yield "two"
        finally:
            closed.append(True)

    replies = Dialog(hook).on_turn(CALL, TURN)
    assert await anext(replies) == "one"
    await replies.aclose()
    assert closed == [True]


async def test_an_answer_of_the_wrong_type_says_what_is_allowed() -> None:
    async def hook(call: Call, turn: Turn) -> dict[str, str]:
        return {}

    with pytest.raises(DialogError, match=r"on_turn answered a dict; it may answer text"):
        await collect(Dialog(hook).on_turn(CALL, TURN))


@pytest.mark.parametrize("error", [SystemExit(3), asyncio.CancelledError()])
async def test_what_would_end_the_worker_or_the_reply_is_an_error_of_the_hook(
    error: BaseException,
) -> None:
    async def leave(call: Call, turn: Turn) -> str:
        raise error

    def leave_in_thread(call: Call, turn: Turn) -> str:
        raise error

    for hook in (leave, leave_in_thread):
        with pytest.raises(DialogError, match=f"on_turn raised {type(error).__name__}"):
            await collect(Dialog(hook).on_turn(CALL, TURN))


async def test_a_reply_that_is_cancelled_is_no_error_of_the_hook() -> None:
    asked = asyncio.Event()

    async def hang(call: Call, turn: Turn) -> None:
        asked.set()
        await asyncio.Event().wait()

    reply = asyncio.create_task(collect(Dialog(hang).on_turn(CALL, TURN)))
    await asked.wait()
    reply.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reply


async def test_the_built_in_echo() -> None:
    dialog = load_dialog("echo")()
    assert await collect(dialog.greet(CALL)) == [GREETING]
    assert await collect(dialog.on_turn(CALL, TURN)) == ["You said hello."]


async def test_a_dialog_of_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_bot_a.py").write_text(
        "async def reply(call, turn):\n    return turn.text.upper()\n"
        "class Bot:\n    n = 0\n    async def on_turn(self, call, turn):\n"
        "        self.n += 1\n        return str(self.n)\n"
        "bot = Bot()\n"
        "def star(*args): return args[1].text\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    assert await collect(load_dialog("my_bot_a:reply")().on_turn(CALL, TURN)) == ["HELLO"]
    assert await collect(load_dialog("my_bot_a:star")().on_turn(CALL, TURN)) == ["hello"]
    per_call = load_dialog("my_bot_a:Bot")
    shared = load_dialog("my_bot_a:bot")
    for expected_shared in ("1", "2"):
        assert await collect(per_call().on_turn(CALL, TURN)) == ["1"]
        assert await collect(shared().on_turn(CALL, TURN)) == [expected_shared]


@pytest.mark.parametrize("spec", ["bot:reply", "media:reply", "providers.mine:reply"])
def test_a_dialog_that_is_called_as_a_package_of_ours(
    spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = spec.partition(":")[0].partition(".")[0]
    (tmp_path / f"{package}.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    # As in a command that has had no need of it yet.
    monkeypatch.delitem(sys.modules, "media")
    # As in a worker, which has a module bot.reply.
    importlib.import_module("bot.reply")
    with pytest.raises(DialogError, match=f"'{package}' is the name of one of Parley's own") as e:
        load_dialog(spec)
    assert "(bot, media, providers): give your file another one" in str(e.value)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("", "no dialog called ''"),
        ("nonsense", "write echo, script:FILE, chat:FILE, http:URL or package.module:name"),
        ("no_such_module:reply", "no module 'no_such_module'"),
        ("bad_bot_b:nothing", "has no 'nothing'"),
        ("bad_bot_b:one", r"must take \(call, turn\)"),
        ("bad_bot_b:empty", "none of the methods greet"),
        ("needs_c:reply", "imports 'not_there', not installed"),
        ("broken_d:reply", "importing it failed: ZeroDivisionError"),
    ],
)
def test_a_dialog_that_cannot_be_used_says_why(
    spec: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad_bot_b.py").write_text("def one(call): ...\nempty = object()\n")
    (tmp_path / "needs_c.py").write_text("import not_there\n")
    (tmp_path / "broken_d.py").write_text("1 / 0\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    with pytest.raises(DialogError, match=says):
        load_dialog(spec)


async def test_a_dialog_that_numbers_share_is_loaded_once() -> None:
    opened = []

    class Counted(Resources):
        def at_end(self, close: Callable[[], Awaitable[None]]) -> None:
            opened.append(close)

    url = "http:http://127.0.0.1:9000/"
    dialogs = load_dialogs([url, "echo", url], Counted(http_secret="hush"))
    assert list(dialogs) == [url, "echo"]
    assert len(opened) == 1
