"""A conversation over a session with a vendor that a test plays, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from providers.errors import ProviderError
from providers.session import Deadlines, Session

from .wire import LineCodec

__all__ = ["Conversation", "Owner", "now_s", "talking"]


class Owner:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.heard_all: list[object] = []
        self.rooms = 0
        self.news = asyncio.Event()

    def opened(self) -> None:
        self.news.set()

    def heard(self, event: object) -> None:
        self.heard_all.append(event)
        self.news.set()

    def writable(self) -> None:
        self.rooms += 1

    def roused(self) -> None:
        self.news.set()


class Conversation:
    """A session, its owner, and what became of it."""

    def __init__(self, codec: LineCodec, deadlines: Deadlines) -> None:
        self.owner = Owner()
        self.session: Session[LineCodec, object] = Session(
            "lines", lambda: codec, self.owner, deadlines
        )

    async def news(self, within_s: float = 60.0) -> None:
        """Wait until something happens, connected if possible."""
        self.owner.news.clear()
        await self.session.keep()
        async with asyncio.timeout(within_s):
            await self.owner.news.wait()

    async def failure(self) -> ProviderError:
        """Go on until it cannot."""
        try:
            while True:
                await self.news()
        except ProviderError as error:
            return error


@asynccontextmanager
async def talking(
    url: str, *, keepalive_s: float | None = None, deadlines: Deadlines | None = None
) -> AsyncIterator[Conversation]:
    conversation = Conversation(LineCodec(url, keepalive_s), deadlines or Deadlines())
    try:
        yield conversation
    finally:
        conversation.session.close()
        await asyncio.sleep(0.01)


def now_s() -> float:
    return asyncio.get_running_loop().time()
