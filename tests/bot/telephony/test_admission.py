"""Which streams are let in: real sockets, a real server, a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from structlog.testing import capture_logs
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bot.metrics import Metrics
from bot.record import Record
from bot.store import Store
from bot.telephony.address import MEDIA_PATH, Address
from bot.telephony.admission import Admission, Admitted
from bot.telephony.facts import refusal_key
from bot.telephony.memory import SharedMemory
from bot.telephony.signature import SETTINGS_HEADER, SIGNATURE_HEADER, sign
from bot.telephony.token import TTL_S, derive_key, mint
from media.messages import Connected, Media, Start, StreamEvent
from media.twilio import render_event
from tests.serving import serving_app

from .deployment import ACCOUNT, AUTH_TOKEN, CALL, OLD_TOKEN, PUBLIC_URL, refusals

MEDIA = "wss://bot.example.com/twilio/media"
NOW_S = 1_700_000_000.0
GOOD = {SIGNATURE_HEADER: sign(AUTH_TOKEN, MEDIA)}


@dataclass
class Door:
    """A server that lets streams in and tells how it went."""

    admission: Admission
    memory: SharedMemory
    metrics: Metrics
    here: dict[str, int]
    port: int = 0
    outcomes: asyncio.Queue[Admitted | None] = field(default_factory=asyncio.Queue)

    def knock(self, headers: dict[str, str] | None = None) -> connect:
        return connect(
            f"ws://127.0.0.1:{self.port}{MEDIA_PATH}",
            additional_headers=GOOD if headers is None else headers,
            compression=None,
        )


@asynccontextmanager
async def serve(
    store: Store, *, worker: str = "worker-1", max_unproven: int = 64, deadline_s: float = 5.0
) -> AsyncIterator[Door]:
    memory, metrics, here = SharedMemory(store), Metrics(), dict[str, int]()
    admission = Admission(
        Address(PUBLIC_URL),
        [AUTH_TOKEN, OLD_TOKEN],
        store,
        memory,
        worker=worker,
        metrics=metrics,
        latest=here.get,
        max_unproven=max_unproven,
        deadline_s=deadline_s,
        clock=lambda: NOW_S,
    )
    door = Door(admission, memory, metrics, here)

    async def media(websocket: WebSocket) -> None:
        admitted = await admission.admit(websocket)
        door.outcomes.put_nowait(admitted)
        if admitted is not None:
            await websocket.close(1000)

    app = Starlette(routes=[WebSocketRoute(MEDIA_PATH, media)])
    async with serving_app(app) as served:
        door.port = served.port
        yield door


@pytest.fixture
async def door(store: Store) -> AsyncIterator[Door]:
    async with serve(store) as door:
        yield door


def token(generation: int = 1, *, nonce: str = "n1", **changes: object) -> str:
    key = derive_key(str(changes.get("auth_token", AUTH_TOKEN)))
    call, account = str(changes.get("call", CALL)), str(changes.get("account", ACCOUNT))
    now_s = changes.get("now_s", NOW_S)
    assert isinstance(now_s, float)
    return mint(key, call, account, generation, now_s, nonce)


def start(shown: str | None) -> Start:
    parameters = {} if shown is None else {"token": shown, "from": "+15550001111"}
    return Start("MZ1", ACCOUNT, CALL, parameters)


async def say(client: ClientConnection, *events: StreamEvent) -> None:
    for event in events:
        await client.send(render_event(event, "MZ1"))


async def closed_with(client: ClientConnection) -> int | None:
    with pytest.raises(ConnectionClosed):
        await client.recv()
    return client.close_code


# The upgrade


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({SIGNATURE_HEADER: sign(AUTH_TOKEN, MEDIA)}, id="signed"),
        pytest.param({"x-twilio-signature": sign(AUTH_TOKEN, MEDIA)}, id="lower case"),
        pytest.param({SIGNATURE_HEADER: sign(OLD_TOKEN, MEDIA)}, id="the other token"),
        pytest.param(
            {SIGNATURE_HEADER: sign(AUTH_TOKEN, "wss://bot.example.com:443/twilio/media")},
            id="with the port",
        ),
        pytest.param(
            {
                SIGNATURE_HEADER: sign(AUTH_TOKEN, MEDIA, algorithm="HMAC_SHA256"),
                SETTINGS_HEADER: "key=k,algorithm=HMAC_SHA256",
            },
            id="SHA-256",
        ),
    ],
)
async def test_a_signed_upgrade_and_a_token_let_a_stream_in(
    door: Door, headers: dict[str, str]
) -> None:
    async with door.knock(headers) as client:
        await say(client, Connected(), start(token()))
        assert await closed_with(client) == 1000
    admitted = await door.outcomes.get()
    assert admitted is not None
    assert admitted.start == start(token())
    assert (admitted.claims.generation, admitted.record) == (1, None)
    assert refusals(door.metrics) == {}
    assert door.admission.unproven == 0


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="missing"),
        pytest.param({SIGNATURE_HEADER: "x"}, id="forged"),
        pytest.param({SIGNATURE_HEADER: sign("foreign", MEDIA)}, id="foreign"),
        pytest.param({SIGNATURE_HEADER: sign(AUTH_TOKEN, MEDIA + "/")}, id="trailing slash"),
        pytest.param(
            {SIGNATURE_HEADER: sign(AUTH_TOKEN, MEDIA.replace("wss", "https"))}, id="https"
        ),
        pytest.param(
            {SIGNATURE_HEADER: sign(AUTH_TOKEN, MEDIA), SETTINGS_HEADER: "algorithm=HMAC_MD5"},
            id="unknown algorithm",
        ),
    ],
)
async def test_an_upgrade_that_twilio_did_not_sign_is_refused_with_403(
    door: Door, headers: dict[str, str]
) -> None:
    with capture_logs() as logs:
        with pytest.raises(InvalidStatus) as refusal:
            await door.knock(headers)
        assert await door.outcomes.get() is None
    assert refusal.value.response.status_code == 403
    assert refusals(door.metrics) == {"stream: signature": 1}
    assert [entry["expected_for"] for entry in logs if "expected_for" in entry] == [MEDIA]
    assert AUTH_TOKEN not in str(logs)


async def test_of_sockets_without_a_proof_the_newest_are_held(store: Store) -> None:
    async with serve(store, max_unproven=2) as door:
        first, second, third = await door.knock(), await door.knock(), await door.knock()
        assert await door.outcomes.get() is None
        assert await closed_with(first) == 1008
        assert door.admission.unproven == 2
        await say(second, Connected(), start(token()))
        assert await closed_with(second) == 1000
        assert await door.outcomes.get() is not None
        await third.close()
        assert await door.outcomes.get() is None
        assert door.admission.unproven == 0
        assert refusals(door.metrics) == {"stream: crowded out": 1, "stream: disconnected": 1}


async def test_whoever_is_being_proved_is_not_crowded_out(store: Store) -> None:
    async with serve(store, max_unproven=1) as door:
        for number in range(5):
            silent = await door.knock()
            async with door.knock() as genuine:
                await say(genuine, Connected(), start(token(number + 1, nonce=f"n{number}")))
                assert await closed_with(genuine) == 1000
            assert await closed_with(silent) == 1008
    assert refusals(door.metrics) == {"stream: crowded out": 5}


# The start


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        (None, "malformed"),
        ("nonsense", "malformed"),
        (token(auth_token="foreign"), "forged"),
        (token()[:-1] + "A", "forged"),
        (token(now_s=NOW_S - TTL_S), "expired"),
        (token(call="CA" + "9" * 32), "foreign"),
        (token(account="AC" + "9" * 32), "foreign"),
    ],
)
async def test_a_start_without_a_good_token_is_closed_with_1008(
    door: Door, shown: str | None, reason: str
) -> None:
    with capture_logs() as logs:
        async with door.knock() as client:
            await say(client, Connected(), start(shown))
            assert await closed_with(client) == 1008
        assert await door.outcomes.get() is None
    assert refusals(door.metrics) == {f"stream: token {reason}": 1}
    assert shown is None or shown not in str(logs)
    assert await door.memory.recall(refusal_key(CALL)) is not None


async def test_a_token_of_the_other_auth_token_is_good(door: Door) -> None:
    async with door.knock() as client:
        await say(client, Connected(), start(token(auth_token=OLD_TOKEN)))
        assert await closed_with(client) == 1000


async def test_a_token_is_used_once(door: Door) -> None:
    for code in (1000, 1008):
        async with door.knock() as client:
            await say(client, Connected(), start(token()))
            assert await closed_with(client) == code
    assert refusals(door.metrics) == {"stream: token used": 1}


async def test_a_token_is_remembered_for_as_long_as_it_is_good(
    door: Door, redis_url: str, redis_prefix: str
) -> None:
    """One that has touch tones before its stream is good for longer than others."""
    async with door.knock() as client:
        long = mint(derive_key(AUTH_TOKEN), CALL, ACCOUNT, 1, NOW_S, "n1", ttl_s=3 * TTL_S)
        await say(client, Connected(), start(long))
        assert await closed_with(client) == 1000
    async with Redis.from_url(redis_url) as redis:
        assert await redis.ttl(f"{redis_prefix}once:token:{CALL}:n1") > 2 * TTL_S


async def test_a_token_is_used_once_on_all_workers(store: Store) -> None:
    async with serve(store) as one, serve(store, worker="worker-2") as other:
        for door, code in ((one, 1000), (other, 1008)):
            async with door.knock() as client:
                await say(client, Connected(), start(token()))
                assert await closed_with(client) == code
        assert refusals(other.metrics) == {"stream: token used": 1}


async def test_a_token_is_used_once_while_redis_is_away(no_store: Store) -> None:
    async with serve(no_store) as door:
        for code in (1000, 1008):
            async with door.knock() as client:
                await say(client, Connected(), start(token()))
                assert await closed_with(client) == code
        admitted = await door.outcomes.get()
        assert admitted is not None
        assert admitted.record is None
        assert admitted.start.parameters["from"] == "+15550001111"


@pytest.mark.parametrize(
    ("here", "generation"),
    [
        pytest.param({}, 2, id="elsewhere"),
        # The stream in between did not come about, or was another worker's, who knows what was said
        # in it. Either way there is no going on from what is kept here.
        pytest.param({CALL: 1}, 3, id="one before the last"),
        pytest.param({CALL: 1}, 1, id="newer"),
    ],
)
async def test_a_call_that_goes_on_waits_for_redis_unless_all_of_it_is_here(
    no_store: Store, here: dict[str, int], generation: int
) -> None:
    async with serve(no_store) as door:
        door.here.update(here)
        async with door.knock() as client:
            await say(client, Connected(), start(token(generation)))
            assert await closed_with(client) == 1008
        assert await door.outcomes.get() is None
        assert refusals(door.metrics) == {"stream: store away": 1}
        # `next` is to wait, not to hang up.
        assert await door.memory.recall(refusal_key(CALL)) is None
        door.here[CALL] = generation - 1
        async with door.knock() as client:
            await say(client, Connected(), start(token(generation, nonce="n2")))
            assert await closed_with(client) == 1000
        assert await door.outcomes.get() is not None


async def test_a_stream_takes_its_call(store: Store) -> None:
    await store.commit(Record(CALL, from_number="+15550001111"))
    async with serve(store, worker="worker-7") as door, door.knock() as client:
        await say(client, Connected(), start(token(2)))
        assert await closed_with(client) == 1000
        admitted = await door.outcomes.get()
    assert admitted is not None
    assert admitted.record is not None
    assert (admitted.record.from_number, admitted.record.generation) == ("+15550001111", 2)
    taken = await store.load(CALL)
    assert taken is not None
    assert (taken.generation, taken.worker) == (2, "worker-7")


async def test_a_stream_is_told_how_long_its_call_had_nobody(store: Store) -> None:
    await store.take(CALL, "worker-1", 1)
    await store.leases.renew("worker-1", {}, {CALL: 1})
    async with serve(store, worker="worker-2") as door, door.knock() as client:
        await say(client, Connected(), start(token(2)))
        assert await closed_with(client) == 1000
        admitted = await door.outcomes.get()
    assert admitted is not None
    assert admitted.silent_ms is not None
    assert 0 <= admitted.silent_ms < 5000


@pytest.mark.parametrize("shown", [None, token(auth_token="foreign"), token(1, nonce="late")])
async def test_who_asks_for_a_second_stream_does_the_first_one_no_harm(
    store: Store, door: Door, shown: str | None
) -> None:
    """Twilio opens one: `next` must not hang up for what somebody else has tried."""
    await store.take(CALL, "worker-2", 2)
    await store.leases.renew("worker-2", {}, {CALL: 2})
    async with door.knock() as client:
        await say(client, Connected(), start(shown))
        assert await closed_with(client) == 1008
    assert await door.outcomes.get() is None
    assert await door.memory.recall(refusal_key(CALL)) is None


async def test_a_superseded_stream_is_no_refusal(store: Store, door: Door) -> None:
    """Nobody holds the newer one any more: `next` goes on with the call."""
    await store.take(CALL, "worker-2", 2)
    await store.leases.put_down(CALL, 2)
    async with door.knock() as client:
        await say(client, Connected(), start(token(1)))
        assert await closed_with(client) == 1008
    assert await door.outcomes.get() is None
    assert await door.memory.recall(refusal_key(CALL)) is None


async def test_a_refusal_without_redis_is_remembered(no_store: Store) -> None:
    async with serve(no_store) as door:
        for _ in range(2):
            async with door.knock() as client:
                await say(client, Connected(), start(None))
                assert await closed_with(client) == 1008
            assert await door.outcomes.get() is None
            assert await door.memory.recall(refusal_key(CALL)) is not None


async def test_an_older_generation_is_superseded(store: Store, door: Door) -> None:
    await store.take(CALL, "worker-2", 2)
    for generation, nonce in ((1, "a"), (2, "b")):
        async with door.knock() as client:
            await say(client, Connected(), start(token(generation, nonce=nonce)))
            assert await closed_with(client) == 1008
    assert refusals(door.metrics) == {"stream: token superseded": 2}


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([Connected(), Connected()], id="connected twice"),
        pytest.param([Media(b"\xff" * 160, chunk=1, timestamp_ms=0, sequence=2)], id="media first"),
    ],
)
async def test_a_stream_must_begin_with_start(door: Door, events: list[StreamEvent]) -> None:
    async with door.knock() as client:
        await say(client, *events)
        assert await closed_with(client) == 1008
    assert refusals(door.metrics) == {"stream: no start": 1}


@pytest.mark.parametrize("frame", ["{", b"{}", '{"event":"start"}'])
async def test_what_is_no_message_is_closed_with_1008(door: Door, frame: str | bytes) -> None:
    async with door.knock() as client:
        await client.send(frame)
        assert await closed_with(client) == 1008
    assert refusals(door.metrics) == {"stream: no start": 1}


async def test_connected_may_be_left_out(door: Door) -> None:
    async with door.knock() as client:
        await say(client, start(token()))
        assert await closed_with(client) == 1000


async def test_start_must_come_in_time(store: Store) -> None:
    async with serve(store, deadline_s=0.05) as door, door.knock() as client:
        await say(client, Connected())
        assert await closed_with(client) == 1008
        assert refusals(door.metrics) == {"stream: no start in time": 1}


async def test_a_socket_that_goes_away_is_given_back(door: Door) -> None:
    async with door.knock() as client:
        await say(client, Connected())
    assert await door.outcomes.get() is None
    assert door.admission.unproven == 0
    assert refusals(door.metrics) == {"stream: disconnected": 1}


async def test_no_auth_token_lets_nobody_in(store: Store) -> None:
    admission = Admission(
        Address(PUBLIC_URL),
        [""],
        store,
        SharedMemory(store),
        worker="w",
        metrics=Metrics(),
        latest=lambda sid: None,
    )
    assert not admission.check_upgrade({SIGNATURE_HEADER: sign("", MEDIA)})
