"""The service by HTTP alone: `POST /stt/stream-chunk`, and sessions to look at and to delete."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .access import SttAccess
from .asked import SessionRequest, chunk_from_form
from .chunk_answers import gone
from .chunk_form import AUDIO, read_chunk_form
from .chunks import Chunk
from .faults import Fault
from .parameters import PARAMETERS
from .posting import Posting
from .store import SessionGone, StoreUnavailable, SttStore

__all__ = ["ChunkDoor", "answering", "refused"]

_Handler = Callable[[Request], Awaitable[Response]]
_FIELDS = [AUDIO, "chunk_index", "is_final_chunk", *PARAMETERS]
SHOWN = ("language", "provider", "sample_rate", "encoding", "channels")


def refused(fault: Fault) -> Response:
    """The answer to a request that is refused."""
    headers = {}
    if fault.retry_after_s is not None:
        headers["Retry-After"] = str(math.ceil(fault.retry_after_s))
    if fault.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return _json(fault.values(time.time()), fault.status, headers)


def answering(handler: Callable[[Any, Request], Awaitable[Response]]) -> Any:
    """Have a method's `Fault` answered."""

    @wraps(handler)
    async def answered(self: Any, request: Request) -> Response:
        try:
            return await handler(self, request)
        except Fault as fault:
            return refused(fault)
        except StoreUnavailable:
            return refused(
                Fault("store_away", "the store is away: try again soon", retry_after_s=1.0)
            )

    return answered


class ChunkDoor:
    """The routes.

    Args:
        posting: takes chunks.
        store: of sessions.
        access: who may.
        defaults: what a session is of which nothing else is asked.
        most_bytes: how much audio a chunk may have.
    """

    def __init__(
        self,
        posting: Posting,
        store: SttStore,
        access: SttAccess,
        defaults: SessionRequest,
        most_bytes: int,
    ) -> None:
        self._posting = posting
        self._store = store
        self._access = access
        self._defaults = defaults
        self._most_bytes = most_bytes

    @property
    def routes(self) -> list[Route]:
        """Where it answers."""
        return [
            Route("/stt/stream-chunk", self.post, methods=["POST"]),
            # In one route: of two, a refusal's Allow would have the methods of the first.
            Route("/stt/sessions/{id}", self.session, methods=["GET", "DELETE"]),
        ]

    @answering
    async def post(self, request: Request) -> Response:
        """Take a chunk of audio; the answer is what came of it so far."""
        principal = await self._access.admit(request, "stt")
        if in_address := [name for name in request.query_params if name in _FIELDS]:
            raise Fault(
                "bad_config",
                f"{', '.join(in_address)}: send what is asked for as fields of the form, not in"
                " the address",
                allowed=_FIELDS,
            )
        pairs, audio = await read_chunk_form(request, self._most_bytes)
        asked = chunk_from_form(pairs, self._defaults)
        if not audio and not asked.last:
            raise Fault(
                "bad_message",
                f"{AUDIO} is missing or empty: only the final chunk may be so",
                allowed=[{AUDIO: {"minLength": 1}}, {"is_final_chunk": True}],
            )
        chunk = Chunk(
            index=asked.index,
            audio=audio,
            final=asked.last,
            digest=hashlib.blake2b(audio, digest_size=16).digest(),
            silent=audio.count(audio[:1]) == len(audio),
        )
        given = [name for name, value in pairs if value]
        return _json(await self._posting.post(asked.request, chunk, principal, given))

    async def session(self, request: Request) -> Response:
        """Show a session, or delete it."""
        answer: _Handler = self.delete if request.method == "DELETE" else self.show
        return await answer(request)

    @answering
    async def show(self, request: Request) -> Response:
        """How a session stands, and the finals after `?after=` (0)."""
        principal = await self._access.admit(request, "stt")
        session, after = _session(request), _after(request)
        try:
            shown = await self._store.show(session, principal.key_id)
        except SessionGone as error:
            raise _gone(error) from None
        if shown is None:
            raise gone("unknown")
        return _json(
            {
                "session_id": session,
                "status": "ended" if shown.ended else "active",
                "reason": shown.ended or None,
                **{name: shown.values.get(name) for name in SHOWN},
                "sequence": shown.sequence,
                "chunks": shown.chunks,
                "audio_ms": shown.audio_ms,
                "expires_after_s": shown.expires_s,
                "transcript": {"text": shown.text, "confidence": shown.confidence},
                "results": [orjson.Fragment(one) for one in await self._store.log(session, after)],
            }
        )

    @answering
    async def delete(self, request: Request) -> Response:
        """End a session, and delete what was understood."""
        principal = await self._access.admit(request, "stt")
        session = _session(request)
        try:
            if not await self._store.delete(session, principal.key_id):
                raise gone("unknown")
        except SessionGone as error:
            raise _gone(error) from None
        return _json({"session_id": session, "deleted": True})


def _session(request: Request) -> str:
    try:
        return str(UUID(request.path_params["id"]))
    except ValueError:
        raise gone("unknown") from None


def _after(request: Request) -> int:
    given = request.query_params.get("after", "0")
    if not given.isascii() or not given.isdecimal() or len(given) > 15:
        raise Fault(
            "unknown_parameter_value",
            "after: it is no number of a final transcription",
            allowed={"minimum": 0},
        )
    return int(given)


def _gone(error: SessionGone) -> Fault:
    return gone("expired") if error.expired else gone("ended", error.reason)


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    body = orjson.dumps(value)
    return Response(body, status, media_type="application/json", headers=headers)
