"""Twilio's REST API: what the worker asks of calls, recordings and numbers.

The official client names the parameters and follows the pages; ours are its transport (one pool of
connections for the process), the deadlines, the repetitions and the errors. Facts about the API:
https://www.twilio.com/docs/voice/api/call-resource.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self

import structlog

from bot.settings import Settings

from .rest_client import DEADLINE_S, Client, RestClient
from .rest_errors import (
    CallGone,
    RestBusy,
    RestDenied,
    RestError,
    RestUnavailable,
    RestUnreached,
    RestWithdrawn,
)
from .rest_recordings import RestRecordings
from .rest_resources import RestCall, RestNumber, call_sid, rest_call, rest_number
from .twiml import INLINE_LIMIT

__all__ = [
    "CallGone",
    "RestBusy",
    "RestCall",
    "RestDenied",
    "RestError",
    "RestNumber",
    "RestUnavailable",
    "RestUnreached",
    "RestWithdrawn",
    "TwilioRest",
]

MAX_PAGE = 1000

CREATE_DEADLINE_S = 10.0
"""Longer than usual: an answer that comes late is worth more than none."""

log = structlog.get_logger(__name__)


class TwilioRest(RestRecordings):
    """Asks Twilio's REST API, every question within a deadline.

    A request that Twilio was too busy for, or that did not reach it, is made again, after
    exponential backoff with full jitter or what `Retry-After` says, as long as the deadline allows.
    One that failed at Twilio or got no answer may have been carried out: it is made again too,
    unless that would do harm, as it does for `instruct` and `start_recording`. `create` is never
    made again.

    Every method raises `RestError` or one of its kinds (`bot.telephony.rest_errors`).

    Args:
        account_sid: `AC` and 32 hexadecimal digits.
        auth_token: the account's, of its region.
        api_url: replaces https://api.twilio.com, and `region` and `edge` with it.
        region: of the account, such as `ie1`; None is Twilio's default, whatever the environment.
        edge: by which Twilio is reached, such as `dublin`.
        deadline_s: within which a question is answered, where it does not say otherwise.
        jitter: gives numbers from 0 to 1.
        sleep: waits for some seconds.
    """

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
        super().__init__(
            RestClient(
                account_sid,
                auth_token,
                api_url=api_url,
                region=region,
                edge=edge,
                deadline_s=deadline_s,
                jitter=jitter,
                sleep=sleep,
            )
        )

    @classmethod
    def of(cls, settings: Settings, *, deadline_s: float = DEADLINE_S) -> Self | None:
        """The API as the settings say; None without an account and its token."""
        if settings.twilio_account_sid is None or not settings.auth_tokens:
            return None
        return cls(
            settings.twilio_account_sid,
            settings.auth_tokens[0],
            api_url=settings.twilio_api_url,
            region=settings.twilio_region,
            edge=settings.twilio_edge,
            deadline_s=deadline_s,
        )

    async def start(self) -> None:
        """Load the client and open a connection, so that the first real request need not.

        That Twilio does not answer, or refuses, is logged and no error: calls go on without it.
        Everything works without this too, only later.
        """
        try:
            await self.check()
        except RestError as error:
            log.warning("Twilio's REST API cannot be used", error=str(error), status=error.status)

    async def aclose(self) -> None:
        """Close the connections; what is asked afterwards fails."""
        await self._client.aclose()

    async def check(self, *, deadline_s: float | None = None) -> None:
        """Whether Twilio answers and takes the credentials: fetches the account."""
        await self._client.ask(
            lambda client: client.api.accounts(client.account_sid).fetch_async(), deadline_s
        )

    async def redirect(self, sid: str, url: str, *, deadline_s: float | None = None) -> None:
        """Have a call in progress abandon what it does and follow the TwiML at `url` (POST)."""
        await self._update(sid, deadline_s, url=url, method="POST")

    async def instruct(self, sid: str, document: str, *, deadline_s: float | None = None) -> None:
        """Have a call in progress abandon what it does and follow this TwiML.

        It is not asked twice if it may have been done: somebody would be called twice, touch tones
        be sent twice, or a stream be opened with a token that was used. After `RestUnavailable`
        nobody knows, unless it is `RestUnreached`.

        Args:
            sid: the call's.
            document: at most `bot.telephony.twiml.INLINE_LIMIT` characters.
            deadline_s: instead of the usual one.
        """
        if len(document) > INLINE_LIMIT:
            raise RestError(
                f"the TwiML has {len(document)} characters; Twilio takes {INLINE_LIMIT}"
            )
        await self._update(sid, deadline_s, once=True, twiml=document)

    async def complete(self, sid: str, *, deadline_s: float | None = None) -> None:
        """Hang up."""
        await self._update(sid, deadline_s, status="completed")

    async def create(
        self,
        parameters: Mapping[str, Any],
        *,
        wanted: Callable[[], bool] = lambda: True,
        deadline_s: float = CREATE_DEADLINE_S,
    ) -> RestCall:
        """Place a call.

        It is asked once: whoever is asked twice calls twice. `RestUnavailable` means that a call
        may have been placed, unless it is `RestUnreached`; every other error that none was.

        Args:
            parameters: of the client's `calls.create`, such as `to`, `from_` and `url`.
            wanted: whether the call is still to be placed; asked right before the request is
                written to a connection.
            deadline_s: within which Twilio has to answer.
        """

        async def place(client: Client) -> RestCall:
            return rest_call(await client.calls.create_async(**parameters))

        call = await self._client.ask_once(place, deadline_s, wanted=wanted)
        try:
            call_sid(call.sid or "")
        except CallGone:
            raise RestUnavailable("Twilio placed a call and did not say which") from None
        return call

    async def cancel(self, sid: str) -> RestCall:
        """Take back a call that is queued or rings; `CallGone` when it does neither."""
        call = call_sid(sid)

        async def cancel(client: Client) -> RestCall:
            return rest_call(await client.calls(call).update_async(status="canceled"))

        return await self._client.ask(cancel)

    async def fetch(self, sid: str) -> RestCall:
        """One call."""
        call = call_sid(sid)

        async def fetch(client: Client) -> RestCall:
            return rest_call(await client.calls(call).fetch_async())

        return await self._client.ask(fetch)

    async def list_calls(
        self,
        *,
        to: str | None = None,
        from_: str | None = None,
        status: str | None = None,
        limit: int = 50,
    ) -> list[RestCall]:
        """Calls, the newest first.

        Args:
            to: only those to this number.
            from_: only those from this number.
            status: only those with this status.
            limit: at most so many, 1 or more.
        """
        given = {"to": to, "from_": from_, "status": status}
        chosen = {name: value for name, value in given.items() if value is not None}
        # The client would ask for a page of `limit`, which may be more than a page holds.
        page = min(limit, MAX_PAGE)

        async def listed(client: Client) -> list[RestCall]:
            items = await client.calls.list_async(**chosen, limit=limit, page_size=page)
            return [rest_call(item) for item in items]

        return await self._client.ask(listed)

    async def find_number(self, number: str) -> RestNumber | None:
        """The account's number that is exactly `number` (E.164), or None."""
        # Twilio also finds numbers that merely contain what is asked for.
        items = await self._client.ask(
            lambda client: client.incoming_phone_numbers.list_async(
                phone_number=number, limit=MAX_PAGE, page_size=MAX_PAGE
            )
        )
        found = (item for item in items if item.phone_number == number)
        return next(map(rest_number, found), None)

    async def set_number(
        self,
        number_sid: str,
        *,
        voice_url: str,
        fallback_url: str,
        fallback_method: str = "POST",
        status_callback: str,
    ) -> None:
        """Say where a number's calls go; the voice URL and the callback are asked by POST."""
        await self._client.ask(
            lambda client: client.incoming_phone_numbers(number_sid).update_async(
                voice_url=voice_url,
                voice_method="POST",
                voice_fallback_url=fallback_url,
                voice_fallback_method=fallback_method,
                status_callback=status_callback,
                status_callback_method="POST",
            )
        )

    async def _update(
        self, sid: str, deadline_s: float | None, *, once: bool = False, **change: str
    ) -> None:
        call = call_sid(sid)
        await self._client.ask(
            lambda client: client.calls(call).update_async(**change), deadline_s, once=once
        )
