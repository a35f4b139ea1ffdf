"""The worker's own record of a call, asked for when the call is over."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

import httpx
import orjson

from .balancer import Balancer, ForeignUrl, NoWorker

__all__ = ["NoRecord", "fetch_record"]

_DEADLINE_S = 5.0
_REQUEST_S = 2.0
_POLL_S = 0.1


class NoRecord(Exception):
    """The worker gave no record; the message says why."""


async def fetch_record(
    balancer: Balancer, public_url: str, call_sid: str, api_key: str | None
) -> Mapping[str, Any]:
    """Ask `GET /api/calls/{sid}` until the record is whole, for 5 s at most.

    One that never becomes whole is returned as it is.

    Raises:
        NoRecord: the API is closed to us, not there, or does not know the call.
    """
    url = f"{public_url.rstrip('/')}/api/calls/{call_sid}"
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    record: Mapping[str, Any] | None = None
    problem = f"no answer within {_DEADLINE_S:g} s"
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DEADLINE_S):
            while record is None or not _whole(record):
                try:
                    record = await _ask(balancer, url, headers)
                except _NotYet as error:
                    problem = str(error)
                if record is None or not _whole(record):
                    await asyncio.sleep(_POLL_S)
    if record is None:
        raise NoRecord(problem)
    return record


class _NotYet(Exception):
    """Another worker, or the same one a moment later, may answer better."""


async def _ask(balancer: Balancer, url: str, headers: Mapping[str, str]) -> Mapping[str, Any]:
    try:
        async with asyncio.timeout(_REQUEST_S):
            response = await balancer.request("GET", url, headers)
    except (ForeignUrl, NoWorker) as error:
        raise NoRecord(f"the worker's API cannot be reached: {error}") from None
    except TimeoutError:
        raise _NotYet("the worker's API does not answer") from None
    except httpx.HTTPError as error:
        raise _NotYet(f"the worker's API cannot be reached: {error}") from None
    if response.status_code in {401, 403}:
        raise NoRecord("the worker's API is closed to the phone; set PARLEY_API_KEY")
    if not response.is_success:
        raise _NotYet(f"the worker's API answered {response.status_code}")
    return _read(response)


def _whole(record: Mapping[str, Any]) -> bool:
    # `ended` is there as soon as the end is known; what was heard of the last words comes later,
    # together with `ended_ms`, when the dialog's `on_end` has run.
    return bool(record.get("ended")) and record.get("ended_ms") is not None


def _read(response: httpx.Response) -> Mapping[str, Any]:
    try:
        record = orjson.loads(response.content)
    except ValueError:
        raise NoRecord("the worker's API answered what is not JSON") from None
    if not isinstance(record, dict):
        raise NoRecord("the worker's API answered no record")
    return record
