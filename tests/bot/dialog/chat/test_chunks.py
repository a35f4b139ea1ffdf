from __future__ import annotations

from typing import Any

import pytest
from openai._models import construct_type
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


def sent(value: object) -> Any:
    """What the client makes of anything that a server sends."""
    return construct_type(value=value, type_=ChatCompletionChunk)


def choice(delta: object, finish_reason: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}


THOUGHT = [{"type": "thinking", "thinking": []}]
TWO = [{"id": id_, "function": {"name": id_, "arguments": "{}"}} for id_ in "ab"]


@pytest.mark.parametrize(
    ("value", "text", "finish_reason", "calls", "tokens"),
    [
        ({"choices": None}, "", "", [], (0, 0)),
        (choice(None, "stop"), "", "stop", [], (0, 0)),
        (choice({"content": THOUGHT}), "", "", [], (0, 0)),
        (choice({"tool_calls": TWO}, "tool_calls"), "", "tool_calls", ["a", "b"], (0, 0)),
        ({**choice({"content": "Hi."}), "usage": {}}, "Hi.", "", [], (0, 0)),
        ({"choices": [], "usage": {"prompt_tokens": 5}}, "", "", [], (5, 0)),
    ],
)
def test_what_some_servers_leave_out(
    value: object, text: str, finish_reason: str, calls: list[str], tokens: tuple[int, int]
) -> None:
    joined = Joined()
    assert joined.take(sent(value)) == text
    assert joined.finish_reason == finish_reason
    assert [call["name"] for call in joined.calls] == calls
    assert (joined.prompt_tokens, joined.completion_tokens) == tokens


@pytest.mark.parametrize(
    "value",
    [
        [],
        3,
        {"choices": 3},
        choice(3),
        choice({"tool_calls": [{"index": 0, "function": {"name": "a", "arguments": {"x": 1}}}]}),
    ],
)
def test_what_is_no_chunk(value: object) -> None:
    with pytest.raises(ValueError, match="no chunk of a completion"):
        Joined().take(sent(value))


def test_halves_of_characters_are_not_in_arguments() -> None:
    joined = Joined()
    joined.take(chunk(fragment(0, "a", name="first", arguments='"\ud83d')))
    joined.take(chunk(fragment(0, arguments='\ude00\udce9"')))
    assert [call["arguments"] for call in joined.calls] == ['"\U0001f600\ufffd"']
