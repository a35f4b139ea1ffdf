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
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import structlog

from bot.dialog.http.signature import sign
from bot.metrics import Metrics
from bot.redis_link import StoreUnavailable
from bot.store import Store
from providers.errors import ApiError, ProviderError
from providers.http import HttpClient
from providers.http_request import HttpRequest

from .event_age import EventAge
from .event_body import Subject, event_body
from .results import result_of
from .store import CampaignStore
from .types import Campaign

__all__ = ["Deliverer"]

ROUND_S = 20.0
"""For so long events are sent in one round; requests that have begun go on."""
ANSWER_S = 10.0
"""For so long an answer is waited for, and then as long again for all of it."""
LEASE_MS = 60_000
"""No other process sends a contact's events meanwhile; longer than a round can be."""
CONTACTS = 40
AT_ONCE = 8
AT_ONCE_EACH = 3
SHARE_S = 2.0
"""Of one campaign: so many of those, and after so much time of them it waits until all others had
their turn. A slow server holds up nobody else's events."""
MAX_WAITING = 1_000
"""So many contacts of such campaigns are kept; others come again when their lease is over."""
MAX_ANSWER_BYTES = 64 * 1024
"""A longer answer is not read to its end: nothing in it is looked at."""
FIRST_MS, LONGEST_MS = 5_000, 3_600_000
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
        self._age = EventAge(store, self._counter)
        self._jitter = jitter
        self._http = HttpClient(NAME)
        self._warned = False

    async def aclose(self) -> None:
        """Give back the connections."""
        await self._http.aclose()

    async def deliver(self) -> None:
        """Tell what is due now, in a round, and as long as the last answers take.

        What Redis, being away, does not give or does not hear of is told another time.
        """
        with suppress(StoreUnavailable):
            if self._secret is not None:
                await self._deliver()
                return
            if await self._age.look() and not self._warned:
                log.warning("campaigns' events wait: set PARLEY_WEBHOOK_SECRET on every worker")
                self._warned = True

    async def _deliver(self) -> None:
        round_, queue = _Round(self._store), deque[_Due]()
        while not round_.over:
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(self._tell_each(queue, round_))
            queue.extend(round_.take_waiting())
            if not queue:
                return
        now_ms = await self._store.now_ms()
        for campaign, number, _events in queue:
            await self._store.undelivered(campaign, number, now_ms)

    async def _tell_each(self, queue: deque[_Due], round_: _Round) -> None:
        """Tell whose turn it is, until there is nobody else."""
        with suppress(StoreUnavailable):
            while not round_.over:
                if not queue:
                    queue.extend(await self._store.next_events(CONTACTS, LEASE_MS))
                if not queue:
                    return
                due = queue.popleft()
                with round_.turn(due) as admitted:
                    if admitted:
                        await self._tell(*due, round_)

    async def _tell(
        self, campaign_id: str, number: str, events: Sequence[_Event], round_: _Round
    ) -> None:
        """Tell one contact's events, until one is not taken."""
        for at, event in enumerate(events):
            if round_.over:
                break
            try:
                taken = await self._taken(campaign_id, number, event, round_)
            except StoreUnavailable:
                raise
            except Exception:
                # Whatever is wrong with one contact's events, they are not the others'.
                log.exception("event cannot be told", campaign=campaign_id, event_id=event["id"])
                taken = False
            if not taken:
                await self._put_off(campaign_id, number, events[at:])
                return
            await self._store.delivered(campaign_id, number, event["id"])
        # There may be more, which would have to wait for the lease to be over.
        await self._store.undelivered(campaign_id, number, await self._store.now_ms())

    async def _taken(self, campaign_id: str, number: str, event: _Event, round_: _Round) -> bool:
        """Whether an event was taken, or is wanted never again."""
        campaign = await round_.campaign(campaign_id)
        if campaign is None or (url := campaign.spec.webhook_url) is None:
            self._counter.labels("given_up").inc()
            return True
        if url in round_.away:
            return False
        body = event_body(event, await self._subject(campaign, number, event))
        try:
            status = await self._post(url, event["id"], body)
        except ProviderError as error:
            if url not in round_.warned:
                round_.warned.add(url)
                log.warning("events are not taken", event_id=event["id"], error=str(error))
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
            "accept-encoding": "identity",
            "user-agent": "Parley",
            "idempotency-key": id_,
            **sign(self._secret, int(time.time()), body),
        }
        request = HttpRequest(url=url, headers=headers, body=body)
        # Refusals as well: their bodies are nothing to us.
        asking = self._http.stream(request, _unasked, answer_s=ANSWER_S, allowed=range(300, 1000))
        status = 0
        try:
            async with asking as answer:
                status = answer.status
                # Nor is this one, but read, the connection can be used again. Not if it is packed,
                # which nobody asked for: a few bytes may be megabytes.
                if "content-encoding" not in answer.headers:
                    with suppress(ProviderError, TimeoutError):
                        async with asyncio.timeout(ANSWER_S):
                            await answer.read(MAX_ANSWER_BYTES)
        except ProviderError:
            # What breaks off behind its status is an answer all the same.
            if not status:
                raise
        if status >= 300 and status != GONE:
            raise _refused(status)
        return status

    async def _put_off(self, campaign: str, number: str, events: Sequence[_Event]) -> None:
        """The first of these was not taken: later, unless it is too old, and so on."""
        if not (rest := await self._age.rest(campaign, number, events)):
            return
        now_ms = await self._store.now_ms()
        waited_ms = now_ms - rest[0]["at_ms"]
        wait_ms = min(max(waited_ms, FIRST_MS), LONGEST_MS) * (1 + self._jitter()) / 2
        await self._store.undelivered(campaign, number, now_ms + round(wait_ms))


class _Round:
    """What is known for as long as one round takes.

    Attributes:
        away: addresses that did not answer.
        warned: addresses of which the log says that they did not take an event.
    """

    def __init__(self, store: CampaignStore) -> None:
        self._store = store
        self._campaigns: dict[str, Campaign | None] = {}
        self._clock = asyncio.get_running_loop().time
        self._until_s = self._clock() + ROUND_S
        self.away: set[str] = set()
        self.warned: set[str] = set()
        self._busy = Counter[str]()
        self._spent_s: dict[str, float] = {}
        self._waiting: list[_Due] = []

    @contextmanager
    def turn(self, due: _Due) -> Iterator[bool]:
        """Whether a contact's events may be told now; else they wait for `take_waiting`."""
        campaign = due[0]
        if self._busy[campaign] >= AT_ONCE_EACH or self._spent_s.get(campaign, 0) >= SHARE_S:
            if len(self._waiting) < MAX_WAITING:
                self._waiting.append(due)
            yield False
            return
        self._busy[campaign] += 1
        begun_s = self._clock()
        try:
            yield True
        finally:
            self._busy[campaign] -= 1
            spent_s = self._spent_s.get(campaign, 0) + self._clock() - begun_s
            self._spent_s[campaign] = spent_s

    def take_waiting(self) -> list[_Due]:
        """Those that wait: all others had their turn."""
        waiting, self._waiting = self._waiting, []
        self._spent_s.clear()
        return waiting

    @property
    def over(self) -> bool:
        """Whether nothing more is to be sent; so it is too for a process that was frozen."""
        return self._clock() >= self._until_s

    async def campaign(self, id_: str) -> Campaign | None:
        """The campaign of that id."""
        if id_ not in self._campaigns:
            self._campaigns[id_] = await self._store.campaign(id_, readable=False)
        return self._campaigns[id_]


def _unasked(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    return _refused(status)


def _refused(status: int) -> ProviderError:
    hint = "see the server's own log"
    if status < 400:
        hint = "write the address that it redirects to into the campaign"
    elif status in (401, 403):
        hint = "see whether both have the same PARLEY_WEBHOOK_SECRET, and the right time"
    return ApiError(NAME, f"the server refused: HTTP {status}", hint=hint)
