"""The `http` dialog: asks the user's server, and does as it says. It keeps nothing of a call."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict
from typing import Any

from bot.dialog.hook import IDLE_PROMPT
from bot.dialog.types import Call, Ended, Interruption, Reply, Say, Turn

from .question import question
from .server import Server

__all__ = ["HttpDialog"]

LOST_PROMPT = "I am sorry, the line was bad. Could you say that again?"

Replies = AsyncGenerator[Reply, None]


class HttpDialog:
    """Every event of a call is a question to the server; what has no answer has its default."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def greet(self, call: Call) -> Replies:
        """The server's greeting."""
        async with aclosing(self._ask(f"{call.sid}-greet", "greet", call)) as replies:
            async for reply in replies:
                yield reply

    async def on_turn(self, call: Call, turn: Turn) -> Replies:
        """The server's answer to a turn."""
        async with aclosing(self._ask(turn.id, "turn", call, turn=asdict(turn))) as replies:
            async for reply in replies:
                yield reply

    async def on_interrupted(self, call: Call, interruption: Interruption) -> Replies:
        """What the server does about an interruption."""
        told = asdict(interruption)
        asking = self._ask(_new_id(call), "interrupted", call, interruption=told)
        async with aclosing(asking) as replies:
            async for reply in replies:
                yield reply

    async def on_dtmf(self, call: Call, digits: str) -> Replies:
        """The server's answer to keys."""
        async with aclosing(self._ask(_new_id(call), "dtmf", call, digits=digits)) as replies:
            async for reply in replies:
                yield reply

    async def on_idle(self, call: Call, count: int) -> Replies:
        """The server's prompt, or the usual one."""
        asking = self._ask(_new_id(call), "idle", call, default=IDLE_PROMPT, count=count)
        async with aclosing(asking) as replies:
            async for reply in replies:
                yield reply

    async def on_resume(self, call: Call, unheard: str) -> Replies:
        """How the server goes on, else with what was not heard."""
        lost = call.gap is not None and call.gap.speech_lost and not call.gap.turn_open
        default = unheard or (LOST_PROMPT if lost else "")
        asking = self._ask(_new_id(call), "resume", call, default=default, unheard=unheard)
        async with aclosing(asking) as replies:
            async for reply in replies:
                yield reply

    async def on_end(self, call: Call, ended: Ended) -> None:
        """Tell the server."""
        async with aclosing(self._ask(f"{call.sid}-end", "end", call, ended=asdict(ended))) as said:
            async for _ in said:
                pass

    async def _ask(
        self, id_: str, event: str, call: Call, default: str = "", **more: Any
    ) -> Replies:
        answers = self._server.ask(question(id_, event, call, **more))
        async with aclosing(answers):
            async for answer in answers:
                if answer is None:
                    if default:
                        yield Say(default)
                    return
                replies, state = answer
                call.state.update(state)
                for reply in replies:
                    yield reply


def _new_id(call: Call) -> str:
    return f"{call.sid}-{uuid.uuid4()}"
