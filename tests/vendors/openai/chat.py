"""A stand-in for `POST /v1/chat/completions` and `GET /v1/models`, as strict as the API.

What a model would say is scripted: each request takes the next `Answer`, and when there is none
left, the model says back what the caller said. It is an ASGI application;
`python -m tests.vendors.openai.chat` serves it with a model that books tables (`waiter`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from tests.serving import serving_app

from .chat_request import Refused, check_request
from .chat_stream import Called, Streamed, event

__all__ = ["KEY", "MODEL", "OTHER", "REASONER", "Answer", "ChatStandIn", "Fault", "Seen", "serving"]

KEY = "sk-test-0123456789abcdef"
MODEL, OTHER, REASONER = "gpt-4.1-mini", "gpt-4.1-nano", "gpt-5.4-mini"
PATH, MODELS_PATH = "/v1/chat/completions", "/v1/models"

Fault = Literal[
    "limited",  # 429, with `headers`
    "quota",  # 429, insufficient_quota
    "down",  # 503
    "page",  # 502 and HTML, as from a proxy
    "silent",  # not even a status line
    "stall",  # the stream stops behind the text
    "cut",  # the connection ends behind the text
    "unfinished",  # the stream ends behind the text, in an orderly way
    "broken",  # an error in the stream, behind the text
    "garbage",  # no JSON in the stream, behind the text
]


@dataclass(slots=True)
class Answer:
    """What the model answers to one request.

    Attributes:
        text: what it says, in these pieces.
        calls: the tools that it calls then.
        fault: what goes wrong.
        headers: of a refusal.
        after: what is waited for before the first piece.
        finish_reason: why it ends; None is the reason that there is.
    """

    text: Sequence[str] = ()
    calls: Sequence[Called] = ()
    fault: Fault | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    after: asyncio.Event | None = None
    finish_reason: str | None = None


@dataclass(slots=True)
class Seen:
    """A request, and who made it. `left` is set when the client went before the end."""

    body: dict[str, Any]
    headers: dict[str, str]
    status: int = 200
    client: tuple[str, int] = ("", 0)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def messages(self) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = self.body["messages"]
        return messages


Model = Callable[[dict[str, Any]], Answer]
"""A model that is not scripted: it answers a request."""


def repeat(request: dict[str, Any]) -> Answer:
    """Say back what the caller said last."""
    said = [message["content"] for message in request["messages"] if message["role"] == "user"]
    return Answer(("You said ", said[-1] if said else "nothing", "."))


class ChatStandIn:
    """The API for one key; None takes requests without one, as a local server does."""

    def __init__(self, key: str | None = KEY, model: Model = repeat) -> None:
        self.answers: deque[Answer] = deque()
        self.requests: list[Seen] = []
        self.refused: list[dict[str, Any]] = []
        self.listed: list[tuple[str, int]] = []
        self.closing = asyncio.Event()
        self._key = key
        self._model = model
        self._models = {MODEL: False, OTHER: False, REASONER: True}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        body = await _body(receive)
        try:
            self._admit(scope, headers)
            if scope["path"] == MODELS_PATH:
                self.listed.append(scope["client"])
                await JSONResponse(self._list())(scope, receive, send)
                return
            request = check_request(_json(body), self._models)
        except Refused as refused:
            self.refused.append(refused.error)
            await _refusal(refused)(scope, receive, send)
            return
        seen = Seen(request, headers, client=scope["client"])
        self.requests.append(seen)
        answer = self.answers.popleft() if self.answers else self._model(request)
        if (refusal := _fault(answer)) is not None:
            seen.status = refusal.status_code
            await refusal(scope, receive, send)
            return
        await self._answer(answer, seen, receive, send)

    def _list(self) -> dict[str, Any]:
        known = {"object": "model", "created": 1_700_000_000, "owned_by": "openai"}
        return {"object": "list", "data": [{"id": name, **known} for name in self._models]}

    def _admit(self, scope: Scope, headers: Mapping[str, str]) -> None:
        asked = (scope.get("method"), scope["path"])  # a WebSocket has none
        if asked not in (("POST", PATH), ("GET", MODELS_PATH)):
            raise Refused(404, f"Invalid URL ({' '.join(map(str, asked))})")
        shown = headers.get("authorization", "").removeprefix("Bearer ")
        if self._key is not None and shown != self._key:
            message = f"Incorrect API key provided: {shown[:8]}****{shown[-4:]}."
            raise Refused(401, message, code="invalid_api_key")
        if scope["path"] == PATH and headers.get("content-type") != "application/json":
            raise Refused(400, "We could not parse the JSON body of your request.")

    async def _answer(self, answer: Answer, seen: Seen, receive: Receive, send: Send) -> None:
        streaming = asyncio.create_task(self._stream(answer, seen.body, send))
        gone = asyncio.create_task(_until_gone(receive))
        closing = asyncio.create_task(self.closing.wait())
        try:
            await asyncio.wait([streaming, gone, closing], return_when=asyncio.FIRST_COMPLETED)
            if not streaming.done():
                seen.left.set()
        finally:
            for task in (streaming, gone, closing):
                task.cancel()
            await asyncio.wait([streaming, gone, closing])

    async def _stream(self, answer: Answer, request: dict[str, Any], send: Send) -> None:
        streamed = Streamed(
            request["model"],
            answer.text,
            answer.calls,
            prompt_tokens=len(orjson.dumps(request["messages"])) // 4,
            usage=request.get("stream_options", {}).get("include_usage", False),
            finish_reason=answer.finish_reason,
        )
        if answer.fault == "silent":
            await asyncio.Event().wait()
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if answer.after is not None:
            await answer.after.wait()
        await _send(send, streamed.beginning())
        match answer.fault:
            case "stall":
                await asyncio.Event().wait()
            case "cut":
                return  # an answer that does not end has its connection closed
            case "broken":
                error = {"message": "The server had an error", "type": "server_error"}
                await _send(send, [event({"error": {**error, "param": None, "code": None}})])
            case "garbage":
                await _send(send, [b"data: {<html>\n\n"])
            case None:
                await _send(send, streamed.ending())
        await send({"type": "http.response.body", "body": b""})


def _fault(answer: Answer) -> Response | None:
    match answer.fault:
        case "limited":
            refused = Refused(
                429, "Rate limit reached", kind="requests", code="rate_limit_exceeded"
            )
        case "quota":
            message = "You exceeded your current quota"
            refused = Refused(429, message, kind="insufficient_quota", code="insufficient_quota")
        case "down":
            refused = Refused(503, "The server is overloaded", kind="server_error")
        case "page":
            return Response("<html>Bad gateway</html>", 502, media_type="text/html")
        case _:
            return None
    response = _refusal(refused)
    response.headers.update(answer.headers)
    return response


def _refusal(refused: Refused) -> Response:
    headers = {"x-should-retry": "false"} if refused.status < 429 else {}
    return JSONResponse({"error": refused.error}, refused.status, headers)


async def _send(send: Send, chunks: Sequence[bytes] | Iterator[bytes]) -> None:
    for chunk in chunks:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})


async def _body(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _json(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


@contextlib.asynccontextmanager
async def serving(standin: ChatStandIn, port: int = 0) -> AsyncIterator[str]:
    """Serve on loopback until the context is left; gives the base URL, which ends with `/v1`."""
    async with serving_app(standin, port) as served:
        try:
            yield f"{served.url}/v1"
        finally:
            standin.closing.set()


def waiter(request: dict[str, Any]) -> Answer:
    """Call the request's first tool with what was said, say what it gave, and end at a goodbye."""
    messages = request["messages"]
    last = messages[-1]
    tools = [tool["function"] for tool in request.get("tools", ())]
    own = [tool for tool in tools if tool["name"] not in ("hang_up", "transfer")]
    if last["role"] == "tool":
        return Answer(("The answer ", "is: ", last["content"], ". Anything else?"))
    if "goodbye" in last["content"] or "nothing" in last["content"]:
        return Answer(("Thank you.",), [Called("hang_up", '{"last_words":"Goodbye."}')])
    if own:
        (name, *_) = own[0]["parameters"]["properties"] or ["text"]
        arguments = orjson.dumps({name: last["content"]}).decode()
        return Answer(("One moment. ",), [Called(own[0]["name"], arguments)])
    return repeat(request)


async def _serve(port: int) -> None:
    async with serving(ChatStandIn(None, waiter), port) as url:
        print(f"a model at {url}", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A stand-in for a chat model, without a key.")
    parser.add_argument("--port", type=int, default=8182)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(parser.parse_args().port))
