"""Who of this worker waits for news of a session."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Wakes"]


class Wakes:
    """Wakes whoever waits for news: of chunks that came, were heard or answered."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}

    def wake(self, session: str) -> None:
        """There is news of the session."""
        for news in self._waiting.get(session, ()):
            news.set()

    @contextmanager
    def news_of(self, session: str) -> Iterator[asyncio.Event]:
        """Inside, the event is set whenever there is news; who waits for it clears it."""
        news = asyncio.Event()
        waiting = self._waiting.setdefault(session, set())
        waiting.add(news)
        try:
            yield news
        finally:
            waiting.discard(news)
            if not waiting and self._waiting.get(session) is waiting:
                del self._waiting[session]
