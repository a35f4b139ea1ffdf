"""The user's server: asked, and asked again where that is safe."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

import orjson
import structlog

from providers.errors import ApiError, NetworkError, ProviderError, UnavailableError
from providers.http import HttpClient
from providers.http_request import HttpRequest

from .answer import InvalidAnswerError, Read
from .lines import Answers
from .signature import sign

__all__ = ["Server"]

log = structlog.get_logger(__name__)

NAME = "http dialog"
ACCEPT = "application/json, application/x-ndjson, text/plain"
NO_CONTENT = 204
BUSY = frozenset({429, 502, 503, 504})
"""Another attempt may find the server well."""
AGAIN_AFTER_S = 0.2


class Server:
    """Where the questions go.

    Args:
        url: its address.
        secret: what they are signed with.
        answer_s: how long it may take before its answer, and between the parts of it.
    """

    def __init__(self, url: str, secret: str, answer_s: float) -> None:
        self._url = url
        self._secret = secret
        self._answer_s = answer_s
        self._http = HttpClient(NAME)

    async def aclose(self) -> None:
        """Give back the connections."""
        await self._http.aclose()

    async def ask(self, question: Mapping[str, Any]) -> AsyncGenerator[Read | None, None]:
        """The answers to a question, as they come; None is that the server has none (204).

        The question's id is its idempotency key. With that it is asked once more when the
        connection fails, or the server is busy, before anything of an answer has come.

        Raises:
            ProviderError: the server cannot be reached, refuses, or says what is no answer.
        """
        body = orjson.dumps(question)
        for last in (False, True):
            begun = False
            try:
                async with aclosing(self._attempt(body, question["id"])) as answers:
                    async for answer in answers:
                        begun = True
                        yield answer
                return
            except (NetworkError, UnavailableError) as error:
                if begun or last:
                    raise
                log.warning("server of the dialog asked again", error=str(error))
            await asyncio.sleep(AGAIN_AFTER_S)

    async def _attempt(self, body: bytes, key: str) -> AsyncGenerator[Read | None, None]:
        headers = {
            "content-type": "application/json",
            "accept": ACCEPT,
            # A few bytes that are packed may be megabytes, before `MAX_BYTES` is looked at.
            "accept-encoding": "identity",
            "user-agent": "Parley",
            "idempotency-key": key,
            # Each attempt has its own time: the first may have taken long.
            **sign(self._secret, int(time.time()), body),
        }
        request = HttpRequest(url=self._url, headers=headers, body=body)
        async with self._http.stream(request, _refused, answer_s=self._answer_s) as response:
            if response.status == NO_CONTENT:
                yield None
                return
            try:
                answers = Answers(response.headers.get("content-type", ""))
                async for piece in response.pieces():
                    for read in answers.feed(piece):
                        yield read
                for read in answers.end():
                    yield read
            except InvalidAnswerError as error:
                raise ApiError(NAME, str(error)) from None


def _refused(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    if status in BUSY:
        return UnavailableError(NAME, f"the server is busy: HTTP {status}")
    hint = "see the server's own log"
    if status < 400:
        hint = "name the address that it redirects to"
    elif status in (401, 403):
        hint = "see whether both have the same PARLEY_HTTP_SECRET, and the right time"
    return ApiError(NAME, f"the server refused: HTTP {status}", hint=hint)
