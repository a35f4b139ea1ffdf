"""The `chat` dialog of one call."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bot.dialog.hook import IDLE_PROMPT
from bot.dialog.state import copied
from bot.dialog.text import whole_characters
from bot.dialog.types import Call, Ended, HistoryEntry, Reply, Say, Turn
from bot.sentences import Sentences

from .error import ChatError
from .file import ChatFile
from .memory import STATE_KEY, Memory, ToolCall
from .messages import Message, conversation, round_messages
from .prompt import fill
from .running import run_tools
from .tools import BadArguments, Tool

if TYPE_CHECKING:
    from .model import Models

__all__ = ["Chat"]

MAX_ROUNDS = 5
"""So many rounds of tools may a model ask for in one turn; then it has to say something."""

MAX_UNKNOWN = 16
"""So many tools whose end is not known yet are waited for."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a model was asked.

    Attributes:
        at: behind so many entries of the history, the turn's among them.
        turn: the caller's words; empty when it was an event.
        event: what had happened.
        count: of what the memory had ever held then, the event included.
        before: the state then, to which it is taken back when nothing of the answer was heard.
    """

    at: int = 0
    turn: str = ""
    event: str = ""
    count: int = 0
    before: dict[str, Any] = field(default_factory=dict)


class Chat:
    """Answers with a model, which may call tools.

    All that the next worker needs is in the history and in `call.state`. What is kept here beside
    it makes sure that what a tool has done stays done: a turn that is interrupted before anything
    of its answer was heard is asked again, with the state as it was before, but the world is not.

    Args:
        file: what the user has written.
        models: what answers.
        tools: by name, the built-in ones too.
    """

    def __init__(self, file: ChatFile, models: Models, tools: dict[str, Tool]) -> None:
        self._file = file
        self._models = models
        self._tools = tools
        self._tokens: dict[str, dict[str, int]] = {}
        # What was asked last, and the state after the last thing that a tool has done.
        self._asked = Asked()
        self._done: dict[str, Any] | None = None
        # The last round, and what earlier ones have begun and not ended yet, as threads may.
        self._running: list[ToolCall] = []

    async def greet(self, call: Call) -> Reply | None:
        """The greeting, if there is one."""
        self._models.expect_call()
        greeting = self._file.greeting
        return Say(fill(greeting, call, self._file.parameters)) if greeting else None

    async def on_turn(self, call: Call, turn: Turn) -> AsyncGenerator[Reply, None]:
        """The model's answer."""
        async with aclosing(self._answer(call, turn.text)) as replies:
            async for reply in replies:
                yield reply

    async def on_dtmf(self, call: Call, digits: str) -> AsyncGenerator[Reply, None]:
        """The model's answer to keys."""
        event = f"The caller pressed the keys {digits}"
        async with aclosing(self._answer(call, event=event)) as replies:
            async for reply in replies:
                yield reply

    async def on_idle(self, call: Call, count: int) -> str:
        """The prompts of the file, the last one over and over."""
        prompts = self._file.idle or [IDLE_PROMPT]
        return fill(prompts[min(count, len(prompts)) - 1], call, self._file.parameters)

    async def on_resume(self, call: Call, unheard: str) -> AsyncGenerator[Reply, None]:
        """What was not heard, or the model's word on what has happened."""
        self._models.expect_call()
        event = ""
        if unheard:
            yield Say(unheard)
        elif status := call.parameters.get("dial_status"):
            event = f"The caller was not connected ({status}) and is back with you"
        elif call.gap is not None and call.gap.speech_lost and not call.gap.turn_open:
            event = "There was a break in the call, and what the caller said in it is lost"
        if event:
            async with aclosing(self._answer(call, event=event)) as replies:
                async for reply in replies:
                    yield reply

    async def on_end(self, call: Call, ended: Ended) -> None:
        """Leave in the state what tools have done, and the whole count of tokens."""
        if self._tokens or self._done is not None:
            self._recall(call)

    async def _answer(
        self, call: Call, turn: str = "", event: str = ""
    ) -> AsyncGenerator[Reply, None]:
        """What the model says to the conversation as it is, and what it does."""
        at = len(call.history)
        messages = self._conversation(call, at, turn, event)
        spoken = False
        for number in range(MAX_ROUNDS + 1):
            said: list[str] = []
            calls: list[ToolCall] = []
            may_call = number < MAX_ROUNDS
            asking = self._ask(call, messages, said, calls, may_call=may_call, may_be_empty=spoken)
            async with aclosing(asking) as replies:
                async for reply in replies:
                    yield reply
            if not calls:
                return
            if not may_call:
                raise ChatError("the model calls tools over and over")
            leaving = await self._run(call, at, calls)
            if leaving:
                for reply in leaving:
                    yield reply
                return
            text = whole_characters("".join(said)).strip()
            spoken = spoken or bool(text)
            messages += round_messages(text, calls)

    def _conversation(self, call: Call, at: int, turn: str, event: str) -> list[Message]:
        """The messages to begin with; notes what is asked."""
        before, last = copied(call.state), self._asked
        memory, again = self._recall(call)
        # When it was asked before, it may have come back with what tools have done for it.
        if event and not (again and event == last.event and memory.count >= last.count):
            memory.keep_event(at, event)
        self._asked = Asked(at, turn, event, memory.count, before)
        prompt = fill(self._file.prompt, call, self._file.parameters)
        return conversation(prompt, call.history, memory.items, turn)

    async def _ask(
        self,
        call: Call,
        messages: list[Message],
        said: list[str],
        calls: list[ToolCall],
        *,
        may_call: bool,
        may_be_empty: bool,
    ) -> AsyncGenerator[Reply, None]:
        """Ask the models once: gives sentences, and adds to what was `said` and to the `calls`."""

        def metered(model: str, prompt: int, completion: int) -> None:
            self._count(call, model, prompt, completion)

        sentences = Sentences()
        schemas = [tool.schema for tool in self._tools.values()]
        answer = self._models.answer(
            messages, schemas, may_call=may_call, may_be_empty=may_be_empty, metered=metered
        )
        async with aclosing(answer) as pieces:
            async for piece in pieces:
                if isinstance(piece, str):
                    said.append(piece)
                    for sentence in sentences.feed(piece):
                        yield Say(sentence)
                else:
                    calls.append(piece)
        # What is said before a tool is called is a sentence, whether or not it has a full stop.
        for sentence in sentences.flush():
            yield Say(sentence)

    async def _run(self, call: Call, at: int, calls: list[ToolCall]) -> Sequence[Reply]:
        """Run a round of tools; gives the replies with which the bot leaves, if it does."""
        memory = Memory(call.state)
        for number, made in enumerate(calls):
            # Ours in any case: some servers give the same ones over and over, and need them only
            # to tell which result is which. Mistral's takes nine letters and digits, no more.
            made["id"] = f"call{memory.count % 1000:03}{number:02}"
        unknown = [made for made in self._running if made["result"] is None]
        self._running = [*unknown[-MAX_UNKNOWN:], *calls]
        memory.keep_round(at, calls)
        self._note_done(call)
        ends = [made for made in calls if self._leaves(made)]
        others = [made for made in calls if made not in ends]
        await run_tools(
            others,
            self._tools,
            call,
            self._file.tool_timeout_s,
            lambda: self._note_done(call),
        )
        failed = any(str(made["result"]).startswith("error: ") for made in others)
        replies = self._leave(ends, failed)
        self._note_done(call)
        return replies

    def _leaves(self, made: ToolCall) -> bool:
        tool = self._tools.get(made["name"])
        return tool is not None and tool.leaves

    def _leave(self, ends: list[ToolCall], failed: bool) -> Sequence[Reply]:
        """Do the first of the calls that end the conversation, unless something else has failed."""
        replies: Sequence[Reply] = ()
        for made in ends:
            if failed or replies:
                made["result"] = "error: not done, because of the other call"
            else:
                tool = self._tools[made["name"]]
                try:
                    replies = tool.function(**tool.parse(made["arguments"]))
                    made["result"] = "done"
                except BadArguments as error:
                    made["result"] = f"error: {error}"
        return replies

    def _recall(self, call: Call) -> tuple[Memory, bool]:
        """What is kept of the call, and whether what was asked last was taken back with its tools.

        What they have done was taken back with the state then, and is put in again.
        """
        again = self._done is not None and Memory(call.state).count < Memory(self._done).count
        if self._done is not None and again:
            asked = self._asked
            # What a tool that goes on in its thread has put in since.
            later = {
                key: value
                for key, value in [*call.state.items()]
                if key != STATE_KEY and (key not in asked.before or asked.before[key] != value)
            }
            call.state.clear()
            call.state.update({**copied(self._done), **later})
            if asked.turn and not _ends_with(call.history[: asked.at], asked):
                Memory(call.state).move_before(asked.at, asked.turn)
        memory = Memory(call.state)
        memory.complete(self._running)
        if not self._tokens:
            self._tokens = copied(memory.tokens)
        memory.set_tokens(copied(self._tokens))
        if again:
            self._note_done(call)
        return memory, again

    def _note_done(self, call: Call) -> None:
        # Not when the state has just been taken back, and the tools are about to be cancelled.
        if self._done is None or Memory(call.state).count >= Memory(self._done).count:
            self._done = copied(call.state)

    def _count(self, call: Call, model: str, prompt: int, completion: int) -> None:
        counts = self._tokens.setdefault(model, {"prompt": 0, "completion": 0})
        counts["prompt"] += prompt
        counts["completion"] += completion
        Memory(call.state).set_tokens(copied(self._tokens))


def _ends_with(history: Sequence[HistoryEntry], asked: Asked) -> bool:
    """Whether the words that were asked are still where they were."""
    return len(history) == asked.at > 0 and history[-1].text == asked.turn
