"""Twilio's official client, as it comes, on the stand-in: every operation that Parley uses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from bot.phone.twiml import Request

from .running import ACCOUNT, CALLER, OURS, TOKEN, Twilio

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    # So the client's own asynchronous transport does; Parley's is another.
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The 'auth' parameter is deprecated:DeprecationWarning"),
]


class Official:
    """The official client; `ask` runs a method of it, the synchronous one in a thread."""

    def __init__(self, url: str, http: Any, token: str = TOKEN) -> None:
        self.client = Client(ACCOUNT, token, http_client=http)
        self.client.api.base_url = url
        self._http = http

    async def ask(self, resource: Any, operation: str, /, **given: object) -> Any:
        if self._http.is_async:
            return await getattr(resource, f"{operation}_async")(**given)
        return await asyncio.to_thread(getattr(resource, operation), **given)


@pytest_asyncio.fixture(loop_scope="module", params=["sync", "async"])
async def official(twilio: Twilio, request: pytest.FixtureRequest) -> AsyncIterator[Official]:
    if request.param == "sync":
        http = TwilioHttpClient()
        yield Official(twilio.url, http)
        http.session.close()
    else:
        async with AsyncTwilioHttpClient() as asynchronous:
            yield Official(twilio.url, asynchronous)


async def test_a_call_is_redirected_instructed_and_hung_up(
    twilio: Twilio, official: Official
) -> None:
    call = await twilio.call()
    there = official.client.calls(call.sid)
    url = "https://bot.example.com/twilio/next?a=b%20c"
    assert (await official.ask(there, "update", url=url, method="GET")).status == "in-progress"
    await twilio.followed(call.sid, 2)
    assert (await official.ask(there, "update", twiml="<Response/>")).sid == call.sid
    await twilio.followed(call.sid, 3)
    assert (await official.ask(there, "update", status="completed")).status == "completed"

    assert twilio.obeyed[call.sid] == ["begin", Request(url, "GET"), "<Response/>"]
    with pytest.raises(TwilioRestException) as refused:
        await official.ask(there, "update", twiml="<Response/>")
    assert (refused.value.status, refused.value.code) == (400, 21220)
    assert twilio.standin.complaints == []


async def test_a_call_is_fetched(twilio: Twilio, official: Official) -> None:
    number = twilio.standin.account.own(OURS)
    call = await twilio.call()
    fetched = await official.ask(official.client.calls(call.sid), "fetch")
    created = datetime.fromtimestamp(int(call.created_s), UTC)
    assert (fetched.sid, fetched.status, fetched.direction) == (call.sid, "in-progress", "inbound")
    assert (fetched.to, fetched._from, fetched.date_created) == (OURS, CALLER, created)
    assert fetched.phone_number_sid == number.sid
    assert fetched.end_time is None
    with pytest.raises(TwilioRestException) as refused:
        await official.ask(official.client.calls("CA" + "0" * 32), "fetch")
    assert (refused.value.status, refused.value.code) == (404, 20404)


async def test_calls_are_listed_page_after_page(twilio: Twilio, official: Official) -> None:
    calls = [await twilio.call() for _ in range(5)]
    calls[0].complete()
    await twilio.call(account_sid="AC" + "f" * 32)
    newest_first = [call.sid for call in reversed(calls)]
    listed = await official.ask(official.client.calls, "list", page_size=2)
    assert [call.sid for call in listed] == newest_first
    assert len(twilio.standin.requests) == 3
    page = await official.ask(official.client.calls, "page", page_size=2)
    following = await official.ask(page, "next_page")
    assert [call.sid for call in following] == newest_first[2:4]
    before = await official.ask(following, "previous_page")
    assert [call.sid for call in before] == newest_first[:2]
    ended = await official.ask(official.client.calls, "list", status="completed", to=OURS)
    assert [call.sid for call in ended] == [calls[0].sid]
    began = datetime.fromtimestamp(calls[0].created_s, UTC)
    for filters, found in (
        ({"start_time": began.date()}, 5),
        ({"start_time": began.date() - timedelta(days=1)}, 0),
        ({"start_time_before": began + timedelta(seconds=60)}, 5),
        ({"start_time_after": began + timedelta(seconds=60)}, 0),
        ({"end_time_after": began - timedelta(seconds=60)}, 1),
        ({"from_": OURS}, 0),
        ({"parent_call_sid": calls[0].sid}, 0),
    ):
        assert len(await official.ask(official.client.calls, "list", **filters)) == found
    assert twilio.standin.complaints == []


async def test_a_recording_goes_through_its_states(twilio: Twilio, official: Official) -> None:
    call = await twilio.call()
    recordings = official.client.calls(call.sid).recordings
    made = await official.ask(recordings, "create", recording_channels="dual")
    assert (made.status, made.channels, made.track) == ("in-progress", 2, "both")
    again = await official.ask(recordings, "create")
    assert again.sid == made.sid
    current = recordings("Twilio.CURRENT")
    paused = await official.ask(current, "update", status="paused", pause_behavior="skip")
    assert (paused.sid, paused.status) == (made.sid, "paused")
    resumed = await official.ask(recordings(made.sid), "update", status="in-progress")
    assert resumed.status == "in-progress"
    assert (await official.ask(current, "update", status="stopped")).status == "stopped"
    for resource, status in ((current, "paused"), (recordings(made.sid), "in-progress")):
        with pytest.raises(TwilioRestException):
            await official.ask(resource, "update", status=status)
    call.complete()
    assert (await official.ask(recordings(made.sid), "fetch")).status == "completed"
    with pytest.raises(TwilioRestException) as refused:
        await official.ask(recordings, "create")
    assert refused.value.code == 21220


async def test_numbers_are_found_and_set(twilio: Twilio, official: Official) -> None:
    twilio.standin.account.own(OURS, TrunkSid="TK" + "1" * 32)
    twilio.standin.account.own(CALLER)
    numbers = official.client.incoming_phone_numbers
    (found,) = await official.ask(numbers, "list", phone_number=OURS[:6])
    assert found.phone_number == OURS
    application = "AP" + "2" * 32
    await official.ask(
        numbers(found.sid), "update", voice_url="https://a.example/v", voice_method="GET"
    )
    await official.ask(numbers(found.sid), "update", voice_application_sid=application)
    fetched = await official.ask(numbers(found.sid), "fetch")
    assert (fetched.voice_url, fetched.voice_method) == ("https://a.example/v", "GET")
    assert (fetched.voice_application_sid, fetched.trunk_sid) == (application, None)
    with pytest.raises(TwilioRestException) as refused:
        await official.ask(numbers(found.sid), "update", voice_url="ftp://a.example")
    assert (refused.value.status, refused.value.code) == (400, 21205)


async def test_a_call_is_created_and_canceled(twilio: Twilio, official: Official) -> None:
    calls = official.client.calls
    made = await official.ask(
        calls,
        "create",
        to=CALLER,
        from_=OURS,
        url="https://bot.example.com/twilio/voice",
        status_callback="https://bot.example.com/twilio/status",
        status_callback_event=["initiated", "answered", "completed"],
        machine_detection="Enable",
        async_amd="true",
        async_amd_status_callback="https://bot.example.com/twilio/amd",
        time_limit=600,
        record=True,
    )
    assert (made.status, made.direction, made.queue_time) == ("queued", "outbound-api", "0")
    form = twilio.standin.requests[-1].form
    assert [value for name, value in form if name == "StatusCallbackEvent"] == [
        "initiated",
        "answered",
        "completed",
    ]
    assert ("Record", "true") in form
    with pytest.raises(TwilioRestException):
        await official.ask(calls(made.sid), "update", twiml="<Response/>")
    assert (await official.ask(calls(made.sid), "update", status="canceled")).status == "canceled"
    assert twilio.standin.complaints == []


async def test_the_account_is_fetched_with_the_right_token_only(
    twilio: Twilio, official: Official
) -> None:
    there = official.client.api.accounts(ACCOUNT)
    assert (await official.ask(there, "fetch")).status == "active"
    wrong = Official(twilio.url, official.client.http_client, token="wrong")
    with pytest.raises(TwilioRestException) as refused:
        await wrong.ask(wrong.client.api.accounts(ACCOUNT), "fetch")
    assert (refused.value.status, refused.value.code) == (401, 20003)
