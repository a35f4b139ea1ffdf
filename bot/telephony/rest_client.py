"""The way to Twilio's REST API: the official client, asked within deadlines.

It is heavy: half a second of imports and of reading certificates. So it is loaded where it is first
asked, in a thread, and a command that never asks Twilio does not pay for it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx
from pydantic import SecretStr

from .rest_errors import RestBusy, RestError, RestUnavailable, RestUnreached
from .rest_sending import SENDING, Sending

__all__ = ["CONNECTIONS", "DEADLINE_S", "Client", "RestClient"]

DEADLINE_S = 5.0
# A pooled connection can be dead without anybody having said so: a request that may be repeated is
# not left on it for the whole deadline.
ATTEMPT_S = 2.0
BACKOFF_S = 0.1
MAX_DOUBLINGS = 5
# A dead worker's calls are redirected many at a time; Twilio bounds how many requests it takes.
CONNECTIONS = 36
# httpx looks whether the peer has closed before it takes a connection again, so long is safe.
KEEP_ALIVE_S = 120.0

T = TypeVar("T")
# twilio.rest.Client, which has no types.
Client = Any


class RestClient:
    """Twilio's client over one pool of connections; the arguments are those of `TwilioRest`."""

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        *,
        api_url: str | None = None,
        region: str | None = None,
        edge: str | None = None,
        deadline_s: float = DEADLINE_S,
        jitter: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._account_sid = account_sid
        self._auth_token = SecretStr(auth_token)
        self._api_url = api_url
        self._region = region
        self._edge = edge
        self._deadline_s = deadline_s
        self._jitter = jitter
        self._sleep = sleep
        self._loading = asyncio.Lock()
        self._http: httpx.AsyncClient | None = None
        self._client: Client = None
        self._closed = False

    async def aclose(self) -> None:
        """Close the connections; what is asked afterwards fails."""
        async with self._loading:
            self._closed = True
            if self._http is not None:
                await self._http.aclose()

    async def ask(
        self,
        question: Callable[[Client], Awaitable[T]],
        deadline_s: float | None = None,
        *,
        once: bool = False,
    ) -> T:
        """Have Twilio's client do something, again where that is right, within the deadline.

        Args:
            question: what to do with it; run once for each attempt.
            deadline_s: instead of the usual one.
            once: doing it twice would do harm, so an attempt of which it is unknown whether it was
                carried out is not repeated.

        Raises:
            RestError: what the last attempt ended with.
        """
        loop = asyncio.get_running_loop()
        limit_s = self._deadline_s if deadline_s is None else deadline_s
        deadline = loop.time() + limit_s
        attempt = 0
        while True:
            until = deadline if once else min(deadline, loop.time() + ATTEMPT_S)
            try:
                async with asyncio.timeout_at(until):
                    return await self._put(question)
            except TimeoutError:
                error: RestError = RestUnavailable("Twilio's REST API did not answer in time")
            except RestError as refused:
                error = refused
            wait_s = self._wait_s(error, attempt)
            repeatable = isinstance(error, RestBusy | RestUnreached) or (
                isinstance(error, RestUnavailable) and not once
            )
            if not repeatable or loop.time() + wait_s >= deadline:
                # Frames of Twilio's client hold the token in a local variable.
                raise error.with_traceback(None)
            await self._sleep(wait_s)
            attempt += 1

    async def ask_once(
        self,
        question: Callable[[Client], Awaitable[T]],
        deadline_s: float,
        *,
        wanted: Callable[[], bool],
    ) -> T:
        """Have Twilio's client do something that must not be done twice, nor too late.

        It is not repeated, whatever becomes of it. `RestBusy`, `RestUnreached` and `RestWithdrawn`
        say that it was not done, `RestUnavailable` that nobody knows.

        Args:
            question: what to do with it, in one request.
            deadline_s: within which it is to be answered.
            wanted: whether it is still to be done; asked when a connection has been found.

        Raises:
            RestError: it was not done, or nobody knows.
        """
        sending = Sending(wanted)
        token = SENDING.set(sending)
        try:
            async with asyncio.timeout(deadline_s):
                return await self._put(question)
        except TimeoutError:
            error: RestError = RestUnavailable("Twilio's REST API did not answer in time")
        except RestError as refused:
            error = refused
        finally:
            SENDING.reset(token)
        if isinstance(error, RestUnavailable) and not sending.begun:
            error = RestUnreached(str(error))
        # Frames of Twilio's client hold the token in a local variable.
        raise error.with_traceback(None)

    async def _put(self, question: Callable[[Client], Awaitable[T]]) -> T:
        client = await self._loaded()
        from twilio.base.exceptions import TwilioException

        try:
            return await question(client)
        except (AttributeError, KeyError, TypeError, ValueError, TwilioException) as error:
            fault = f"Twilio's answer was not understood: {type(error).__name__}"
            raise RestUnavailable(fault) from error

    def _wait_s(self, error: RestError, attempt: int) -> float:
        backoff_s: float = BACKOFF_S * 2 ** min(attempt, MAX_DOUBLINGS) * self._jitter()
        return (error.retry_after_s or 0.0) + backoff_s

    async def _loaded(self) -> Client:
        async with self._loading:
            if self._closed:
                raise RestError("the connection to Twilio's REST API has been closed")
            if self._client is None:
                try:
                    self._http, self._client = await asyncio.to_thread(self._load)
                except (OSError, ValueError, ImportError) as error:
                    # Not its words: they may hold a proxy's password.
                    raise RestError(
                        f"Twilio's client cannot be set up ({type(error).__name__}): check"
                        " SSL_CERT_FILE, SSL_CERT_DIR and the proxy variables, such as HTTPS_PROXY"
                    ) from None
            return self._client

    def _load(self) -> tuple[httpx.AsyncClient, Client]:
        from twilio.rest import Client as TwilioClient

        from .rest_transport import HttpxTransport

        at_home = self._api_url is not None and self._api_url.startswith("http://")
        http = httpx.AsyncClient(
            timeout=None,  # the deadline is set around each request
            limits=httpx.Limits(
                max_connections=CONNECTIONS,
                max_keepalive_connections=CONNECTIONS,
                keepalive_expiry=KEEP_ALIVE_S,
            ),
            # What is on this machine needs neither its proxy nor its certificates.
            trust_env=not at_home,
            verify=not at_home,
        )
        replaced = self._api_url is not None
        client = TwilioClient(
            self._account_sid,
            self._auth_token.get_secret_value(),
            http_client=HttpxTransport(http),
            # Else it would read both from the process's environment.
            environment={
                "TWILIO_REGION": "" if replaced else self._region or "",
                "TWILIO_EDGE": "" if replaced else self._edge or "",
            },
        )
        if replaced:
            client.api.base_url = self._api_url
        # It imports its parts where they are first used.
        _ = client.api.accounts, client.calls, client.incoming_phone_numbers
        return http, client
