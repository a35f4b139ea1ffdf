"""A synthesis connection with several contexts.

Source: https://elevenlabs.io/docs/eleven-api/guides/how-to/websockets/multi-context-web-socket
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TypeVar

from tests.vendors.speech.faults import When
from tests.vendors.speech.peer import Peer
from tests.vendors.speech.refusal import Json, Refusal
from tests.vendors.speech.strike import Striker

from .refusal import Wrong, speech_error
from .speaking import Speaker
from .tts_context import Context
from .tts_messages import MultiMessage, read_message
from .tts_query import TtsQuery, read_query

__all__ = ["MultiConnection", "all_of"]

POLICY = 1008
REFUSAL_S = 0.1
_Error = TypeVar("_Error", bound=Exception)


class MultiConnection:
    """Serves one client.

    Args:
        peer: it; its record's fault strikes here.
        speaker: who speaks.
    """

    def __init__(self, peer: Peer, speaker: Speaker) -> None:
        self._peer = peer
        self._speaker = speaker
        self._striker = Striker(peer, peer.record.fault)
        self._contexts: dict[str, Context] = {}
        self._query: TtsQuery
        self._sent_ms = 0.0
        self._tasks: asyncio.TaskGroup

    async def serve(self, *, refused: Refusal | None) -> None:
        """Until the client leaves, or an error.

        Args:
            refused: why this client may not be here.

        Raises:
            Gone: the client left.
        """
        refusals: list[Refusal] = []
        try:
            async with asyncio.TaskGroup() as self._tasks:
                await self._open(refused)
                await self._run()
        except* Refusal as group:
            refusals += all_of(group)
        if refusals:
            await self._peer.say(speech_error(refusals[0]))
            await self._peer.close(POLICY)
        else:
            await self._peer.close()

    async def _open(self, refused: Refusal | None) -> None:
        """See what is asked for. What is wrong with it is told when the handshake is long over."""
        try:
            if refused is not None:
                raise refused
            await self._striker.strike_if("open", 0)
            self._query = read_query(self._peer.record, self._speaker.voice_ids)
        except Refusal:
            await asyncio.sleep(REFUSAL_S)
            raise

    async def _run(self) -> None:
        while True:
            try:
                frame = await self._peer.receive(self._left_s())
            except TimeoutError:
                self._let_go()
                continue
            message = read_message(MultiMessage, frame)
            if message.close_socket:
                for context in self._contexts.values():
                    context.close()
                return
            self._pass_on(message)

    def _left_s(self) -> float:
        """How long until a context has been quiet for too long; without one, the connection."""
        now_s, timeout_s = asyncio.get_running_loop().time(), self._query.inactivity_timeout
        quiet = [now_s - context.touched_s for context in self._idle().values()]
        return max(0.0, timeout_s - max(quiet, default=0.0))

    def _idle(self) -> Mapping[str, Context]:
        return {name: context for name, context in self._contexts.items() if not context.busy}

    def _let_go(self) -> None:
        """Close what was quiet for too long; the connection, when nothing else is there."""
        if not self._contexts:
            raise Refusal(408, "input_timeout_exceeded", "No input for too long")
        now_s = asyncio.get_running_loop().time()
        for context in self._idle().values():
            if now_s - context.touched_s >= self._query.inactivity_timeout:
                context.close()
                context.touched_s = now_s

    def _pass_on(self, message: MultiMessage) -> None:
        context = self._contexts.get(message.context_id)
        if context is None:
            context = self._begin(message)
        elif message.has_settings:
            raise Wrong("Settings can only be set in the first message of a context")
        if message.text and not message.text.endswith(" "):
            self._peer.record.complaints.append("text that does not end with a space")
        context.take(message)

    def _begin(self, message: MultiMessage) -> Context:
        complaints, name = self._peer.record.complaints, message.context_id
        if message.close_context or message.flush:
            complaints.append("an unknown context was flushed or closed, which begins it")
        elif not message.text:
            complaints.append("a context was kept alive before it began, which begins it")
        elif message.text != " ":
            complaints.append("a context does not begin with a space")
        most = self._speaker.limits.contexts
        if len(self._contexts) >= most:
            raise Wrong(
                "Maximum simultaneous contexts per WebSocket connection exceeded"
                f" ({most}). Please close an existing context before opening a"
                " new one.",
                kind="max_active_conversations",
            )

        async def emit(message: Json, duration_ms: float) -> None:
            await self._say(name, message, duration_ms)

        context = Context(message, self._query, self._speaker, emit)
        self._contexts[name] = context
        self._tasks.create_task(context.run())
        return context

    async def _say(self, name: str, message: Json, duration_ms: float) -> None:
        if duration_ms:
            await self._strike_if("audio")
        if message["isFinal"]:
            await self._strike_if("finish")
            # Before it is said: the client may use the id at once.
            del self._contexts[name]
        await self._peer.say({"contextId": name, **message})
        self._sent_ms += duration_ms

    async def _strike_if(self, when: When) -> None:
        await self._striker.strike_if(when, self._sent_ms)


def all_of(group: BaseExceptionGroup[_Error]) -> list[_Error]:
    """The exceptions of a group."""
    found: list[_Error] = []
    for error in group.exceptions:
        found += all_of(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
