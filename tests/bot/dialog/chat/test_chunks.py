from __future__ import annotations

from typing import Any

from openai.types.chat import ChatCompletionChunk

from bot.dialog.chat.chunks import Joined


def chunk(delta: dict[str, Any] | None = None, **more: Any) -> ChatCompletionChunk:
    around = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m"}
    finish = more.pop("finish_reason", None)
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return ChatCompletionChunk.model_validate({**around, "choices": choices, **more})


def fragment(index: int, id_: str | None = None, **function: str) -> dict[str, Any]:
    return {"tool_calls": [{"index": index, "id": id_, "function": function or None}]}


def test_text_a_refusal_and_why_it_ends() -> None:
    joined = Joined()
    assert joined.take(chunk({"role": "assistant", "content": ""})) == ""
    assert not joined.begun
    assert joined.take(chunk({"content": "Hel"})) == "Hel"
    assert joined.begun
    assert joined.take(chunk({"refusal": "I cannot."})) == "I cannot."
    assert joined.take(chunk({}, finish_reason="stop")) == ""
    assert joined.finish_reason == "stop"
    usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
    assert joined.take(chunk(None, usage=usage)) == ""
    assert (joined.prompt_tokens, joined.completion_tokens) == (7, 2)
    assert (joined.finish_reason, joined.calls) == ("stop", [])


def test_fragments_are_joined_by_their_index() -> None:
    joined = Joined()
    for delta in (
        fragment(1, "b", name="second", arguments=""),
        fragment(0, "a", name="first", arguments='{"x"'),
        fragment(1, arguments="{}"),
        fragment(0, arguments=": 1}"),
        # Some servers say the name each time, some give no id, some begin what they do not end.
        fragment(2, name="third"),
        fragment(2, name="third", arguments="{}"),
        fragment(3),
    ):
        assert joined.take(chunk(delta)) == ""
    assert joined.begun
    assert [(call["id"], call["name"], call["arguments"]) for call in joined.calls] == [
        ("a", "first", '{"x": 1}'),
        ("b", "second", "{}"),
        ("", "third", "{}"),
    ]


def test_calls_of_one_index_are_told_apart_by_their_ids() -> None:
    joined = Joined()
    for delta in (
        fragment(0, "a", name="first", arguments='{"x": 1}'),
        fragment(0, "b", name="second", arguments="{"),
        fragment(0, "b", arguments="}"),
    ):
        joined.take(chunk(delta))
    assert [(call["id"], call["name"], call["arguments"]) for call in joined.calls] == [
        ("a", "first", '{"x": 1}'),
        ("b", "second", "{}"),
    ]
