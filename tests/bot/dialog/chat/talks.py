"""Chats with the stand-in for OpenAI, and tools for them."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.dialog.chat import ChatBot, load_chat
from bot.dialog.resources import Resources
from bot.dialog.types import Call, DialogError
from tests.vendors.openai.chat import KEY, MODEL, Answer, ChatStandIn, serving

__all__ = [
    "Diary",
    "Talk",
    "blocking",
    "book",
    "hang_up",
    "note",
    "refuse",
    "slow",
    "talking",
    "toml",
]


@dataclass
class Talk:
    """A chat and its model.

    Attributes:
        metered: the model, and the tokens that it has read and written, of every answer.
    """

    bot: ChatBot
    model: ChatStandIn
    metered: list[tuple[str, int, int]] = field(default_factory=list)

    def will_answer(self, *answers: Answer) -> None:
        self.model.answers.extend(answers)

    @property
    def asked(self) -> list[list[dict[str, Any]]]:
        """The messages of every request, without the system's."""
        return [seen.messages[1:] for seen in self.model.requests]


def toml(values: Mapping[str, Any]) -> str:
    """Values and tables as TOML; JSON writes texts, numbers and lists alike."""
    plain = {key: value for key, value in values.items() if not isinstance(value, dict)}
    tables = {key: value for key, value in values.items() if isinstance(value, dict)}
    lines = [f"{key} = {json.dumps(value)}" for key, value in plain.items()]
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


@asynccontextmanager
async def talking(folder: Path, **keys: Any) -> AsyncIterator[Talk]:
    """A chat whose file has these keys too, on a model of its own."""
    model = ChatStandIn()
    metered: list[tuple[str, int, int]] = []
    resources = Resources(openai={"api_key": KEY}, meter=lambda *counts: metered.append(counts))
    async with serving(model) as url:
        path = folder / "chat.toml"
        given = {"prompt": "Be brief.", "model": MODEL, "base_url": url, **keys}
        path.write_text(toml(given), "utf-8")
        try:
            yield Talk(load_chat(path, resources), model, metered)
        finally:
            await resources.aclose()
            # The official client leaves generators to the loop, which closes them in tasks.
            await asyncio.sleep(0.01)
    assert model.refused == [], "the model has refused a request"


class Diary:
    """What the tools have done, and when they may go on."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.cancelled: list[str] = []
        self.begun = threading.Event()
        self.may_go_on = threading.Event()


diary = Diary()


async def book(call: Call, day: str) -> str:
    """Book a table.

    Args:
        day: of the week.
    """
    diary.done.append(day)
    call.state["booked"] = day
    return f"booked for {day}"


async def slow(call: Call) -> str:
    """Take eight seconds."""
    try:
        await asyncio.sleep(8)
    except asyncio.CancelledError:
        diary.cancelled.append("slow")
        raise
    diary.done.append("slow")
    return "at last"


def blocking() -> str:
    """Block until it may go on."""
    diary.begun.set()
    diary.may_go_on.wait(5)
    diary.done.append("blocking")
    return "at last"


async def hang_up(call: Call, reason: str) -> str:
    """Note that a customer has hung up: a tool of the user's, of a built-in one's name."""
    return f"noted for {call.sid}: {reason}"


def note(call: Call) -> str:
    """Note something when it may go on."""
    diary.begun.set()
    diary.may_go_on.wait(5)
    call.state["noted"] = True
    return "noted"


def refuse(day: str) -> str:
    """Refuse."""
    raise DialogError(f"never on a {day}")
