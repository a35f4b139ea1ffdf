"""Carries the requests of Twilio's client over an HTTP client of ours.

Twilio's own asynchronous transport is aiohttp with a session of its own; this one is httpx on a
connection pool that the whole process shares. It also decides, in one place for every operation,
which answer is which error (`bot.telephony.rest_errors`); nothing of what it carries is logged.

Importing this module imports a part of Twilio's client: slow, so `bot.telephony.rest_client` does
it in a thread, and only where the API is used.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime

import httpx
from twilio.http import AsyncHttpClient
from twilio.http.response import Response

from .rest_errors import RestUnavailable, RestUnreached, refusal
from .rest_sending import SENDING

__all__ = ["HttpxTransport"]

log = logging.getLogger("twilio")


class HttpxTransport(AsyncHttpClient):  # type: ignore[misc]  # twilio brings no types
    """What `twilio.rest.Client` takes as `http_client`, over an httpx client that it shares.

    How long a request may take is for the caller to bound.
    """

    def __init__(self, http: httpx.AsyncClient) -> None:
        super().__init__(log, True)
        self._http = http

    async def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """Ask Twilio.

        Raises:
            RestError: the answer was no success, or there was none.
        """
        sending = SENDING.get()
        try:
            response = await self._http.request(
                method,
                uri,
                params=_given(params),
                data=_given(data),
                headers=headers,
                auth=auth,
                follow_redirects=allow_redirects,
                extensions={} if sending is None else {"trace": sending.trace},
            )
        except httpx.HTTPError as error:
            # Not chained: the request that the cause holds carries the token.
            fault = f"Twilio's REST API cannot be reached: {type(error).__name__} {error}"
            unsent = isinstance(error, httpx.ConnectError)
            kind = RestUnreached if unsent else RestUnavailable
            raise kind(fault.strip()) from None
        _check(response)
        return Response(response.status_code, response.text, response.headers)


def _given(fields: Mapping[str, object] | None) -> dict[str, str | list[str]] | None:
    # None would be sent as an empty value, which Twilio takes for one.
    if fields is None:
        return None
    return {
        name: [str(item) for item in value] if isinstance(value, list) else str(value)
        for name, value in fields.items()
        if value is not None
    }


def _check(response: httpx.Response) -> None:
    method, path = response.request.method, response.request.url.path
    if not response.is_success:
        raise refusal(
            method,
            path,
            response.status_code,
            response.text,
            response.headers.get("retry-after"),
            datetime.now(UTC),
        )
    if response.status_code != 204 and not _is_object(response.text):
        raise RestUnavailable(
            f"{method} {path} was answered with HTTP {response.status_code}, but not with JSON;"
            " something other than Twilio may have answered",
            status=response.status_code,
        )


def _is_object(body: str) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False
