"""PURE: a streamed completion, joined: text as it comes, tool calls and usage at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.dialog.text import whole_characters

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
        """Add a chunk; gives the text that is in it.

        The client does not look at what a server sends, so that anything may be in a chunk.

        Raises:
            ValueError: it is none.
        """
        try:
            return self._take(chunk)
        except (AttributeError, TypeError):
            raise ValueError("no chunk of a completion") from None

    def _take(self, chunk: ChatCompletionChunk) -> str:
        if (usage := chunk.usage) is not None:
            self.prompt_tokens = usage.prompt_tokens or 0
            self.completion_tokens = usage.completion_tokens or 0
        text = ""
        # The one with the usage has none.
        for choice in (chunk.choices or ())[:1]:
            if (delta := choice.delta) is not None:
                # What a model thinks is a list in some servers' `content`.
                text = "".join(t for t in (delta.content, delta.refusal) if isinstance(t, str))
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
        return [
            {**call, "arguments": whole_characters(call["arguments"])}
            for _, call in ordered
            if call["name"]
        ]

    def _add(self, fragment: ChoiceDeltaToolCall) -> None:
        call = self._of(fragment)
        call["id"] = fragment.id or call["id"]
        if fragment.function is not None:
            call["name"] = fragment.function.name or call["name"]
            call["arguments"] += fragment.function.arguments or ""

    def _of(self, fragment: ChoiceDeltaToolCall) -> ToolCall:
        """The call that a fragment belongs to.

        Some servers give all of them the same index, or none; another `id` is another call then.
        """
        position = fragment.index or 0
        for index, call in reversed(self._calls):
            if index == position:
                if fragment.id and call["id"] and fragment.id != call["id"]:
                    break
                return call
        new: ToolCall = {"id": "", "name": "", "arguments": "", "result": None}
        self._calls.append((position, new))
        return new
