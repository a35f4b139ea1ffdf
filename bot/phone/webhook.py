"""What Twilio asks a worker over HTTP: signed requests, and callbacks that wait for no answer."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

import httpx

from bot.telephony.signature import SIGNATURE_HEADER, sign

from .balancer import Balancer, ForeignUrl, NoWorker
from .overrides import Failure, Overrides
from .twiml import Request, TwimlError, Verb, read_twiml

__all__ = ["RETRIEVAL_FAILURE", "Callbacks", "Webhooks"]

RETRIEVAL_FAILURE = 11200
INVALID_CONTENT_TYPE = 12300
# How long after the call's end its callbacks are still waited for.
PATIENCE_S = 5.0

IDEMPOTENCY_HEADER = "I-Twilio-Idempotency-Token"
_TWIML_TYPES = {"text/xml", "application/xml"}
_MOST_WAITING = 100


class _Failed(TwimlError):
    """One request has failed; `failure` says of what."""

    def __init__(self, failure: Failure, reason: str) -> None:
        super().__init__(RETRIEVAL_FAILURE, reason)
        self.failure = failure


class Webhooks:
    """Signed requests to the application."""

    def __init__(self, balancer: Balancer, auth_token: str) -> None:
        self._balancer = balancer
        self._auth_token = auth_token

    async def fetch(self, request: Request, params: Mapping[str, str]) -> list[Verb]:
        """Ask for a document.

        Raises:
            TwimlError: 11200 for no answer in time or one that is not 2xx, 12300 for another
                content type, 12100 for what is not TwiML.
        """
        response = await self.send(request, params)
        content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type not in _TWIML_TYPES:
            fault = f"{_shown(request)} answered with content type {content_type[:80]!r}"
            raise TwimlError(INVALID_CONTENT_TYPE, fault)
        return read_twiml(response.content, request.url)

    async def send(self, request: Request, params: Mapping[str, str]) -> httpx.Response:
        """Make a request; any 2xx answer will do. It is made again as the URL's fragment says.

        Raises:
            TwimlError: 11200, or 11243 for a fragment that is wrong.
        """
        url, body = request.url.partition("#")[0], None
        headers = {IDEMPOTENCY_HEADER: secrets.token_hex(16), "User-Agent": "TwilioProxy/1.1"}
        pairs = list(params.items())
        if request.method == "GET":
            url += ("&" if urlsplit(url).query else "?") + urlencode(pairs)
            pairs = []
        else:
            body = urlencode(pairs).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"
        headers[SIGNATURE_HEADER] = sign(self._auth_token, url, pairs)
        overrides = Overrides.of(request.url)
        until_s = asyncio.get_running_loop().time() + overrides.total_ms / 1000
        for left in range(overrides.retries, -1, -1):
            try:
                async with asyncio.timeout_at(until_s):
                    return await self._try(request, url, headers, body, overrides.read_ms)
            except TimeoutError:
                raise _Failed("rt", f"{_shown(request)} did not answer in time") from None
            except _Failed as failed:
                if not left or not overrides.retry_after(failed.failure):
                    raise
        raise AssertionError("unreachable")

    async def _try(
        self,
        request: Request,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        read_ms: int,
    ) -> httpx.Response:
        """Ask once.

        Raises:
            _Failed: no answer, or none that is 2xx.
        """
        try:
            async with asyncio.timeout(read_ms / 1000):
                response = await self._balancer.request(request.method, url, headers, body)
        except TimeoutError:
            fault = f"{_shown(request)} did not answer within {read_ms / 1000:g} s"
            raise _Failed("rt", fault) from None
        except (ForeignUrl, NoWorker) as error:
            raise _Failed("ct", f"{_shown(request)}: {error}") from None
        except httpx.HTTPError as error:
            broken = str(error) or type(error).__name__
            raise _Failed("rt", f"{_shown(request)}: {broken}") from None
        if not response.is_success:
            kind: Failure = "4xx" if response.status_code < 500 else "5xx"
            raise _Failed(kind, f"{_shown(request)} answered {response.status_code}")
        return response


class Callbacks:
    """Requests whose answer changes nothing, made one after another beside the call.

    `run` is a task of the call; it ends after `close`, when all that was posted is sent, or some
    seconds later: a frozen worker does not hold up the phone.
    """

    def __init__(self, webhooks: Webhooks) -> None:
        self._webhooks = webhooks
        self._waiting: asyncio.Queue[tuple[Request, Mapping[str, str]] | None]
        # One place more than callbacks may take, for the end.
        self._waiting = asyncio.Queue(_MOST_WAITING + 1)
        self._deadline = asyncio.timeout(None)
        self._running = False
        self.failures: list[TwimlError] = []

    def post(self, request: Request, params: Mapping[str, str]) -> None:
        """Send this when those before it are sent. More than fit are dropped and said so."""
        if self._waiting.qsize() >= _MOST_WAITING:
            self._fail(f"{_shown(request)}: too many callbacks were waiting")
        else:
            self._waiting.put_nowait((request, params))

    def close(self) -> None:
        """Nothing more is posted."""
        self._waiting.put_nowait(None)
        if self._running:
            self._deadline.reschedule(asyncio.get_running_loop().time() + PATIENCE_S)

    async def run(self) -> None:
        try:
            async with self._deadline:
                self._running = True
                await self._send_all()
        except TimeoutError:
            self._fail(f"callbacks were not answered within {PATIENCE_S:g} s of the call's end")
        finally:
            self._running = False

    async def _send_all(self) -> None:
        while (item := await self._waiting.get()) is not None:
            try:
                await self._webhooks.send(*item)
            except TwimlError as error:
                self.failures.append(error)

    def _fail(self, fault: str) -> None:
        self.failures.append(TwimlError(RETRIEVAL_FAILURE, fault))


def _shown(request: Request) -> str:
    """The request for a message: what is in a query is nobody's business."""
    return f"{request.method} {request.url.partition('#')[0].partition('?')[0]}"
