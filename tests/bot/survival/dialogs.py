"""The bots that the proofs talk to, named to a worker by `PARLEY_DIALOG`.

They write down whatever they are asked, one line each, into the file that `SURVIVAL_JOURNAL`
names: what was really asked of a bot is known only there, whoever of the workers was asked.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from typing import Any

from bot.dialog import Call, Ended, Hangup, Interruption, Reply, Turn

__all__ = [
    "ANSWER",
    "GREETING",
    "HOOK_S",
    "JOURNAL",
    "KEY_ANSWER",
    "SPARE",
    "TALK",
    "Brief",
    "Deadly",
    "Steady",
    "Talker",
]

JOURNAL = "SURVIVAL_JOURNAL"

GREETING = (
    "Welcome to the night desk.",
    "We are open at every hour.",
    "Please tell me when you want to come.",
)
ANSWER = ("Very well, I have made a note.", "We will be glad to see you.")
KEY_ANSWER = "Thank you for the key."
HOOK_S = 1.2
"""How long a turn's hook takes, unless the turn is delivered again."""
DEADLY_S = 0.5
"""How long `Deadly` lives on at least, and looks whether it may die."""
SPARE = "SURVIVAL_SPARE"
"""Names a file that is there while another worker could take the call."""
TALK = (
    "The first train leaves the harbour at half past six.",
    "It stops in every village along the river.",
    "Bicycles travel free of charge on weekdays.",
    "The dining car serves hot soup and fresh bread.",
    "Dogs must be kept on a short lead.",
    "The journey to the coast takes four hours.",
    "Please keep your ticket until the very end.",
    "Lost umbrellas are kept at the main office.",
    "The museum of clocks is closed on Mondays.",
    "Taxis wait outside the northern entrance.",
)
"""About twenty-five seconds."""


def note(call: Call, kind: str, **fields: Any) -> None:
    """Append a line to the journal. One small write is not mixed with another process's."""
    line = {"kind": kind, "sid": call.sid, "pid": os.getpid(), "at_ms": time.time_ns() / 1e6}
    handle = os.open(os.environ[JOURNAL], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, json.dumps(line | fields).encode() + b"\n")
    finally:
        os.close(handle)


class Steady:
    """Greets, answers every turn with the same words, and keeps in `call.state` that it did.

    It has no `on_resume`: what Parley does by itself is what is proved.
    """

    async def greet(self, call: Call) -> str:
        note(call, "greet")
        call.state["greets"] = call.state.get("greets", 0) + 1
        return " ".join(GREETING)

    async def on_turn(self, call: Call, turn: Turn) -> str:
        note(call, "asked", turn=turn.id, retried=turn.retried, text=turn.text)
        # Changed before the end: must not be seen by whoever is asked again.
        call.state.setdefault("asked", []).append(turn.id)
        if not turn.retried:
            await asyncio.sleep(HOOK_S)
        call.state.setdefault("answered", []).append(turn.id)
        note(call, "answered", turn=turn.id)
        return " ".join(ANSWER)

    async def on_dtmf(self, call: Call, digits: str) -> list[Reply]:
        note(call, "keys", digits=digits)
        call.state["keys"] = call.state.get("keys", "") + digits
        return [KEY_ANSWER, Hangup("key")] if digits == "#" else [KEY_ANSWER]

    async def on_interrupted(self, call: Call, interruption: Interruption) -> None:
        note(call, "interrupted", heard=interruption.heard)

    async def on_end(self, call: Call, ended: Ended) -> None:
        note(call, "end", by=ended.by, reason=ended.reason)


class Brief(Steady):
    """Greets with one sentence."""

    async def greet(self, call: Call) -> str:
        await super().greet(call)
        return GREETING[0]


class Talker(Steady):
    """Greets with a long talk, so that there is something to cut at any time."""

    async def greet(self, call: Call) -> str:
        await super().greet(call)
        return " ".join(TALK)


class Deadly(Brief):
    """Kills its worker whenever it is to answer a turn."""

    async def on_turn(self, call: Call, turn: Turn) -> str:
        note(call, "asked", turn=turn.id, retried=turn.retried, text=turn.text)
        while True:
            await asyncio.sleep(DEADLY_S)
            _die_if_there_is_a_spare()


def _die_if_there_is_a_spare() -> None:
    if os.path.exists(os.environ[SPARE]):
        os.kill(os.getpid(), signal.SIGKILL)
