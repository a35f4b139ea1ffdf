from __future__ import annotations

import asyncio
import gzip
import hashlib
import hmac
import time
import zlib
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from bot.campaign import events
from bot.campaign.event_age import CONTACTS, GIVEN_UP_MS
from bot.campaign.events import FIRST_MS, LONGEST_MS, Deliverer
from bot.campaign.store import CampaignStore
from bot.campaign.types import Attempt, Campaign, Contact
from bot.dialog.types import Ended
from bot.metrics import Metrics
from bot.record import Record
from bot.store import Store, StoreUnavailable
from tests.background import until
from tests.serving import Served, serving_app, silent_server

from .campaigns import FROM, START_MS, Clock, claimed, number, running

SECRET = "hush-hush"


class Webhook:
    """An owner's server: answers with the statuses that it has, then with 200."""

    def __init__(self) -> None:
        self.statuses: deque[int] = deque()
        self.heads: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.served: Served | None = None
        self.body, self.packed = b"", False
        self.at_once = self.most_at_once = 0
        self.wait_for = 1
        self.met = asyncio.Event()

    @property
    def told(self) -> list[dict[str, Any]]:
        return [orjson.loads(body) for body in self.bodies]

    def told_of(self, number: str) -> list[str]:
        """The types of what was told of one contact."""
        return [t["type"] for t in self.told if (t["contact"] or {}).get("number") == number]

    @property
    def types(self) -> list[str]:
        return [told["type"] for told in self.told]

    @property
    def url(self) -> str:
        assert self.served is not None
        return f"{self.served.url}/events"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        # The first waits until so many have come.
        if self.at_once >= self.wait_for:
            self.met.set()
        await self.met.wait()
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.heads.append({name.decode(): value.decode() for name, value in scope["headers"]})
        self.bodies.append(body)
        status = self.statuses.popleft() if self.statuses else 200
        headers = [(b"location", self.url.encode())] if 300 <= status < 400 else []
        headers += [(b"content-encoding", b"gzip")] if self.packed else []
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})
        self.at_once -= 1


@pytest.fixture
async def webhook() -> AsyncIterator[Webhook]:
    server = Webhook()
    async with serving_app(server) as server.served:
        yield server


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def deliverer(
    campaigns: CampaignStore, store: Store, metrics: Metrics
) -> AsyncIterator[Deliverer]:
    deliverer = Deliverer(campaigns, store, SECRET, metrics=metrics, jitter=lambda: 1.0)
    yield deliverer
    await deliverer.aclose()


def counted(metrics: Metrics, result: str) -> float:
    return metrics.registry.get_sample_value(
        "parley_campaign_events_total", {"result": result}
    ) or 0.0  # fmt: skip


async def called(store: CampaignStore, campaign: Campaign) -> Attempt:
    """Somebody is called, answers, and hangs up: four events."""
    attempt = await claimed(store, campaign)
    for status in ("queued", "in-progress", "completed"):
        await store.note(attempt.id, sid=f"CA{attempt.id}", status=status, duration_s=7)
    assert await store.settle(attempt.id, "answered", None, reason="so it was")
    return attempt


CALL = ["attempt.placed", "attempt.answered", "attempt.ended", "contact.done"]


async def test_an_owner_is_told_all_of_a_call_in_its_order(
    campaigns: CampaignStore, store: Store, deliverer: Deliverer, webhook: Webhook, metrics: Metrics
) -> None:
    campaign = await running(campaigns, webhook_url=webhook.url, name="Autumn")
    attempt = await called(campaigns, campaign)
    record = Record(f"CA{attempt.id}", state={"result": {"wants": "tea", "cups": 2}})
    record.close(Ended("caller", "hangup"))
    await store.commit(record)
    await deliverer.deliver()
    assert sorted(webhook.types) == sorted(["campaign.running", *CALL])
    told = [told for told in webhook.told if told["type"] != "campaign.running"]
    assert [event["type"] for event in told] == CALL
    assert told[2] == {
        "id": told[2]["id"],
        "type": "attempt.ended",
        "at": "2026-11-21T08:00:00.000+00:00",
        "campaign": {"id": campaign.id, "name": "Autumn"},
        "contact": {
            "number": number(0), "name": None, "language": None, "variables": {}, "attempts": 1,
        },
        "attempt": {
            "id": attempt.id, "call_sid": f"CA{attempt.id}", "ordinal": 1, "from_number": FROM,
            "answered_by": None, "duration_s": 7,
        },
        "outcome": "answered",
        "reason": "so it was",
        "result": {"wants": "tea", "cups": 2},
    }  # fmt: skip
    assert told[0]["result"] == {}
    (begun,) = (told for told in webhook.told if told["type"] == "campaign.running")
    assert (begun["contact"], begun["attempt"], begun["outcome"]) == (None, None, None)
    assert counted(metrics, "taken") == 5
    assert (await campaigns.progress(campaign.id)).undelivered == 0
    await deliverer.deliver()
    assert len(webhook.bodies) == 5


async def test_what_is_told_is_signed(
    campaigns: CampaignStore, deliverer: Deliverer, webhook: Webhook
) -> None:
    await running(campaigns, webhook_url=webhook.url)
    await deliverer.deliver()
    (head,), (body,) = webhook.heads, webhook.bodies
    stamp = head["parley-timestamp"]
    assert abs(int(stamp) - time.time()) < 60
    right = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert head["parley-signature"] == f"v1={right}"
    assert head["idempotency-key"] == orjson.loads(body)["id"]
    assert head["content-type"] == "application/json"
    assert head["accept-encoding"] == "identity"


@pytest.mark.parametrize("status", [500, 429, 404, 302])
async def test_what_is_not_taken_holds_up_what_is_behind_it(
    campaigns: CampaignStore, deliverer: Deliverer, webhook: Webhook, clock: Clock,
    metrics: Metrics, status: int,
) -> None:  # fmt: skip
    campaign = await running(campaigns, 2, webhook_url=webhook.url)
    await deliverer.deliver()
    webhook.bodies.clear()
    await called(campaigns, campaign)
    webhook.statuses.extend([200, status])
    await deliverer.deliver()
    assert webhook.types == CALL[:2]
    await deliverer.deliver()
    assert webhook.types == CALL[:2]
    assert counted(metrics, "failed") == 1
    # Others do not wait for it.
    await called(campaigns, campaign)
    await deliverer.deliver()
    assert webhook.types[2:] == CALL
    clock.pass_ms(FIRST_MS)
    await deliverer.deliver()
    assert webhook.types[6:] == CALL[1:]
    first, again = webhook.told[1], webhook.told[6]
    assert first == again


async def test_the_wait_doubles_up_to_an_hour_and_ends_after_three_days(
    campaigns: CampaignStore, deliverer: Deliverer, webhook: Webhook, clock: Clock, metrics: Metrics
) -> None:
    campaign = await running(campaigns, webhook_url=webhook.url)
    webhook.statuses.extend([503] * 1000)
    waits, last = [], clock.now_ms
    while (await campaigns.progress(campaign.id)).undelivered:
        before = len(webhook.bodies)
        await deliverer.deliver()
        if len(webhook.bodies) > before:
            waits.append(clock.now_ms - last)
            last = clock.now_ms
        clock.pass_ms(5_000 if len(waits) < 12 else LONGEST_MS)
    assert waits[:6] == [0, 5_000, 5_000, 10_000, 20_000, 40_000]
    assert max(waits) == LONGEST_MS
    assert START_MS + GIVEN_UP_MS <= last < START_MS + GIVEN_UP_MS + LONGEST_MS
    assert counted(metrics, "given_up") == 1
    assert counted(metrics, "failed") == len(waits)


async def test_jitter_makes_a_wait_shorter(
    campaigns: CampaignStore, store: Store, webhook: Webhook, clock: Clock
) -> None:
    deliverer = Deliverer(campaigns, store, SECRET, jitter=lambda: 0.0)
    await running(campaigns, webhook_url=webhook.url)
    webhook.statuses.append(500)
    await deliverer.deliver()
    clock.pass_ms(FIRST_MS // 2)
    await deliverer.deliver()
    assert len(webhook.bodies) == 2
    await deliverer.aclose()


async def test_what_is_gone_is_given_up_at_once(
    campaigns: CampaignStore, deliverer: Deliverer, webhook: Webhook, metrics: Metrics
) -> None:
    campaign = await running(campaigns, webhook_url=webhook.url)
    await deliverer.deliver()
    await called(campaigns, campaign)
    webhook.statuses.extend([410, 200])
    await deliverer.deliver()
    assert webhook.types[1:] == CALL
    assert (counted(metrics, "given_up"), counted(metrics, "taken")) == (1, 4)


async def test_a_server_that_is_away_is_asked_once_in_a_round(
    campaigns: CampaignStore, deliverer: Deliverer, clock: Clock, metrics: Metrics,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(events, "ANSWER_S", 0.05)
    monkeypatch.setattr(events, "AT_ONCE", 2)
    with silent_server() as port:
        url = f"http://127.0.0.1:{port}/secret-path"
        campaign = await running(campaigns, 10, webhook_url=url)
        for _ in range(10):
            await called(campaigns, campaign)
        with capture_logs() as logs:
            await deliverer.deliver()
    assert 1 <= counted(metrics, "failed") <= 2
    assert (await campaigns.progress(campaign.id)).undelivered == 41
    said = str(logs)
    assert f"127.0.0.1:{port} did not answer" in said
    for secret in (SECRET, "secret-path", number(0), number(1)):
        assert secret not in said


async def test_an_answer_is_not_read_without_end(
    campaigns: CampaignStore, deliverer: Deliverer, webhook: Webhook, metrics: Metrics
) -> None:
    webhook.body = b"x" * 1_000_000
    await running(campaigns, webhook_url=webhook.url)
    await deliverer.deliver()
    assert counted(metrics, "taken") == 1


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", "taken"),
        (b"HTTP/1.1 204 No\r\ntransfer-encoding: chunked\r\n\r\nzz", "taken"),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\nno gzip", "taken"),
        (b"HTTP/1.1 500 No\r\ncontent-length: 10\r\n\r\nabc", "failed"),
        (b"HTTP/1.1 410 Gone\r\ncontent-length: 10\r\n\r\nabc", "given_up"),
        (b"HTTP/1.1 20", "failed"),
    ],
)
async def test_an_answer_that_breaks_off_behind_its_status_is_one(
    campaigns: CampaignStore, deliverer: Deliverer, metrics: Metrics, answer: bytes, result: str
) -> None:
    async def ends(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(ends, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        await running(campaigns, webhook_url=f"http://127.0.0.1:{port}/")
        await deliverer.deliver()
    results = {name: counted(metrics, name) for name in ("taken", "failed", "given_up")}
    assert results == {"taken": 0, "failed": 0, "given_up": 0} | {result: 1}


async def test_a_packed_answer_is_not_unpacked(
    campaigns: CampaignStore, deliverer: Deliverer, webhook: Webhook, metrics: Metrics,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    webhook.body, webhook.packed = gzip.compress(bytes(5_000_000)), True
    webhook.statuses.extend([200, 500])
    monkeypatch.setattr(zlib, "decompressobj", None)
    campaign = await running(campaigns, webhook_url=webhook.url)
    await campaigns.change(campaign.id, "paused", allowed=["running"])
    await deliverer.deliver()
    assert (counted(metrics, "taken"), counted(metrics, "failed")) == (1, 1)


async def test_a_slow_server_does_not_hold_up_another_campaign(
    campaigns: CampaignStore, deliverer: Deliverer, webhook: Webhook,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(events, "CONTACTS", 4)
    monkeypatch.setattr(events, "SHARE_S", 1e-9)
    slow = Webhook()
    slow.wait_for = 1000
    async with serving_app(slow) as slow.served:
        campaign = await running(campaigns, 12, webhook_url=slow.url)
        await running(campaigns, 0, webhook_url=webhook.url, name="Other")
        for _ in range(12):
            await called(campaigns, campaign)

        async def answer() -> None:
            # The slow one answers nobody before the other one has been told.
            await until(lambda: bool(webhook.bodies) and slow.at_once == events.AT_ONCE_EACH)
            slow.met.set()

        async with asyncio.TaskGroup() as group:
            group.create_task(deliverer.deliver())
            group.create_task(answer())
    assert len(slow.bodies) == 1 + 12 * len(CALL)
    assert slow.most_at_once == events.AT_ONCE_EACH


async def test_few_requests_are_made_at_once_and_more_contacts_than_one_batch_are_told(
    campaigns: CampaignStore,
    deliverer: Deliverer,
    webhook: Webhook,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events, "CONTACTS", 3)
    monkeypatch.setattr(events, "AT_ONCE", 2)
    webhook.wait_for = 2
    campaign = await running(campaigns, 8, webhook_url=webhook.url)
    for _ in range(8):
        await called(campaigns, campaign)
    await deliverer.deliver()
    assert len(webhook.bodies) == 33
    assert webhook.most_at_once == 2
    for person in range(8):
        mine = [
            t["type"] for t in webhook.told if (t["contact"] or {}).get("number") == number(person)
        ]
        assert mine == CALL


async def test_more_than_a_hundred_events_of_one_contact_are_told_in_their_order(
    campaigns: CampaignStore, deliverer: Deliverer, webhook: Webhook
) -> None:
    campaign = await running(campaigns, 0, webhook_url=webhook.url)
    for _ in range(60):
        await campaigns.change(campaign.id, "paused", allowed=["running"])
        await campaigns.change(campaign.id, "running", allowed=["paused"])
    await deliverer.deliver()
    assert webhook.types == ["campaign.running", *["campaign.paused", "campaign.running"] * 60]


async def test_a_round_that_is_over_sends_nothing_more_and_leaves_it_due(
    campaigns: CampaignStore,
    deliverer: Deliverer,
    webhook: Webhook,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    campaign = await running(campaigns, webhook_url=webhook.url)
    await called(campaigns, campaign)
    monkeypatch.setattr(events, "AT_ONCE", 1)
    over = iter([False] * 5)
    monkeypatch.setattr(events._Round, "over", property(lambda _: next(over, True)))
    await deliverer.deliver()
    assert len(webhook.bodies) == 2
    monkeypatch.undo()
    await deliverer.deliver()
    assert (len(webhook.bodies), webhook.told_of(number(0))) == (5, CALL)


async def test_without_a_secret_nothing_is_told(
    campaigns: CampaignStore, store: Store, webhook: Webhook
) -> None:
    campaign = await running(campaigns, webhook_url=webhook.url)
    deliverer = Deliverer(campaigns, store, None)
    with capture_logs() as logs:
        await deliverer.deliver()
        await deliverer.deliver()
    assert webhook.bodies == []
    (said,) = logs
    assert "PARLEY_WEBHOOK_SECRET" in said["event"]
    assert (await campaigns.progress(campaign.id)).undelivered == 1


async def test_without_a_secret_events_are_not_kept_for_ever(
    campaigns: CampaignStore, store: Store, metrics: Metrics, clock: Clock
) -> None:
    many = CONTACTS + 1
    campaign = await running(campaigns, many, webhook_url="https://owner.example/events")
    attempts = [await claimed(campaigns, campaign) for _ in range(many)]
    for attempt in attempts:
        await campaigns.note(attempt.id, sid=f"CA{attempt.id}", status="queued")
    clock.pass_ms(GIVEN_UP_MS - 1)
    for attempt in attempts:
        await campaigns.note(attempt.id, sid=f"CA{attempt.id}", status="in-progress")
    await Deliverer(campaigns, store, None, metrics=metrics).deliver()
    assert (await campaigns.progress(campaign.id)).undelivered == 2 * many + 1
    clock.pass_ms(1)
    with capture_logs() as logs:
        await Deliverer(campaigns, store, None, metrics=metrics).deliver()
    assert (await campaigns.progress(campaign.id)).undelivered == many
    assert counted(metrics, "given_up") == many + 1
    assert number(0) not in repr(logs)
    # With a secret those that are left are told at once.
    left = [events for _, _, events in await campaigns.next_events(2 * many, 0)]
    assert [[event["type"] for event in events] for events in left] == [["attempt.answered"]] * many


async def test_a_redis_that_is_away_is_no_error(no_store: Store) -> None:
    away = CampaignStore("unix:///nonexistent/redis.sock")
    await Deliverer(away, no_store, SECRET).deliver()
    await away.aclose()


async def test_what_is_wrong_with_one_contact_is_not_with_another(
    campaigns: CampaignStore, store: Store, deliverer: Deliverer, webhook: Webhook, clock: Clock
) -> None:
    campaign = await running(campaigns, 2, webhook_url=webhook.url)
    broken, well = await called(campaigns, campaign), await called(campaigns, campaign)
    key = store._keys.call(f"CA{broken.id}")
    await store._link.ask(lambda redis: redis.hset(key, "json", "no JSON"))
    with capture_logs() as logs:
        await deliverer.deliver()
    assert webhook.told_of(well.number) == CALL
    assert [log["event"] for log in logs] == ["event cannot be told"]
    # It waits as others do whose server refuses, and those behind it wait with it.
    assert webhook.told_of(broken.number) == CALL[:2]
    with capture_logs() as logs:
        clock.pass_ms(FIRST_MS - 1)
        await deliverer.deliver()
        assert logs == []
        clock.pass_ms(GIVEN_UP_MS)
        await deliverer.deliver()
    given_up = ["event was given up"] * 2
    assert [log["event"] for log in logs] == ["event cannot be told", *given_up]
    assert (await campaigns.progress(campaign.id)).undelivered == 0


class Losing(CampaignStore):
    """A Redis that goes away, or a campaign that is deleted, while events are told."""

    deleted = False

    async def campaign(self, campaign: str, *, readable: bool = True) -> Campaign | None:
        return None if self.deleted else await super().campaign(campaign, readable=readable)

    async def contact(self, campaign: str, number: str) -> Contact | None:
        raise StoreUnavailable("Redis: TimeoutError")


async def test_what_redis_does_not_say_is_told_another_time(
    campaigns: CampaignStore, store: Store, redis_url: str, redis_prefix: str, webhook: Webhook,
    clock: Clock,
) -> None:  # fmt: skip
    campaign = await running(campaigns, webhook_url=webhook.url)
    await called(campaigns, campaign)
    losing = Losing(redis_url, prefix=redis_prefix, deadline_s=10, clock=clock)
    deliverer = Deliverer(losing, store, SECRET)
    await deliverer.deliver()
    assert webhook.told_of(number(0)) == []
    # Its lease is over, and the campaign has been deleted: nobody is to be told any more.
    clock.pass_ms(events.LEASE_MS)
    losing.deleted = True
    await deliverer.deliver()
    assert webhook.told_of(number(0)) == []
    assert (await campaigns.progress(campaign.id)).undelivered == 0
    await deliverer.aclose()
    await losing.aclose()


@pytest.mark.parametrize(
    ("status", "hint"),
    [(401, "the same PARLEY_WEBHOOK_SECRET"), (308, "redirects to"), (500, "the server's own log")],
)
async def test_what_to_do_is_said(
    campaigns: CampaignStore, deliverer: Deliverer, webhook: Webhook, status: int, hint: str
) -> None:
    await running(campaigns, webhook_url=webhook.url)
    webhook.statuses.append(status)
    with capture_logs() as logs:
        await deliverer.deliver()
    (said,) = (log["error"] for log in logs)
    assert f"HTTP {status}" in said
    assert hint in said
