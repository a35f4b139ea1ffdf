"""What a vendor answers over HTTP: whole, or as it comes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from typing import cast

import httpx

from .errors import InvalidResponseError

__all__ = ["Answer", "Streamed"]

MAX_ERROR_BYTES = 64 * 1024


class Answer:
    """An answer, whole. Header names are in lower case."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body


class Streamed:
    """An answer that is coming.

    Args:
        provider: the catalogue name, for errors.
        response: as httpx has it.
        waiting: a context for whoever waits for more of it, which may be ended from outside.
    """

    def __init__(
        self,
        provider: str,
        response: httpx.Response,
        waiting: Callable[[], AbstractAsyncContextManager[None]],
    ) -> None:
        self._provider = provider
        self._response = response
        self._waiting = waiting

    @property
    def status(self) -> int:
        """The HTTP status: below 300, or one that was allowed."""
        return self._response.status_code

    @property
    def headers(self) -> dict[str, str]:
        """Names are in lower case."""
        return dict(self._response.headers)

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The body as it comes; to be asked for once."""
        # A generator, though httpx does not say so.
        body = cast(AsyncGenerator[bytes, None], self._response.aiter_bytes())
        async with aclosing(body):
            while True:
                async with self._waiting():
                    piece = await anext(body, None)
                if piece is None:
                    return
                yield piece

    async def read(self, max_bytes: int) -> bytes:
        """The whole body.

        Raises:
            InvalidResponseError: it is longer than that.
        """
        parts: list[bytes] = []
        size = 0
        async for piece in self.pieces():
            parts.append(piece)
            size += len(piece)
            if size > max_bytes:
                raise InvalidResponseError(self._provider, "the answer does not end")
        return b"".join(parts)

    async def head(self) -> bytes:
        """The beginning of a body, enough to see what it says of an error."""
        body = b""
        async for piece in self.pieces():
            body += piece
            if len(body) > MAX_ERROR_BYTES:
                break
        return body[:MAX_ERROR_BYTES]

    async def aclose(self) -> None:
        """Read no more of it."""
        await self._response.aclose()
