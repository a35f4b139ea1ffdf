"""A few of the requests of `python -m tests.bot.api.stt.schemathesis_proof`."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from starlette.applications import Starlette
from starlette.requests import HTTPConnection

from bot.api.stt.access import Principal
from bot.api.stt.asked import SessionRequest
from bot.api.stt.chunk_door import ChunkDoor
from bot.api.stt.faults import Fault
from bot.api.stt.openapi import describe
from tests.serving import serving_app

from .chunk_workers import worker
from .test_chunk_door import MOST, KeyAccess

EXAMPLES = 8
KEY = "a-key-for-schemathesis"
SERVED = ["POST /stt/stream-chunk", "GET /stt/sessions/{id}", "DELETE /stt/sessions/{id}"]
# A sound form may hold audio that is none, or the name of no language.
WRONG = [400, 413]


def try_all(url: str) -> list[str]:
    """Send requests that the description has, and check the answers; what was tried."""
    import schemathesis  # takes half a second, also where this test is not run
    from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

    tried = []
    for found in schemathesis.openapi.from_dict(describe(url)).get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]
        if operation.label not in SERVED:
            continue

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            answer = case.call(base_url=url, headers={"X-API-Key": KEY}, timeout=20)
            # It takes our key, which is beside what it made up, for what it made up.
            excluded = [ignored_auth]
            if answer.status_code in WRONG:
                excluded.append(positive_data_acceptance)
            case.validate_response(answer, excluded_checks=excluded)

        ask()
        tried.append(operation.label)
    return tried


class OneKey(KeyAccess):
    async def admit(self, connection: HTTPConnection, scope: Any) -> Principal:
        if connection.headers.get("x-api-key") != KEY:
            raise Fault("unauthorized", "send the key")
        return Principal(KEY)


async def test_requests_are_answered_as_described(redis_url: str, redis_prefix: str) -> None:
    async with worker(redis_url, redis_prefix, "a") as here:
        door = ChunkDoor(here.posting, here.store, OneKey(), SessionRequest(), MOST)
        async with serving_app(Starlette(routes=door.routes)) as served:
            assert sorted(await asyncio.to_thread(try_all, served.url)) == sorted(SERVED)
