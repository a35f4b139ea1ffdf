"""Calls that are placed by REST: once, in time, and taken back while they can be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
import pytest_asyncio

from bot.telephony import rest as rest_module
from bot.telephony import rest_client
from bot.telephony.rest import (
    CallGone,
    RestBusy,
    RestDenied,
    RestError,
    RestUnavailable,
    RestUnreached,
    RestWithdrawn,
    TwilioRest,
)
from tests.background import until
from tests.vendors.twilio_rest.mischief import Kind
from tests.vendors.twilio_rest.running import ACCOUNT, CALLER, OURS, TOKEN, Twilio

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Nobody is there to answer it: what happens to the call itself is not looked at here.
PARAMETERS = {"to": CALLER, "from_": OURS, "twiml": "<Response/>"}


@pytest_asyncio.fixture(loop_scope="module")
async def rest(twilio: Twilio) -> AsyncIterator[TwilioRest]:
    rest = TwilioRest(ACCOUNT, TOKEN, api_url=twilio.url)
    yield rest
    await rest.aclose()


async def test_a_call_is_placed(twilio: Twilio, rest: TwilioRest) -> None:
    events = ["initiated", "completed"]
    call = await rest.create(
        {
            **PARAMETERS,
            "status_callback": "https://bot.example.com/twilio/status",
            "status_callback_event": events,
            "timeout": 30,
        }
    )
    assert (call.to_number, call.from_number) == (CALLER, OURS)
    assert (call.direction, call.status) == ("outbound-api", "queued")
    form = twilio.standin.requests[0].form
    assert [value for name, value in form if name == "StatusCallbackEvent"] == events
    assert ("Timeout", "30") in form


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("busy", RestBusy),
        ("denied", RestDenied),
        ("failure", RestUnavailable),
        ("page", RestUnavailable),
        ("nonsense", RestUnavailable),
        ("empty", RestUnavailable),
        ("cut", RestUnavailable),
    ],
)
async def test_nothing_is_placed_twice(
    twilio: Twilio, rest: TwilioRest, kind: Kind, error: type
) -> None:
    twilio.standin.misbehave(kind)
    with pytest.raises(RestError) as refused:
        await rest.create(PARAMETERS)
    assert refused.type is error
    assert len(twilio.standin.requests) == 1


async def test_an_answer_that_does_not_come_leaves_it_unknown(
    twilio: Twilio, rest: TwilioRest
) -> None:
    await rest.check()
    twilio.standin.misbehave("lost")
    with pytest.raises(RestUnavailable) as unknown:
        await rest.create(PARAMETERS, deadline_s=0.2)
    assert unknown.type is RestUnavailable
    assert [call.to_number for call in await rest.list_calls(to=CALLER)] == [CALLER]


async def test_who_was_not_reached_did_nothing() -> None:
    rest = TwilioRest(ACCOUNT, TOKEN, api_url="http://127.0.0.1:1")
    with pytest.raises(RestUnreached):
        await rest.create(PARAMETERS)
    await rest.aclose()


async def test_who_was_not_reached_by_a_proxy_did_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Twilio Is Away\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as proxy:
        host, port = proxy.sockets[0].getsockname()
        monkeypatch.setenv("HTTPS_PROXY", f"http://{host}:{port}")
        monkeypatch.setenv("NO_PROXY", "")
        rest = TwilioRest(ACCOUNT, TOKEN, api_url="https://twilio.invalid")
        with pytest.raises(RestUnreached):
            await rest.create(PARAMETERS)
        await rest.aclose()


async def test_an_answer_that_cannot_be_read_leaves_it_unknown(
    twilio: Twilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_date(item: object) -> None:
        raise AttributeError("'str' object has no attribute 'timestamp'")

    monkeypatch.setattr(rest_module, "rest_call", no_date)
    # A list is asked for again until the deadline.
    async with aclosing(
        TwilioRest(ACCOUNT, TOKEN, api_url=twilio.url, deadline_s=0.2)
    ) as impatient:
        with pytest.raises(RestUnavailable):
            await impatient.create(PARAMETERS)
        with pytest.raises(RestUnavailable):
            await impatient.list_calls(to=CALLER)


async def test_what_is_not_wanted_any_more_is_not_sent(twilio: Twilio, rest: TwilioRest) -> None:
    with pytest.raises(RestWithdrawn):
        await rest.create(PARAMETERS, wanted=lambda: False)
    assert twilio.standin.requests == []
    assert (await rest.create(PARAMETERS)).status == "queued"


@pytest.fixture
def one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest_client, "CONNECTIONS", 1)


@pytest.mark.usefixtures("one_connection")
async def test_who_waited_too_long_for_a_connection_does_not_dial(
    twilio: Twilio, rest: TwilioRest
) -> None:
    lease, asked = [True], asyncio.Event()

    def wanted() -> bool:
        asked.set()
        return lease[0]

    twilio.standin.misbehave("lost")
    async with asyncio.TaskGroup() as group:
        first = group.create_task(_unknown(rest))
        await until(lambda: twilio.standin.requests)
        second = group.create_task(_withdrawn(rest, wanted))
        await asyncio.sleep(0)
        # Its lease ends while the only connection is taken.
        assert not asked.is_set()
        lease[0] = False
    assert first.done()
    assert second.done()
    assert len(twilio.standin.requests) == 1


@pytest.mark.usefixtures("one_connection")
async def test_who_never_got_a_connection_has_not_dialled(twilio: Twilio, rest: TwilioRest) -> None:
    twilio.standin.misbehave("lost")
    async with asyncio.TaskGroup() as group:
        group.create_task(_unknown(rest))
        await until(lambda: twilio.standin.requests)
        with pytest.raises(RestUnreached):
            await rest.create(PARAMETERS, deadline_s=0.05)
    assert len(twilio.standin.requests) == 1


async def test_a_queued_call_is_taken_back(twilio: Twilio, rest: TwilioRest) -> None:
    call = await rest.create(PARAMETERS)
    await rest.cancel(call.sid)
    assert (await rest.fetch(call.sid)).status == "canceled"
    with pytest.raises(CallGone):
        await rest.cancel(call.sid)


async def _unknown(rest: TwilioRest) -> None:
    with pytest.raises(RestUnavailable):
        await rest.create(PARAMETERS, deadline_s=0.5)


async def _withdrawn(rest: TwilioRest, wanted: object) -> None:
    assert callable(wanted)
    with pytest.raises(RestWithdrawn):
        await rest.create(PARAMETERS, wanted=wanted)


async def test_a_call_that_is_over_says_how_long_it_was(twilio: Twilio, rest: TwilioRest) -> None:
    call = await twilio.call()
    assert (await rest.fetch(call.sid)).duration_s is None
    call.complete()
    over = await rest.fetch(call.sid)
    assert (over.status, over.duration_s) == ("completed", 0)
