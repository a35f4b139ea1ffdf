"""The official client takes the stand-in's streams for the API's, and it refuses what that does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import openai
import pytest
import pytest_asyncio
from openai import AsyncOpenAI

from .chat import KEY, MODEL, OTHER, REASONER, Answer, ChatStandIn, Fault, serving
from .chat_stream import Called

pytestmark = pytest.mark.asyncio(loop_scope="module")

USER = {"role": "user", "content": "hello"}
TOOL = {
    "type": "function",
    "function": {
        "name": "book",
        "description": "Book a table.",
        "parameters": {"type": "object", "properties": {"day": {"type": "string"}}},
    },
}
CALL = {"id": "call_1", "type": "function", "function": {"name": "book", "arguments": "{}"}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
ANSWERED = {"role": "tool", "tool_call_id": "call_1", "content": "done"}


@dataclass
class Official:
    """The official client on a stand-in."""

    standin: ChatStandIn
    client: AsyncOpenAI

    async def chunks(self, messages: list[Any] | None = None, **given: Any) -> list[Any]:
        asked: Any = {
            "model": MODEL,
            "messages": [USER] if messages is None else messages,
            "stream": True,
            **given,
        }
        async with await self.client.chat.completions.create(**asked) as stream:
            return [chunk async for chunk in stream]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[Official]:
    standin = ChatStandIn()
    async with (
        serving(standin) as url,
        AsyncOpenAI(api_key=KEY, base_url=url, max_retries=0) as client,
    ):
        yield Official(standin, client)


@pytest.fixture
def official(served: Official) -> Official:
    served.standin.answers.clear()
    return served


async def test_text_is_streamed_and_its_usage_comes_last(official: Official) -> None:
    official.standin.answers.append(Answer(("Hel", "lo", ".")))
    chunks = await official.chunks(stream_options={"include_usage": True})
    assert chunks[-1].choices == []
    usage = chunks[-1].usage
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens > 3
    choices = [chunk.choices[0] for chunk in chunks[:-1]]
    assert "".join(choice.delta.content or "" for choice in choices) == "Hello."
    assert [choice.finish_reason for choice in choices if choice.finish_reason] == ["stop"]
    assert all(chunk.choices for chunk in await official.chunks())


async def test_the_fragments_of_parallel_calls_are_joined_by_their_index(
    official: Official,
) -> None:
    calls = [Called("book", '{"day": "friday"}'), Called("book", '{"day": "monday morning"}')]
    official.standin.answers.append(Answer((), calls))
    asked: Any = {"model": MODEL, "messages": [USER], "tools": [TOOL]}
    async with official.client.chat.completions.stream(**asked) as stream:
        async for _ in stream:
            pass
        completion = await stream.get_final_completion()
    made = completion.choices[0].message.tool_calls
    assert made is not None
    assert [(call.function.name, call.function.arguments) for call in made] == [
        (call.name, call.arguments) for call in calls
    ]
    assert made[0].id != made[1].id


async def test_a_model_says_back_what_nobody_has_scripted(official: Official) -> None:
    chunks = await official.chunks()
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert said == "You said hello."
    assert official.standin.requests[-1].messages == [USER]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"extra_body": {"mood": "good"}}, None),
        ({"model": REASONER, "max_tokens": 5}, "unsupported_parameter"),
        ({"model": REASONER, "temperature": 0.5}, "unsupported_value"),
        ({"reasoning_effort": "low"}, None),
        ({"max_tokens": 5, "max_completion_tokens": 5}, None),
        ({"max_completion_tokens": 0}, None),
        ({"temperature": 3}, None),
        ({"stream_options": {"usage": True}}, None),
        ({"tool_choice": "none"}, None),
        ({"tools": []}, None),
        ({"tools": [{"type": "function", "function": {"name": "book it"}}]}, "invalid_value"),
        ({"tools": [TOOL], "tool_choice": "perhaps"}, None),
        ({"messages": []}, "empty_array"),
        ({"messages": [{"role": "caller", "content": "hello"}]}, None),
        ({"messages": [{"role": "user", "content": None}]}, None),
        ({"messages": [{"role": "assistant", "content": None}]}, None),
        ({"messages": [{**USER, "heard": "hel"}]}, None),
        ({"messages": [USER, CALLED]}, None),
        ({"messages": [USER, CALLED, USER]}, None),
        ({"messages": [USER, ANSWERED]}, None),
        ({"messages": [USER, CALLED, ANSWERED, ANSWERED]}, None),
    ],
)
async def test_a_wrong_request_is_refused(
    official: Official, given: dict[str, Any], code: str | None
) -> None:
    before = len(official.standin.requests)
    with pytest.raises(openai.BadRequestError) as refused:
        await official.chunks(**given)
    assert refused.value.code == code
    assert len(official.standin.requests) == before


@pytest.mark.parametrize(
    "given",
    [
        {"max_tokens": 5, "temperature": 0},
        {"model": REASONER, "max_completion_tokens": 5, "reasoning_effort": "low"},
        {"tools": [TOOL], "tool_choice": "none", "parallel_tool_calls": False},
        {"messages": [{"role": "developer", "content": "Be brief."}, USER, CALLED, ANSWERED]},
    ],
)
async def test_a_right_request_is_not(official: Official, given: dict[str, Any]) -> None:
    assert len(await official.chunks(**given)) > 2


async def test_who_asks_and_what_for_is_checked(official: Official) -> None:
    with pytest.raises(openai.AuthenticationError) as refused:
        await Official(official.standin, official.client.with_options(api_key="sk-wrong")).chunks()
    assert refused.value.code == "invalid_api_key"
    with pytest.raises(openai.NotFoundError) as unknown:
        await official.chunks(model="gpt-0")
    assert unknown.value.code == "model_not_found"
    assert [model.id for model in (await official.client.models.list()).data] == [
        MODEL, OTHER, REASONER,
    ]  # fmt: skip
    with pytest.raises(openai.NotFoundError):
        await official.client.models.retrieve(MODEL)
    assert await official.chunks(model=OTHER)


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        ("limited", openai.RateLimitError),
        ("quota", openai.RateLimitError),
        ("down", openai.InternalServerError),
        ("page", openai.InternalServerError),
        ("silent", openai.APITimeoutError),
        ("stall", openai.APITimeoutError),
        ("cut", openai.APIConnectionError),
        ("broken", openai.APIError),
        ("garbage", ValueError),
    ],
)
async def test_what_goes_wrong_on_command(
    official: Official, fault: Fault, raised: type[Exception]
) -> None:
    headers = {"retry-after-ms": "20", "x-should-retry": "true"}
    official.standin.answers.append(Answer(("Well",), fault=fault, headers=headers))
    with pytest.raises(raised) as failure:
        await official.chunks(timeout=0.2)
    if isinstance(failure.value, openai.RateLimitError) and fault == "limited":
        assert failure.value.response.headers["retry-after-ms"] == "20"
    # The next one is not concerned.
    assert await official.chunks()


async def test_a_stream_that_just_ends_says_no_reason(official: Official) -> None:
    official.standin.answers.append(Answer(("Well",), fault="unfinished"))
    chunks = await official.chunks()
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None, None]
