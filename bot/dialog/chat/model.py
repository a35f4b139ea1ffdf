"""The models of a chat: asked for an answer, again when that can help, then the other one."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

import openai
import structlog

from bot.dialog.resources import Resources
from bot.dialog.types import DialogError

from .chunks import Joined
from .connections import KeptConnections, Warmth
from .error import ChatError
from .failure import Failure, failure_of
from .file import ChatFile
from .memory import ToolCall
from .messages import Message

__all__ = ["Answer", "Metered", "Models"]

log = structlog.get_logger(__name__)

OPENAI_URL = "https://api.openai.com/v1"
NO_KEY = "none"
"""What is sent to servers that want no key: the client insists on one."""
ATTEMPTS = 2
BACKOFF_S = 0.2
MAX_WAIT_S = 2.0
"""A caller does not wait longer: the next model is asked instead."""
CONNECT_S = 2.0

Answer = AsyncGenerator[str | ToolCall, None]
"""An answer: text as it comes, then the tool calls. Closing it ends the request."""

Metered = Callable[[str, int, int], None]
"""Is told of a model's tokens: those that it has read, and those that it has written."""


class Models:
    """A model, and perhaps another one for when it fails.

    Raises (when made):
        DialogError: there is no key where one is needed.
    """

    def __init__(self, file: ChatFile, resources: Resources) -> None:
        account = resources.openai
        url = file.base_url or account.get("base_url") or OPENAI_URL
        if "api_key" not in account and _is_openai(url):
            raise DialogError("chat: OPENAI_API_KEY is not set: set it, or name a base_url")
        self._file = file
        self._names = [file.model, *filter(None, [file.fallback_model])]
        self._meter = resources.meter
        self._client = openai.AsyncOpenAI(
            api_key=account.get("api_key", NO_KEY),
            organization=account.get("org_id"),
            project=account.get("project_id"),
            base_url=url,
            # How often, and how soon, is decided here: a caller is waiting.
            max_retries=0,
            timeout=openai.Timeout(file.timeout_s, connect=min(CONNECT_S, file.timeout_s)),
            http_client=KeptConnections(),
        )
        self._warmth = Warmth(self._client)
        resources.at_end(self._client.close)
        resources.at_end(self._warmth.aclose)

    def expect_call(self) -> None:
        """A call has begun: it will ask soon."""
        self._warmth.bring()

    async def answer(
        self,
        messages: Sequence[Message],
        tools: Sequence[dict[str, Any]],
        *,
        may_call: bool,
        metered: Metered,
        may_be_empty: bool = False,
    ) -> Answer:
        """Ask for an answer.

        Args:
            tools: their schemas.
            may_call: whether they may be called now.
            may_be_empty: whether an orderly answer without a word is one.
            metered: is told of the tokens. Of an answer that is broken off nobody knows them.

        Raises:
            ChatError: no model has answered, or one has failed behind the beginning of its answer.
        """
        request = self._request(messages, tools, may_call=may_call)
        reasons = []
        for name in self._names:
            for attempt in range(ATTEMPTS):
                begun = False
                try:
                    asking = self._attempt(name, request, metered, may_be_empty=may_be_empty)
                    async with aclosing(asking) as pieces:
                        async for piece in pieces:
                            begun = True
                            yield piece
                    return
                except _Failed as failed:
                    failure = failed.failure
                log.warning("model failed", model=name, reason=failure.reason, begun=begun)
                reasons.append(f"{name}: {failure.reason}")
                if begun:
                    raise ChatError(reasons[-1])
                if not await self._may_repeat(failure, attempt):
                    break
            if not failure.elsewhere:
                break
        raise ChatError("; ".join(reasons))

    async def _may_repeat(self, failure: Failure, attempt: int) -> bool:
        """Wait until the same model may be asked again; false when it is not to be."""
        if not failure.again or attempt + 1 == ATTEMPTS:
            return False
        # Not at the same moment as everybody else whom it has failed.
        wait_s = BACKOFF_S * random.uniform(0.5, 1.5)
        if failure.wait_s is not None:
            wait_s = max(wait_s, failure.wait_s)
        if wait_s > MAX_WAIT_S:
            return False
        await asyncio.sleep(wait_s)
        return True

    def _request(
        self, messages: Sequence[Message], tools: Sequence[dict[str, Any]], *, may_call: bool
    ) -> dict[str, Any]:
        file = self._file
        request: dict[str, Any] = {
            "messages": messages,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if tools:
            request["tools"] = tools
            if not may_call:
                request["tool_choice"] = "none"
        for name in ("temperature", "max_completion_tokens"):
            if (value := getattr(file, name)) is not None:
                request[name] = value
        # The client would not take what it does not know, of another server's.
        return {**request, "extra_body": file.request}

    async def _attempt(
        self, model: str, request: dict[str, Any], metered: Metered, *, may_be_empty: bool
    ) -> Answer:
        """One answer of one model. Raises `_Failed`."""
        joined = Joined()
        try:
            async with aclosing(self._texts(model, request, joined)) as texts:
                async for text in texts:
                    yield text
        except (openai.OpenAIError, TimeoutError, ValueError) as error:
            raise _Failed(failure_of(error)) from None
        finally:
            if joined.prompt_tokens:
                counts = (joined.prompt_tokens, joined.completion_tokens)
                self._meter(model, *counts)
                metered(model, *counts)
        if not joined.finish_reason:
            raise _Failed(Failure("an answer that breaks off"))
        if not (joined.begun or (may_be_empty and joined.finish_reason == "stop")):
            raise _Failed(Failure(f"an answer without a word ({joined.finish_reason})"))
        for call in joined.calls:
            yield call

    async def _texts(
        self, model: str, request: dict[str, Any], joined: Joined
    ) -> AsyncGenerator[str, None]:
        loop = asyncio.get_running_loop()
        first_s = loop.time() + self._file.first_token_s
        late_s = loop.time() + self._file.timeout_s
        async with asyncio.timeout_at(first_s):
            stream = await self._client.chat.completions.create(model=model, **request)
        async with stream:
            chunks = aiter(stream)
            while True:
                async with asyncio.timeout_at(late_s if joined.begun else first_s):
                    chunk = await anext(chunks, None)
                if chunk is None:
                    return
                if text := joined.take(chunk):
                    yield text


class _Failed(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


def _is_openai(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host == "openai.com" or host.endswith(".openai.com")
