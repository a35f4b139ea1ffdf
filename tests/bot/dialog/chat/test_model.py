from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.dialog.chat.error import ChatError
from tests.vendors.openai.chat import KEY, MODEL, OTHER, REASONER, Answer, Fault
from tests.vendors.openai.chat_stream import Called
from tests.virtual_time import virtual_time_on_sockets

from .talks import Talk, talking

MESSAGES = [{"role": "user", "content": "my secret is 1234"}]
TOOL = {"type": "function", "function": {"name": "book", "parameters": {
    "type": "object", "properties": {},
}}}  # fmt: skip


async def answer(talk: Talk, *, tools: bool = False, may_call: bool = True) -> list[Any]:
    """What the models answer, and of the tool calls their names."""
    answers = talk.bot.models.answer(
        MESSAGES, [TOOL] if tools else [], may_call=may_call, metered=lambda *_: None
    )
    async with aclosing(answers) as pieces:
        return [piece if isinstance(piece, str) else piece["name"] async for piece in pieces]


def models(talk: Talk) -> list[str]:
    return [seen.body["model"] for seen in talk.model.requests]


@virtual_time_on_sockets
async def test_a_request_holds_what_the_file_says(tmp_path: Path) -> None:
    keys = {"temperature": 0.5, "max_completion_tokens": 9, "request": {"seed": 1}}
    async with talking(tmp_path, **keys) as talk:
        assert "".join(await answer(talk)) == "You said my secret is 1234."
        await answer(talk, tools=True)
        await answer(talk, tools=True, may_call=False)
    plain, with_tools, without_calls = (seen.body for seen in talk.model.requests)
    assert plain == {
        "model": MODEL,
        "messages": MESSAGES,
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.5,
        "max_completion_tokens": 9,
        "seed": 1,
    }
    assert with_tools == {**plain, "tools": [TOOL]}
    assert without_calls == {**with_tools, "tool_choice": "none"}
    assert talk.model.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert len(talk.metered) == 3


@virtual_time_on_sockets
async def test_a_model_that_reasons_takes_the_request_too(tmp_path: Path) -> None:
    keys = {"max_completion_tokens": 9, "request": {"reasoning_effort": "low"}}
    async with talking(tmp_path, model=REASONER, **keys) as talk:
        assert await answer(talk)


@virtual_time_on_sockets
async def test_a_model_that_is_not_there_is_replaced_at_once(tmp_path: Path) -> None:
    async with talking(tmp_path, model="gpt-0", fallback_model=OTHER) as talk:
        assert await answer(talk)
        assert models(talk) == [OTHER]
        (refused,) = talk.model.refused
        assert refused["code"] == "model_not_found"
        talk.model.refused.clear()


@pytest.mark.parametrize(
    ("fault", "headers", "asked", "least_s", "most_s"),
    [
        ("down", {}, [MODEL, MODEL], 0.1, 0.3),
        ("limited", {"retry-after-ms": "900"}, [MODEL, MODEL], 0.9, 1.0),
        ("limited", {"retry-after": "1"}, [MODEL, MODEL], 1.0, 1.1),
        # It is not known when it ends: rather another model than silence.
        ("limited", {"retry-after": "20"}, [MODEL, OTHER], 0.0, 0.1),
        ("limited", {"x-should-retry": "false"}, [MODEL, OTHER], 0.0, 0.1),
        ("page", {}, [MODEL, MODEL], 0.1, 0.3),
        ("silent", {}, [MODEL, MODEL], 3.1, 3.4),
        ("cut", {}, [MODEL, MODEL], 0.1, 0.4),
        ("stall", {}, [MODEL, MODEL], 3.1, 3.4),
        ("garbage", {}, [MODEL, MODEL], 0.1, 0.3),
        ("broken", {}, [MODEL, MODEL], 0.1, 0.3),
        ("unfinished", {}, [MODEL, MODEL], 0.1, 0.3),
        (None, {}, [MODEL, MODEL], 0.1, 0.3),
    ],
)
@virtual_time_on_sockets
async def test_a_failure_before_the_first_word(
    tmp_path: Path,
    fault: Fault | None,
    headers: dict[str, str],
    asked: list[str],
    least_s: float,
    most_s: float,
) -> None:
    async with talking(tmp_path, fallback_model=OTHER) as talk:
        # Without a fault it is an answer without a word.
        talk.will_answer(Answer(fault=fault, headers=headers), Answer(("Hello.",)))
        began_s = asyncio.get_running_loop().time()
        with capture_logs() as logs:
            assert await answer(talk) == ["Hello."]
        assert least_s <= asyncio.get_running_loop().time() - began_s <= most_s
        assert models(talk) == asked
    assert [entry["model"] for entry in logs] == [MODEL]
    assert "1234" not in repr(logs)
    assert KEY not in repr(logs)


@pytest.mark.parametrize("fault", ["cut", "stall", "garbage", "broken", "unfinished"])
@virtual_time_on_sockets
async def test_a_failure_behind_the_first_word_is_an_error(tmp_path: Path, fault: Fault) -> None:
    async with talking(tmp_path, fallback_model=OTHER, timeout_s=4.0) as talk:
        talk.will_answer(Answer(("Well ",), fault=fault))
        answers = talk.bot.models.answer(MESSAGES, [], may_call=False, metered=lambda *_: None)
        assert await anext(answers) == "Well "
        with pytest.raises(ChatError) as error:
            await anext(answers)
        assert models(talk) == [MODEL]
    assert str(error.value).startswith(f"{MODEL}: ")
    assert "1234" not in str(error.value)
    assert error.value.__cause__ is None


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([Answer(fault="quota")], f"{MODEL}: HTTP 429 (insufficient_quota)"),
        (
            [Answer(fault="down")] * 4,
            f"{MODEL}: HTTP 503; {MODEL}: HTTP 503; {OTHER}: HTTP 503; {OTHER}: HTTP 503",
        ),
        (
            [Answer(finish_reason="content_filter")] * 4,
            f"{MODEL}: an answer without a word (content_filter); ",
        ),
    ],
)
@virtual_time_on_sockets
async def test_nobody_answers(tmp_path: Path, answers: list[Answer], error: str) -> None:
    async with talking(tmp_path, fallback_model=OTHER) as talk:
        talk.will_answer(*answers)
        with pytest.raises(ChatError) as raised:
            await answer(talk)
        assert len(talk.model.requests) == len(answers)
    assert str(raised.value).startswith(error)


@virtual_time_on_sockets
async def test_a_wrong_key_is_tried_once_and_not_told(tmp_path: Path) -> None:
    async with talking(tmp_path, fallback_model=OTHER) as talk:
        talk.model._key = "sk-another"
        with capture_logs() as logs, pytest.raises(ChatError) as error:
            await answer(talk)
        assert len(talk.model.refused) == 1
        talk.model.refused.clear()
    assert str(error.value) == f"{MODEL}: HTTP 401 (invalid_api_key)"
    for part in (KEY[:8], KEY[-4:]):
        assert part not in repr(logs) + repr(error.value)


@virtual_time_on_sockets
async def test_tool_calls_come_when_they_are_whole(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        calls = [Called("book", '{"day": "friday"}'), Called("book", '{"day": "monday"}')]
        talk.will_answer(Answer(("Well",), calls, fault="cut"), Answer(("Well",), calls))
        with pytest.raises(ChatError):
            await answer(talk, tools=True)
        assert await answer(talk, tools=True) == ["Well", "book", "book"]


@virtual_time_on_sockets
async def test_who_stops_listening_ends_the_request(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        talk.will_answer(Answer(("Well ", "I never"), fault="stall"))
        answers = talk.bot.models.answer(MESSAGES, [], may_call=False, metered=lambda *_: None)
        async with aclosing(answers) as pieces:
            assert await anext(pieces) == "Well "
        async with asyncio.timeout(5):
            await talk.model.requests[0].left.wait()
    assert talk.metered == []
