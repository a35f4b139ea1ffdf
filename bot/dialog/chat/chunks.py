"""PURE: a streamed completion, joined: text as it comes, tool calls and usage at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .memory import ToolCall

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionChunk
    from openai.types.chat.chat_completion_chunk import ChoiceDeltaToolCall

__all__ = ["Joined"]


class Joined:
    """What has come of one answer.

    Attributes:
        begun: there is something of it.
        finish_reason: why it has ended, in the API's word; empty until then.
        prompt_tokens, completion_tokens: what it has cost, as far as the server has said.
    """

    def __init__(self) -> None:
        self.begun = False
        self.finish_reason = ""
        self.prompt_tokens = 0
        self.completion_tokens = 0
        # The last one of each index is the one that goes on.
        self._calls: list[tuple[int, ToolCall]] = []

    def take(self, chunk: ChatCompletionChunk) -> str:
        """Add a chunk; gives the text that is in it."""
        if chunk.usage is not None:
            self.prompt_tokens = chunk.usage.prompt_tokens
            self.completion_tokens = chunk.usage.completion_tokens
        text = ""
        # The one with the usage has none.
        for choice in chunk.choices[:1]:
            delta = choice.delta
            text = (delta.content or "") + (delta.refusal or "")
            for fragment in delta.tool_calls or ():
                self._add(fragment)
            self.finish_reason = choice.finish_reason or self.finish_reason
        self.begun = self.begun or bool(text or self._calls)
        return text

    @property
    def calls(self) -> list[ToolCall]:
        """The tool calls, in order; `id` is empty where the server gave none."""
        # Stable: those of one index stay as they came.
        ordered = sorted(self._calls, key=lambda numbered: numbered[0])
        return [call for _, call in ordered if call["name"]]

    def _add(self, fragment: ChoiceDeltaToolCall) -> None:
        call = self._of(fragment)
        call["id"] = fragment.id or call["id"]
        if fragment.function is not None:
            call["name"] = fragment.function.name or call["name"]
            call["arguments"] += fragment.function.arguments or ""

    def _of(self, fragment: ChoiceDeltaToolCall) -> ToolCall:
        """The call that a fragment belongs to.

        Some servers give all of them the same index; another `id` is another call then.
        """
        for index, call in reversed(self._calls):
            if index == fragment.index:
                if fragment.id and call["id"] and fragment.id != call["id"]:
                    break
                return call
        new: ToolCall = {"id": "", "name": "", "arguments": "", "result": None}
        self._calls.append((fragment.index, new))
        return new
