"""How the API streams an answer: server-sent events with chunks of a completion.

A tool call comes in fragments: the first has its id and name, the others pieces of its arguments;
those of parallel calls may alternate, and `index` says which is meant.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

__all__ = ["DONE", "Called", "Streamed", "event"]

DONE = b"data: [DONE]\n\n"
FRAGMENT = 7
"""So many characters of arguments come at a time."""


@dataclass(frozen=True, slots=True)
class Called:
    """A tool call of the model; `arguments` is JSON, or what a model took for it."""

    name: str
    arguments: str = "{}"


def event(data: object) -> bytes:
    """One server-sent event."""
    return b"data: " + orjson.dumps(data) + b"\n\n"


class Streamed:
    """The chunks of one answer.

    Args:
        model: its name.
        pieces: the text, as it comes.
        calls: what the model calls behind it.
        prompt_tokens: how long the request was.
        usage: whether the usage was asked for.
        finish_reason: why it ends; None is the reason that there is.
    """

    def __init__(
        self,
        model: str,
        pieces: Sequence[str],
        calls: Sequence[Called],
        *,
        prompt_tokens: int,
        usage: bool,
        finish_reason: str | None = None,
    ) -> None:
        self._around = {
            "id": f"chatcmpl-{secrets.token_hex(12)}",
            "object": "chat.completion.chunk",
            "created": 1_700_000_000,
            "model": model,
        }
        self._pieces = pieces
        self._calls = calls
        self._prompt_tokens = prompt_tokens
        self._usage = usage
        self._finish = finish_reason or ("tool_calls" if calls else "stop")

    def beginning(self) -> Iterator[bytes]:
        """The role, then the text."""
        yield self._chunk({"role": "assistant", "content": ""})
        for piece in self._pieces:
            yield self._chunk({"content": piece})

    def ending(self) -> Iterator[bytes]:
        """The calls, why it ends, and what it has cost."""
        fragments = [list(_fragments(index, call)) for index, call in enumerate(self._calls)]
        for alternating in itertools.zip_longest(*fragments):
            for fragment in filter(None, alternating):
                yield self._chunk({"tool_calls": [fragment]})
        yield self._chunk({}, self._finish)
        if self._usage:
            completion = len(self._pieces) + sum(map(len, fragments))
            counts = {"prompt_tokens": self._prompt_tokens, "completion_tokens": completion}
            total = self._prompt_tokens + completion
            yield event({**self._around, "choices": [], "usage": {**counts, "total_tokens": total}})
        yield DONE

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        usage = {"usage": None} if self._usage else {}
        return event({**self._around, "choices": [choice], **usage})


def _fragments(index: int, call: Called) -> Iterator[dict[str, Any]]:
    function = {"name": call.name, "arguments": ""}
    id_ = f"call_{secrets.token_hex(8)}"
    yield {"index": index, "id": id_, "type": "function", "function": function}
    for start in range(0, len(call.arguments), FRAGMENT):
        piece = call.arguments[start : start + FRAGMENT]
        yield {"index": index, "function": {"arguments": piece}}
