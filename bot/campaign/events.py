"""Events of campaigns, told to their owners' webhooks: signed, in order, until they are taken.

The events of one contact, and those of a campaign itself, come in their order: one that is not
taken holds up those behind it, of that contact alone. One may come twice, with the same id. Taken
is what was answered with a status of 200 to 299. With 410 (Gone) the server wants this event never
again, and it is given up at once; redirections are not followed; after anything else it is told
again, after as long as it has waited already, up to an hour, and given up after three days.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import structlog

from bot.dialog.http.signature import sign
from bot.metrics import Metrics
from bot.redis_link import StoreUnavailable
from bot.store import Store
from providers.errors import ApiError, ProviderError
from providers.http import HttpClient
from providers.http_request import HttpRequest

from .event_body import Subject, event_body
from .results import result_of
from .store import CampaignStore
from .types import Campaign

__all__ = ["Deliverer"]

ROUND_S = 20.0
"""For so long events are sent in one round; requests that have begun go on for `ANSWER_S`."""
ANSWER_S = 10.0
LEASE_MS = 60_000
"""No other process sends a contact's events meanwhile; longer than a round can be."""
CONTACTS = 40
AT_ONCE = 8
MAX_ANSWER_BYTES = 64 * 1024
"""A longer answer is not read to its end: nothing in it is looked at."""
FIRST_MS, LONGEST_MS = 5_000, 3_600_000
GIVEN_UP_MS = 3 * 86_400_000
GONE = 410
NAME = "campaign webhook"

_Event = Mapping[str, Any]
_Due = tuple[str, str, Sequence[_Event]]

log = structlog.get_logger(__name__)


class Deliverer:
    """Tells owners what has happened. Any number of processes may.

    Args:
        store: where the events wait.
        calls: where the calls' records are.
        secret: what requests are signed with; without one nothing is told.
        metrics: where events are counted.
        jitter: gives numbers from 0 to 1.
    """

    def __init__(
        self,
        store: CampaignStore,
        calls: Store,
        secret: str | None,
        *,
        metrics: Metrics | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._calls = calls
        self._secret = secret
        self._counter = (metrics or Metrics()).campaign_events
        self._jitter = jitter
        self._http = HttpClient(NAME)

    async def aclose(self) -> None:
        """Give back the connections."""
        await self._http.aclose()

    async def deliver(self) -> None:
        """Tell what is due now, for half a minute at most.

        What Redis, being away, does not give or does not hear of is told another time.
        """
        if self._secret is None:
            return
        round_ = _Round(self._store)
        with suppress(StoreUnavailable):
            while not round_.over:
                due = await self._store.next_events(CONTACTS, LEASE_MS)
                if not due:
                    return
                queue = iter(due)
                async with asyncio.TaskGroup() as group:
                    for _ in range(AT_ONCE):
                        group.create_task(self._tell_each(queue, round_))

    async def _tell_each(self, queue: Iterator[_Due], round_: _Round) -> None:
        for campaign, number, events in queue:
            try:
                await self._tell(campaign, number, events, round_)
            except StoreUnavailable:
                return
            except Exception:
                # Whatever is wrong with one contact's events, they are not the others'.
                log.exception("events cannot be told", campaign=campaign, event_id=events[0]["id"])

    async def _tell(
        self, campaign_id: str, number: str, events: Sequence[_Event], round_: _Round
    ) -> None:
        """Tell one contact's events, until one is not taken."""
        campaign = await round_.campaign(campaign_id)
        if campaign is not None and campaign.unreadable:
            # A newer Parley knows whom to tell.
            await self._put_off(campaign_id, number, events)
            return
        for at, event in enumerate(events):
            if campaign is None or campaign.spec.webhook_url is None:
                await self._store.delivered(campaign_id, number, event["id"])
                continue
            if round_.over:
                break
            if not await self._taken(campaign, number, event, round_):
                await self._put_off(campaign_id, number, events[at:])
                return
            await self._store.delivered(campaign_id, number, event["id"])
        # There may be more, which would have to wait for the lease to be over.
        await self._store.undelivered(campaign_id, number, await self._store.now_ms())

    async def _taken(self, campaign: Campaign, number: str, event: _Event, round_: _Round) -> bool:
        """Whether an event was taken, or is wanted never again."""
        url = campaign.spec.webhook_url
        assert url is not None
        if url in round_.away:
            return False
        body = event_body(event, await self._subject(campaign, number, event))
        try:
            status = await self._post(url, event["id"], body)
        except ProviderError as error:
            log.warning("event was not taken", event_id=event["id"], error=str(error))
            self._counter.labels("failed").inc()
            if not isinstance(error, ApiError):
                # Not to be asked for every contact, each time for ten seconds.
                round_.away.add(url)
            return False
        if status == GONE:
            log.warning("event was given up", event_id=event["id"], reason="HTTP 410")
        self._counter.labels("given_up" if status == GONE else "taken").inc()
        return True

    async def _subject(self, campaign: Campaign, number: str, event: _Event) -> Subject:
        contact = await self._store.contact(campaign.id, number) if number else None
        attempt = None
        if id_ := event.get("attempt"):
            attempt = await self._store.attempt(id_)
        if attempt is None or event["type"] != "attempt.ended" or not attempt.sid:
            return Subject(campaign, contact, attempt)
        record = await self._calls.load(attempt.sid)
        return Subject(campaign, contact, attempt, result_of(record) if record else {})

    async def _post(self, url: str, id_: str, body: bytes) -> int:
        """The status of the answer: below 300, or 410.

        Raises:
            ApiError: another status.
            ProviderError: there is no answer.
        """
        assert self._secret is not None
        headers = {
            "content-type": "application/json",
            # A few bytes that are packed may be megabytes.
            "accept-encoding": "identity",
            "user-agent": "Parley",
            "idempotency-key": id_,
            **sign(self._secret, int(time.time()), body),
        }
        request = HttpRequest(url=url, headers=headers, body=body)
        asking = self._http.stream(request, _refused, answer_s=ANSWER_S, allowed=(GONE,))
        async with asking as answer:
            status = answer.status
            # What it says is nothing to us; but read, the connection can be used again.
            with suppress(ProviderError, TimeoutError):
                async with asyncio.timeout(ANSWER_S):
                    await answer.read(MAX_ANSWER_BYTES)
        return status

    async def _put_off(self, campaign: str, number: str, events: Sequence[_Event]) -> None:
        """The first of these was not taken: later, unless it is too old, and so on."""
        now_ms = await self._store.now_ms()
        for event in events:
            waited_ms = now_ms - event["at_ms"]
            if waited_ms < GIVEN_UP_MS:
                wait_ms = min(max(waited_ms, FIRST_MS), LONGEST_MS) * (1 + self._jitter()) / 2
                await self._store.undelivered(campaign, number, now_ms + round(wait_ms))
                return
            log.warning("event was given up", event_id=event["id"], reason="three days")
            self._counter.labels("given_up").inc()
            await self._store.delivered(campaign, number, event["id"])


class _Round:
    """What is known for as long as one round takes.

    Attributes:
        away: addresses that did not answer.
    """

    def __init__(self, store: CampaignStore) -> None:
        self._store = store
        self._campaigns: dict[str, Campaign | None] = {}
        self._clock = asyncio.get_running_loop().time
        self._until_s = self._clock() + ROUND_S
        self.away: set[str] = set()

    @property
    def over(self) -> bool:
        """Whether nothing more is to be sent; so it is too for a process that was frozen."""
        return self._clock() >= self._until_s

    async def campaign(self, id_: str) -> Campaign | None:
        """The campaign of that id."""
        if id_ not in self._campaigns:
            self._campaigns[id_] = await self._store.campaign(id_, readable=False)
        return self._campaigns[id_]


def _refused(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    hint = "see the server's own log"
    if status < 400:
        hint = "write the address that it redirects to into the campaign"
    elif status in (401, 403):
        hint = "see whether both have the same PARLEY_WEBHOOK_SECRET, and the right time"
    return ApiError(NAME, f"the server refused: HTTP {status}", hint=hint)
