"""The speech-to-text service as a worker has it: its parts joined, its routes, and its tasks."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bot.api.keys.store import KeyStore
from bot.engines import Engines
from bot.inbox import Command, Inbox
from bot.metrics import Metrics
from bot.settings import Settings
from providers.ears import Ears
from providers.usage import Account

from . import asyncapi, openapi
from .access import SttAccess
from .asked import SessionRequest
from .asr_door import ASR_PATH, AsrDoor
from .astray import upgrades
from .chunk_door import ChunkDoor
from .chunks import ChunkStore
from .intake import Intakes
from .languages import language_named
from .posting import Posting
from .recognizers import Recognizers
from .sessions import Sessions
from .stats import Stats
from .store import SttStore
from .stream_door import STREAM_PATH, StreamDoor
from .tally import Tally
from .tokens import TokenDoor
from .wakes import Wakes

__all__ = ["SttService", "defaults_of"]


class SttService:
    """The service of one worker.

    Args:
        settings: the worker's.
        url: of Redis.
        worker: who we are, in the store.
        engines, account: the recognizers of calls, and where the use of all is kept.
        ears: tell where speech is.
        inbox: reaches other workers, and is how they reach us.
        metrics: of the worker.
        calls: how many calls each recognizer has.

    Attributes:
        sessions: that it has.
        keys: of its clients.
        origins: whose web pages may use it.
        routes: where it is served.
    """

    def __init__(
        self,
        settings: Settings,
        url: str,
        worker: str,
        *,
        engines: Engines,
        account: Account,
        ears: Ears,
        inbox: Inbox,
        metrics: Metrics,
        calls: Callable[[], Counter[str]],
    ) -> None:
        self._store = SttStore(
            url,
            worker,
            prefix=settings.redis_prefix,
            idle_s=settings.stt_idle_s,
            metrics=metrics,
            on_superseded=lambda *lost: self.sessions.superseded(*lost),
        )
        self._recognizers = Recognizers(settings, engines, account)
        self.keys = KeyStore(url, prefix=settings.redis_prefix, metrics=metrics)
        self._access = SttAccess(settings, self.keys, worker=worker)
        self.origins = self._access.origins
        self._wakes = Wakes()
        self._intakes = Intakes(self._store, self._wakes)
        self.sessions = Sessions(
            settings,
            recognizers=self._recognizers,
            ears=ears,
            store=self._store,
            access=self._access,
            inbox=inbox,
            tally=Tally(metrics),
            calls=calls,
        )
        self._stats = Stats(
            self.sessions,
            lambda: engines.health()["stt"] | self.health(),
            self._access,
            metrics,
            url=url,
            prefix=settings.redis_prefix,
            worker=worker,
        )
        self.routes = self._routes(settings, inbox)

    def _routes(self, settings: Settings, inbox: Inbox) -> list[BaseRoute]:
        sessions, access, defaults = self.sessions, self._access, defaults_of(settings)
        chunks = ChunkStore(self._store)
        posting = Posting(chunks, sessions, self._intakes, self._wakes, inbox.send)
        most_bytes = settings.stt_max_message_bytes
        return [
            *StreamDoor(sessions, access, settings, defaults).routes,
            *AsrDoor(sessions, access, settings).routes,
            *ChunkDoor(posting, self._store, access, defaults, most_bytes).routes,
            *TokenDoor(access).routes,
            *self._stats.routes,
            *upgrades((STREAM_PATH, ASR_PATH)),
            _document(
                "/stt/openapi.json",
                openapi.describe(settings.public_url, keyless=access.keyless),
            ),
            _document("/stt/asyncapi.json", asyncapi.describe(settings.public_url)),
        ]

    def works(self) -> list[Coroutine[Any, Any, None]]:
        """What runs as long as the worker does: what is to be written to the store, what is used of
        keys, sessions to be looked after, chunks to be heard, recognizers that have failed, and
        statistics.
        """
        return [
            self._store.run(),
            self._access.run(),
            self.sessions.run(),
            self._intakes.run(),
            self._recognizers.run(),
            self._stats.run(),
        ]

    async def prepare(self) -> None:
        """Load what the first session would else wait for, and all others with it."""
        await asyncio.to_thread(language_named, "english")
        await asyncio.to_thread(self._recognizers.load)

    def health(self) -> dict[str, str]:
        """How well the recognizers are that only sessions use, as `Engines.health` says it."""
        return self._recognizers.states()

    def wake(self, session: str) -> None:
        """There is news of a session, or of its chunks."""
        self._wakes.wake(session)
        self.sessions.wake(session)

    async def command(self, command: Command) -> None:
        """Carry out what another worker asks for.

        Raises:
            LookupError: the session is not here.
        """
        if command.kind == "stt_hear":
            await self._intakes.command(command)
        else:
            await self.sessions.command(command)

    async def flush(self, deadline_s: float) -> bool:
        """Have everything written; false when something could not be until then."""
        await self._access.exchange()
        return await self._store.flush(deadline_s)

    async def aclose(self) -> None:
        """Release the recognizers that are its own, and the way to Redis."""
        await self._recognizers.aclose()
        await self.keys.aclose()
        await self._store.aclose()
        await self._stats.aclose()


def defaults_of(settings: Settings) -> SessionRequest:
    """What a session is of which nothing is asked, at `/stt`."""
    return SessionRequest(
        language=settings.language,
        silence_ms=settings.stt_silence_ms,
        buffer_ms=settings.stt_buffer_ms,
        overlap_ms=settings.stt_overlap_ms,
    )


def _document(path: str, values: dict[str, Any]) -> Route:
    body = orjson.dumps(values)

    async def answer(request: Request) -> Response:
        return Response(body, media_type="application/json")

    return Route(path, answer)
