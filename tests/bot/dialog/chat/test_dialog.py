"""Calls that a model answers, from the caller's words to what is heard, and what is kept."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.dialog import Call, Ended, Gap, Hangup, HistoryEntry, Say, Transfer, Turn
from bot.dialog.chat.dialog import MAX_ROUNDS, Chat
from bot.dialog.chat.error import ChatError
from bot.dialog.chat.messages import ANSWER, BEGINS, GO_ON, UNHEARD, UNKNOWN
from bot.dialog.hook import IDLE_PROMPT, Dialog
from bot.progress import Progress
from tests.background import until
from tests.bot.sessions import APOLOGY, CALL, scene
from tests.vendors.openai.chat import MODEL, OTHER, Answer
from tests.vendors.openai.chat_stream import Called
from tests.virtual_time import virtual_time_on_sockets

from . import talks
from .talks import Diary, talking

HERE = f"{talks.__name__}:"
TABLE = "a table on friday"


@pytest.fixture(autouse=True)
def diary() -> Diary:
    talks.diary = Diary()
    return talks.diary


def new_call(*texts: str, **more: Any) -> Call:
    """A call in which the caller has said this."""
    history = [HistoryEntry("caller", text, text, 0, 1) for text in texts]
    return Call(CALL, "+15550100001", "+15550100002", "inbound", history=history, **more)


async def said(chat: Chat, call: Call, text: str = "") -> list[object]:
    if text:
        call.history.append(HistoryEntry("caller", text, text, 0, 1))
    return [reply async for reply in Dialog(chat).on_turn(call, Turn("1", text))]


# Whole calls


@virtual_time_on_sockets
async def test_an_answer_is_spoken_while_it_comes(tmp_path: Path) -> None:
    async with talking(tmp_path, greeting="Luigi's, {to}.") as talk:
        # The model never ends: what it has said is spoken all the same.
        talk.will_answer(Answer(("We have ", "one. At", " eight"), fault="stall"))
        async with scene(talk.bot.dialog(), texts=[TABLE]) as s:
            await s.wait(1.5)
            await s.say(600, then_s=2)
            assert s.tts.texts == ["Luigi's, +15550100002.", "We have one."]
        assert talk.model.requests[0].left.is_set()
        assert talk.asked == [
            [
                {"role": "user", "content": BEGINS},
                {"role": "assistant", "content": "Luigi's, +15550100002."},
                {"role": "user", "content": TABLE},
            ]
        ]


@virtual_time_on_sockets
async def test_a_tool_is_called_and_the_answer_spoken(tmp_path: Path, diary: Diary) -> None:
    async with talking(tmp_path, tools=[f"{HERE}book"]) as talk:
        talk.will_answer(
            Answer(("One moment",), [Called("book", '{"day":"friday"}')]), Answer(("It is done.",))
        )
        async with scene(talk.bot.dialog(), texts=[TABLE, "thanks"]) as s:
            await s.say(600, then_s=4)
            assert s.tts.texts == ["One moment", "It is done."]
            assert (diary.done, s.call.state["booked"]) == (["friday"], "friday")
            await s.say(600, then_s=4)
    asked = talk.asked[-1]
    roles = [message["role"] for message in asked]
    assert roles == ["user", "assistant", "tool", "assistant", "user"]
    assert asked[2]["content"] == "booked for friday"
    assert asked[3]["content"] == "One moment It is done."


@virtual_time_on_sockets
async def test_a_barge_in_while_a_tool_runs(tmp_path: Path, diary: Diary) -> None:
    tools = [f"{HERE}book", f"{HERE}slow"]
    async with talking(tmp_path, tools=tools) as talk:
        calls = [Called("book", '{"day":"friday"}'), Called("slow")]
        talk.will_answer(Answer((), calls), Answer(("Saturday, then.",)))
        async with scene(talk.bot.dialog(), texts=[TABLE, "no saturday"], hook_timeout_s=10) as s:
            await s.say(600, then_s=1.5)
            assert diary.done == ["friday"]
            # Nothing of an answer was heard: the words are one turn with those that follow.
            await s.say(600, then_s=4)
            assert diary.cancelled == ["slow"]
            assert s.history == [
                ("caller", f"{TABLE} no saturday", f"{TABLE} no saturday"),
                ("bot", "Saturday, then.", "Saturday, then."),
            ]
            # Done once, and not forgotten, though the state was that from before for a while.
            assert (diary.done, s.call.state["booked"]) == (["friday"], "friday")
            assert s.counts.hook_errors == 0
    (_, asked) = talk.asked
    roles = [message["role"] for message in asked]
    assert roles == ["user", "assistant", "tool", "tool", "assistant", "user"]
    said = [asked[at]["content"] for at in (0, 4, 5)]
    assert said == [TABLE, UNHEARD, f"{TABLE} no saturday"]
    results = [message["content"] for message in asked if message["role"] == "tool"]
    assert results[0] == "booked for friday"
    assert "not known" in results[1]


@virtual_time_on_sockets
async def test_a_stream_that_is_lost_while_a_tool_runs(tmp_path: Path, diary: Diary) -> None:
    async with talking(tmp_path, tools=[f"{HERE}book", f"{HERE}slow"]) as talk:
        calls = [Called("book", '{"day":"friday"}'), Called("slow")]
        talk.will_answer(Answer((), calls), Answer(("Done.",)))
        chat = talk.bot.dialog()
        more: dict[str, Any] = {"hook_timeout_s": 10, "progress": Progress()}
        async with scene(chat, texts=[TABLE], **more) as s:
            await s.say(600, then_s=1.5)
            s.phone.drop()
            await s.wait(1)
        gap = Gap(500, speech_lost=False)
        again = {"call": s.call, "resuming": True, "gap": gap, **more}
        async with scene(chat, texts=[], **again) as s:
            await s.wait(2)
            assert s.history[-1][2] == "Done."
    # The turn is told once: what was done for it was done for these words.
    assert [message["role"] for message in talk.asked[-1]] == ["user", "assistant", "tool", "tool"]
    assert talk.asked[-1][0]["content"] == TABLE
    assert diary.done == ["friday"]


@virtual_time_on_sockets
async def test_a_stream_that_is_lost_in_the_answer(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        begun = "One thing is this. Another one is that, which takes long to say. "
        talk.will_answer(Answer((begun,), fault="stall"), Answer(("Go on.",)))
        chat = talk.bot.dialog()
        more: dict[str, Any] = {"hook_timeout_s": 10, "progress": Progress()}
        async with scene(chat, texts=[TABLE], **more) as s:
            await s.say(600, then_s=2.8)
            s.phone.drop()
            await s.wait(1)
        gap = Gap(500, speech_lost=False)
        again = {"call": s.call, "resuming": True, "gap": gap, **more}
        async with scene(chat, texts=[], **again) as s:
            await s.wait(2)
    user, heard, event = talk.asked[-1]
    assert (user["content"], event["content"]) == (TABLE, GO_ON)
    assert begun.startswith(heard["content"])


@virtual_time_on_sockets
async def test_keys_that_are_pressed_while_a_tool_runs(tmp_path: Path, diary: Diary) -> None:
    async with talking(tmp_path, tools=[f"{HERE}book", f"{HERE}slow"]) as talk:
        calls = [Called("book", '{"day":"friday"}'), Called("slow")]
        talk.will_answer(Answer((), calls), Answer(("Five.",)), Answer(("Well.",)))
        async with scene(talk.bot.dialog(), texts=[TABLE, "please"], hook_timeout_s=10) as s:
            await s.say(600, then_s=1.5)
            s.phone.press("5")
            await s.wait(0.3)
            await s.say(600, then_s=6)
            assert [heard for role, _, heard in s.history if role == "bot"] == ["Five.", "Well."]
    keys, turn = talk.asked[1:]
    words = f"{TABLE} please"
    told = f"{words}\n[The caller pressed the keys 5]"
    assert [message["role"] for message in keys] == [
        "user", "assistant", "tool", "tool", "assistant", "user",
    ]  # fmt: skip
    assert keys[-1]["content"] == told
    assert [message["content"] for message in turn[-3:]] == [told, "Five.", f"{ANSWER}\n{words}"]
    assert diary.done == ["friday"]


@pytest.mark.parametrize("lost", [False, True])
@virtual_time_on_sockets
async def test_a_call_that_ends_while_a_tool_runs(tmp_path: Path, diary: Diary, lost: bool) -> None:
    async with talking(tmp_path, tools=[f"{HERE}slow"]) as talk:
        talk.will_answer(Answer((), [Called("slow")]))
        async with scene(talk.bot.dialog(), texts=[TABLE], hook_timeout_s=10) as s:
            await s.say(600, then_s=1.5)
            if lost:
                s.phone.drop()
            else:
                s.phone.hang_up()
            await s.wait(0.5)
            assert (diary.cancelled, diary.done) == (["slow"], [])


@virtual_time_on_sockets
async def test_a_barge_in_over_the_words_before_a_tool(tmp_path: Path, diary: Diary) -> None:
    async with talking(tmp_path, tools=[f"{HERE}slow"]) as talk:
        waiting = "Wait a little while I look into the book for you."
        talk.will_answer(Answer((waiting,), [Called("slow")]), Answer(("All right.",)))
        async with scene(talk.bot.dialog(), texts=[TABLE, "stop"]) as s:
            await s.say(600, then_s=1.6)
            await s.say(600, then_s=4)
            assert diary.cancelled == ["slow"]
            heard = s.history[1][2]
            assert waiting.startswith(heard)
            assert 0 < len(heard) < len(waiting)
    asked = talk.asked[-1]
    assert [m["role"] for m in asked] == ["user", "assistant", "tool", "assistant", "user"]
    # Only where it is told as it was heard.
    assert (asked[1]["content"], asked[3]["content"]) == (None, heard)
    assert asked[4]["content"].endswith("\nstop")
    assert "spoke over you" in asked[4]["content"]


@virtual_time_on_sockets
async def test_another_model_answers_for_one_that_fails(tmp_path: Path) -> None:
    async with talking(tmp_path, fallback_model=OTHER) as talk:
        talk.will_answer(Answer(fault="down"), Answer(fault="silent"), Answer(("Hello.",)))
        async with scene(talk.bot.dialog(), texts=["hello"], hook_timeout_s=10) as s:
            await s.say(600, then_s=6)
            assert s.tts.texts == ["Hello."]
            assert s.counts.hook_errors == 0
        assert [seen.body["model"] for seen in talk.model.requests] == [MODEL, MODEL, OTHER]
        assert [model for model, _, _ in talk.metered] == [OTHER]


@virtual_time_on_sockets
async def test_the_caller_hears_the_apology_when_nobody_answers(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        talk.will_answer(*[Answer(fault="down")] * 2, Answer(("Hello.",)))
        async with scene(talk.bot.dialog(), texts=["hello", "hello again"]) as s:
            with capture_logs() as logs:
                await s.say(600, then_s=3)
            assert [text for _, text, _ in s.history] == ["hello", APOLOGY]
            assert "hello" not in repr(logs)
            await s.say(600, then_s=3)
            assert s.history[-1][2] == "Hello."
        # The apology is a part of the conversation, too.
        assert talk.asked[-1][1] == {"role": "assistant", "content": APOLOGY}


@virtual_time_on_sockets
async def test_the_model_hangs_up(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        ends = Called("hang_up", '{"last_words":"Goodbye."}')
        talk.will_answer(Answer(("Thank you.",), [ends]))
        async with scene(talk.bot.dialog(), texts=["that is all"]) as s:
            await s.say(600, then_s=3)
            assert s.keeper.commits == [Hangup("chat")]
            assert s.history[-1][2] == "Thank you. Goodbye."


@virtual_time_on_sockets
async def test_the_model_transfers_the_caller(tmp_path: Path) -> None:
    async with talking(tmp_path, transfer={"kitchen": "+15551234567"}, hang_up=False) as talk:
        talk.will_answer(
            Answer((), [Called("transfer", '{"to":"+15550000000"}')]),
            Answer(("I connect you.",), [Called("transfer", '{"to":"kitchen"}')]),
        )
        async with scene(talk.bot.dialog(), texts=["the cook please"]) as s:
            await s.say(600, then_s=3)
            assert s.keeper.commits == [Transfer("+15551234567")]
        # Nobody but those of the file can be called.
        assert "it may be one of: kitchen" in talk.asked[-1][-1]["content"]


# The dialog by itself


@virtual_time_on_sockets
async def test_tools_that_cannot_be_had_are_told_to_the_model(tmp_path: Path) -> None:
    async with talking(tmp_path, tools=[f"{HERE}refuse", f"{HERE}book"]) as talk:
        talk.will_answer(
            Answer(
                (),
                [
                    Called("refuse", '{"day":"friday"}'),
                    Called("book", '{"day":'),
                    Called("book", '{"days":"friday"}'),
                    Called("cook"),
                    Called("hang_up"),
                ],
            ),
            Answer(("Sorry.",)),
        )
        with capture_logs() as logs:
            assert await said(talk.bot.dialog(), new_call(), TABLE) == [Say("Sorry.")]
    results = [message["content"] for message in talk.asked[-1] if message["role"] == "tool"]
    assert results[0] == "error: the tool failed (DialogError)"
    assert "JSON" in results[1]
    assert "day: " in results[2]
    assert results[3] == "error: there is no such tool"
    assert results[4] == "error: not done, because of the other call"
    (called,) = [message for message in talk.asked[-1] if message.get("tool_calls")]
    # Arguments that are no JSON are refused by some servers when they come back.
    assert called["tool_calls"][1]["function"]["arguments"] == "{}"
    failures = [entry for entry in logs if entry["event"] == "tool failed"]
    assert [entry["tool"] for entry in failures] == ["refuse"]


@virtual_time_on_sockets
async def test_a_model_that_only_calls_tools_has_to_say_something(
    tmp_path: Path, diary: Diary
) -> None:
    async with talking(tmp_path, tools=[f"{HERE}book"]) as talk:
        calls = Answer((), [Called("book", '{"day":"friday"}')])
        talk.will_answer(*[calls] * MAX_ROUNDS, Answer(("Enough.",)))
        assert await said(talk.bot.dialog(), new_call(), TABLE) == [Say("Enough.")]
        assert len(diary.done) == MAX_ROUNDS
        # One that calls what it must not call.
        talk.will_answer(*[calls] * (MAX_ROUNDS + 1))
        with pytest.raises(ChatError, match="over and over"):
            await said(talk.bot.dialog(), new_call(), TABLE)
        assert len(diary.done) == 2 * MAX_ROUNDS
    choices = [seen.body.get("tool_choice") for seen in talk.model.requests]
    assert choices == ([None] * MAX_ROUNDS + ["none"]) * 2


@virtual_time_on_sockets
async def test_a_model_that_hangs_up_though_it_must_not(tmp_path: Path) -> None:
    async with talking(tmp_path, tools=[f"{HERE}book"], hang_up=False) as talk:
        talk.will_answer(Answer((), [Called("hang_up")]), Answer(("Well.",)))
        assert await said(talk.bot.dialog(), new_call(), TABLE) == [Say("Well.")]
    assert talk.asked[-1][-1]["content"] == "error: there is no such tool"


@virtual_time_on_sockets
async def test_a_tool_of_the_users_with_the_name_of_a_built_in_one(tmp_path: Path) -> None:
    async with talking(tmp_path, tools=[f"{HERE}hang_up"], hang_up=False) as talk:
        talk.will_answer(Answer((), [Called("hang_up", '{"reason":"late"}')]), Answer(("Well.",)))
        assert await said(talk.bot.dialog(), new_call(), TABLE) == [Say("Well.")]
    assert talk.asked[-1][-1]["content"] == f"noted for {CALL}: late"


async def test_a_tool_in_a_thread_is_remembered_when_it_is_done(
    tmp_path: Path, diary: Diary
) -> None:
    tools = [f"{HERE}blocking", f"{HERE}book"]
    async with talking(tmp_path, tools=tools) as talk:
        call, chat = new_call(), talk.bot.dialog()
        talk.will_answer(
            Answer((), [Called("blocking")]),
            Answer((), [Called("book", '{"day":"friday"}')]),
            Answer(("Booked.",)),
            Answer(("Done.",)),
        )
        answering = asyncio.create_task(said(chat, call, TABLE))
        await asyncio.to_thread(diary.begun.wait, 5)
        answering.cancel()
        await asyncio.wait([answering])
        assert answering.cancelled()
        # Nothing of an answer was heard: the turn is taken back, and goes on.
        call.state.clear()
        call.history.clear()
        assert await said(chat, call, f"{TABLE} please") == [Say("Booked.")]
        diary.may_go_on.set()
        await until(lambda: chat._running[0]["result"] is not None)
        assert await said(chat, call, "and now") == [Say("Done.")]
    for asked, result in ((talk.asked[1], UNKNOWN), (talk.asked[-1], "at last")):
        user, _, tool, _, longer = asked[:5]
        assert [user["content"], longer["content"]] == [TABLE, f"{TABLE} please"]
        assert tool["content"] == result


async def test_what_a_tool_in_a_thread_puts_into_the_state_later(
    tmp_path: Path, diary: Diary
) -> None:
    async with talking(tmp_path, tools=[f"{HERE}note"]) as talk:
        call, chat = new_call(state={"old": 1}), talk.bot.dialog()
        talk.will_answer(Answer((), [Called("note")]), Answer(("Done.",)))
        answering = asyncio.create_task(said(chat, call, TABLE))
        await asyncio.to_thread(diary.begun.wait, 5)
        answering.cancel()
        await asyncio.wait([answering])
        call.state.clear()
        call.state["old"] = 2
        call.history.clear()
        diary.may_go_on.set()
        await until(lambda: chat._running[0]["result"] is not None)
        assert await said(chat, call, f"{TABLE} please") == [Say("Done.")]
    assert (call.state["old"], call.state["noted"]) == (2, True)


@virtual_time_on_sockets
async def test_ids_that_a_server_gives_twice(
    tmp_path: Path, diary: Diary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.vendors.openai.chat_stream.secrets.token_hex", lambda _: "0")
    async with talking(tmp_path, tools=[f"{HERE}book", f"{HERE}slow"]) as talk:
        call, chat = new_call(), talk.bot.dialog()
        booking = Answer((), [Called("book", '{"day":"friday"}')])
        talk.will_answer(
            Answer((), [Called("slow")]), booking, Answer(("Done.",)), Answer(("Ok.",))
        )
        answering = asyncio.create_task(said(chat, call, TABLE))
        await asyncio.sleep(2)
        answering.cancel()
        await asyncio.wait([answering])
        await said(chat, call, "please")
        await said(chat, call, "thanks")
    tools = [message for message in talk.asked[-1] if message["role"] == "tool"]
    assert [message["content"] for message in tools] == [UNKNOWN, "booked for friday"]
    # Mistral's takes no others.
    ids = [message["tool_call_id"] for message in tools]
    assert all(re.fullmatch("[a-zA-Z0-9]{9}", id_) for id_ in ids)


@virtual_time_on_sockets
async def test_a_model_that_has_nothing_more_to_say_behind_a_tool(tmp_path: Path) -> None:
    async with talking(tmp_path, tools=[f"{HERE}book"]) as talk:
        booking = [Called("book", '{"day":"friday"}')]
        talk.will_answer(Answer(("I book it. Bye.",), booking), Answer())
        assert await said(talk.bot.dialog(), new_call(), TABLE) == [Say("I book it."), Say("Bye.")]
        assert len(talk.model.requests) == 2
        # It has to say something in a turn.
        talk.will_answer(Answer((), booking), Answer(), Answer(("Done.",)))
        assert await said(talk.bot.dialog(), new_call(), TABLE) == [Say("Done.")]
        talk.will_answer(
            Answer(("Well.",), booking), Answer(finish_reason="length"), Answer(("Done.",))
        )
        assert await said(talk.bot.dialog(), new_call(), TABLE) == [Say("Well."), Say("Done.")]


@virtual_time_on_sockets
async def test_another_worker_goes_on_with_what_was_kept(tmp_path: Path) -> None:
    async with talking(tmp_path, tools=[f"{HERE}book"]) as talk:
        call = new_call()
        talk.will_answer(Answer((), [Called("book", '{"day":"friday"}')]), Answer(("Done.",)))
        await said(talk.bot.dialog(), call, TABLE)
        tokens = {MODEL: {"prompt": 0, "completion": 0}}
        for _, prompt, completion in talk.metered:
            tokens[MODEL]["prompt"] += prompt
            tokens[MODEL]["completion"] += completion
        assert call.state["chat"]["tokens"] == tokens
        call.history.append(HistoryEntry("bot", "Done.", "Done.", 2, 3))
        await said(talk.bot.dialog(), call, "thanks")
        roles = [message["role"] for message in talk.asked[-1]]
        assert roles == ["user", "assistant", "tool", "assistant", "user"]
        assert call.state["chat"]["tokens"][MODEL]["prompt"] > tokens[MODEL]["prompt"]


@virtual_time_on_sockets
async def test_keys_are_told_and_remembered(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        call, chat = new_call("hello"), talk.bot.dialog()
        dialog = Dialog(chat)
        assert [reply async for reply in dialog.on_dtmf(call, "12#")]
        await said(chat, call, "did you get it")
    told = "[The caller pressed the keys 12#]"
    assert talk.asked[0] == [{"role": "user", "content": f"hello\n{told}"}]
    assert talk.asked[1] == [{"role": "user", "content": f"hello\n{told}\ndid you get it"}]


@virtual_time_on_sockets
async def test_keys_that_are_asked_again_are_told_once(tmp_path: Path, diary: Diary) -> None:
    async with talking(tmp_path, tools=[f"{HERE}book"]) as talk:
        call, dialog = new_call(), Dialog(talk.bot.dialog())
        talk.will_answer(Answer((), [Called("book", '{"day":"friday"}')]), Answer(("Done.",)))
        assert [reply async for reply in dialog.on_dtmf(call, "5")] == [Say("Done.")]
        # Nothing of it was heard.
        call.state.clear()
        talk.will_answer(Answer(("Done already.",)))
        assert [reply async for reply in dialog.on_dtmf(call, "5")] == [Say("Done already.")]
    assert diary.done == ["friday"]
    assert call.state["booked"] == "friday"
    assert [message["role"] for message in talk.asked[-1]] == ["user", "assistant", "tool"]


@virtual_time_on_sockets
async def test_the_end_of_a_call_leaves_all_the_tokens(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        call, dialog = new_call("hello"), Dialog(talk.bot.dialog())
        await dialog.on_end(call, Ended("caller", "hung up"))
        assert call.state == {}
        assert [reply async for reply in dialog.on_turn(call, Turn("1", "hello"))]
        call.state.clear()  # it was taken back
        await dialog.on_end(call, Ended("caller", "hung up"))
        ((model, prompt, completion),) = talk.metered
        assert call.state["chat"]["tokens"] == {model: {"prompt": prompt, "completion": completion}}


@virtual_time_on_sockets
async def test_the_end_of_a_call_leaves_what_tools_have_done(tmp_path: Path) -> None:
    async with talking(tmp_path, tools=[f"{HERE}book", f"{HERE}slow"]) as talk:
        calls = [Called("book", '{"day":"friday"}'), Called("slow")]
        talk.will_answer(Answer((), calls))
        call, chat = new_call(), talk.bot.dialog()
        answering = asyncio.create_task(said(chat, call, TABLE))
        await asyncio.sleep(2)
        answering.cancel()
        await asyncio.wait([answering])
        call.state.clear()  # it was taken back
        chat._tokens.clear()  # as if the server had not said how many: many local ones do not
        await Dialog(chat).on_end(call, Ended("caller", "hung up"))
    assert call.state["booked"] == "friday"


@pytest.mark.parametrize(
    ("unheard", "parameters", "gap", "event"),
    [
        ("", {"dial_status": "busy"}, None, "was not connected (busy)"),
        ("", {}, Gap(400, speech_lost=True), "what the caller said in it is lost"),
        ("Say it.", {}, Gap(400, speech_lost=True), ""),
        ("", {}, Gap(400, speech_lost=True, turn_open=True), ""),
        ("", {}, Gap(400, speech_lost=False), ""),
    ],
)
@virtual_time_on_sockets
async def test_a_call_that_comes_back(
    tmp_path: Path, unheard: str, parameters: dict[str, str], gap: Gap | None, event: str
) -> None:
    async with talking(tmp_path) as talk:
        call = new_call("hello", parameters=parameters, gap=gap)
        talk.will_answer(Answer(("Well.",)))
        replies = [r async for r in Dialog(talk.bot.dialog()).on_resume(call, unheard)]
    assert [event in asked[-1]["content"] for asked in talk.asked] == ([True] if event else [])
    assert replies == ([Say("Well.")] if event else [Say(unheard)] if unheard else [])


@virtual_time_on_sockets
async def test_texts_of_the_file(tmp_path: Path) -> None:
    keys = {"parameters": {"name": "guest"}, "prompt": "Call them {name}. {{name}}"}
    async with talking(tmp_path, idle=["Well, {name}?", "Hm?"], **keys) as talk:
        call, dialog = new_call(parameters={"name": "Ada"}), Dialog(talk.bot.dialog())
        assert [reply async for reply in dialog.greet(call)] == []
        prompts = [[reply async for reply in dialog.on_idle(call, n)] for n in (1, 2, 3)]
        assert prompts == [["Well, Ada?"], ["Hm?"], ["Hm?"]]
        await said(talk.bot.dialog(), call, "hello")
        system = talk.model.requests[0].messages[0]["content"]
        assert system.startswith("Call them Ada. {name}\n")
    async with talking(tmp_path) as talk:
        dialog = Dialog(talk.bot.dialog())
        assert [reply async for reply in dialog.on_idle(new_call(), 1)] == [IDLE_PROMPT]
