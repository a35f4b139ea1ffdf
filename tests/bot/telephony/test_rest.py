"""Twilio's REST API as the worker asks it, on the stand-in, over real sockets."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from bot.demo.worker import free_port
from bot.phone.twiml import Request
from bot.telephony import rest_client
from bot.telephony.rest import (
    CallGone,
    RestBusy,
    RestDenied,
    RestError,
    RestUnavailable,
    RestUnreached,
    TwilioRest,
)
from bot.telephony.twiml import INLINE_LIMIT
from tests.vendors.twilio_rest.mischief import Kind
from tests.vendors.twilio_rest.running import ACCOUNT, CALLER, OURS, TOKEN, Twilio, TwilioServer
from tests.vendors.twilio_rest.server import serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

NEXT = "https://bot.example.com/twilio/next"
STRANGER = "CA" + "0" * 32


@pytest.fixture
def twilio(twilio: Twilio) -> Iterator[Twilio]:
    """A Twilio that has nothing to complain of."""
    yield twilio
    assert twilio.standin.complaints == []


class Waits:
    """Takes note of waits, and does not wait."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest_asyncio.fixture(loop_scope="module")
async def rest(twilio: Twilio, waits: Waits) -> AsyncIterator[TwilioRest]:
    rest = TwilioRest(ACCOUNT, TOKEN, api_url=twilio.url, jitter=lambda: 0.5, sleep=waits)
    yield rest
    await rest.aclose()


async def test_a_redirected_call_follows_the_url(twilio: Twilio, rest: TwilioRest) -> None:
    call = await twilio.call()
    await rest.redirect(call.sid, NEXT)
    assert twilio.forms() == [{"Url": NEXT, "Method": "POST"}]
    assert (await twilio.followed(call.sid, 2))[1:] == [Request(NEXT, "POST")]


async def test_an_instructed_call_follows_the_document(twilio: Twilio, rest: TwilioRest) -> None:
    call, document = await twilio.call(), "<Response><Say>Grüß &amp; Gott</Say></Response>"
    await rest.instruct(call.sid, document)
    assert twilio.forms() == [{"Twiml": document}]
    assert (await twilio.followed(call.sid, 2))[1:] == [document]


async def test_a_document_has_a_limit(twilio: Twilio, rest: TwilioRest) -> None:
    call = await twilio.call()
    await rest.instruct(call.sid, "x" * INLINE_LIMIT)
    with pytest.raises(RestError, match="4001 characters; Twilio takes 4000"):
        await rest.instruct(call.sid, "x" * (INLINE_LIMIT + 1))
    assert len(twilio.standin.requests) == 1


async def test_a_completed_call_is_over(twilio: Twilio, rest: TwilioRest) -> None:
    call = await twilio.call()
    await rest.complete(call.sid)
    assert call.status == "completed"
    for again in (rest.complete(call.sid), rest.redirect(call.sid, NEXT)):
        with pytest.raises(CallGone) as gone:
            await again
        assert (gone.value.status, gone.value.code) == (400, 21220)


@pytest.mark.parametrize("sid", ["", "CA1", "../Accounts", STRANGER[:-1] + "\n", "RE" + "0" * 32])
async def test_what_is_no_sid_is_not_asked_for(twilio: Twilio, rest: TwilioRest, sid: str) -> None:
    with pytest.raises(CallGone, match="is no call's SID"):
        await rest.fetch(sid)
    with pytest.raises(RestError, match="is no recording's SID"):
        await rest.stop_recording(STRANGER, sid if sid[:2] != "RE" else "RE1")
    assert twilio.standin.requests == []


async def test_an_unknown_call_is_gone(rest: TwilioRest) -> None:
    with pytest.raises(CallGone) as gone:
        await rest.redirect(STRANGER, NEXT)
    assert (gone.value.status, gone.value.code) == (404, 20404)


async def test_a_call_is_fetched(twilio: Twilio, rest: TwilioRest) -> None:
    call = await twilio.call()
    fetched = await rest.fetch(call.sid)
    assert (fetched.sid, fetched.status, fetched.direction) == (call.sid, "in-progress", "inbound")
    assert (fetched.to_number, fetched.from_number) == (OURS, CALLER)
    assert fetched.created_ms == int(call.created_s) * 1000
    assert fetched.answered_by is None


async def test_calls_are_listed(twilio: Twilio, rest: TwilioRest) -> None:
    calls = [await twilio.call() for _ in range(4)]
    calls[3].complete()
    wanted = [call.sid for call in reversed(calls[:3])]
    listed = await rest.list_calls(to=OURS, from_=CALLER, status="in-progress", limit=2)
    assert [call.sid for call in listed] == wanted[:2]
    assert twilio.forms("GET") == [
        {"To": OURS, "From": CALLER, "Status": "in-progress", "PageSize": "2"}
    ]
    assert len(await rest.list_calls(limit=5000)) == 4
    assert twilio.forms("GET")[1:] == [{"PageSize": "1000"}]


async def test_a_list_goes_on_over_pages(
    twilio: Twilio, rest: TwilioRest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.telephony.rest.MAX_PAGE", 2)
    calls = [await twilio.call() for _ in range(5)]
    listed = await rest.list_calls(limit=4)
    assert [call.sid for call in listed] == [call.sid for call in reversed(calls)][:4]
    assert [form["Page"] for form in twilio.forms("GET")[1:]] == ["1"]


async def test_a_recording_is_paused_resumed_and_stopped(twilio: Twilio, rest: TwilioRest) -> None:
    call = await twilio.call()
    sid = await rest.start_recording(call.sid, status_callback=f"{NEXT}/recorded")
    recording = twilio.standin.account.recordings[call.sid][0]
    assert (recording.sid, recording.channels, recording.track) == (sid, 2, "both")
    await rest.pause_recording(call.sid, behavior="skip")
    assert (recording.status, recording.pauses) == ("paused", ["skip"])
    await rest.resume_recording(call.sid)
    assert recording.status == "in-progress"
    await rest.pause_recording(call.sid, sid)
    assert recording.pauses == ["skip", "silence"]
    await rest.stop_recording(call.sid, sid)
    assert recording.status == "stopped"
    with pytest.raises(RestError) as nothing:
        await rest.resume_recording(call.sid)
    assert nothing.type is RestError


async def test_a_recording_before_the_answer_does_not_say_that_the_call_is_gone(
    twilio: Twilio, rest: TwilioRest
) -> None:
    call = await twilio.call(answered=False)
    with pytest.raises(RestError, match="not eligible for recording") as early:
        await rest.start_recording(call.sid)
    assert early.type is RestError


async def test_a_number_is_found_by_all_of_it(twilio: Twilio, rest: TwilioRest) -> None:
    account = twilio.standin.account
    account.own(OURS + "7")
    owned = account.own(OURS, VoiceUrl="https://old.example.com", VoiceMethod="GET")
    found = await rest.find_number(OURS)
    assert found is not None
    assert (found.sid, found.number) == (owned.sid, OURS)
    assert (found.voice_url, found.voice_method) == ("https://old.example.com", "GET")
    assert (found.voice_application_sid, found.trunk_sid) == (None, None)
    assert await rest.find_number(OURS[:-1]) is None


async def test_a_number_is_set(twilio: Twilio, rest: TwilioRest) -> None:
    owned = twilio.standin.account.own(OURS, VoiceMethod="GET")
    urls = [f"https://bot.example.com/{path}" for path in ("voice", "fallback", "status")]
    voice, fallback, status = urls
    await rest.set_number(owned.sid, voice_url=voice, fallback_url=fallback, status_callback=status)
    found = await rest.find_number(OURS)
    assert found is not None
    assert [found.voice_url, found.fallback_url, found.status_callback] == urls
    methods = (found.voice_method, found.fallback_method, found.status_callback_method)
    assert methods == ("POST", "POST", "POST")


async def test_everything_goes_over_the_connection_that_start_opened(
    twilio: Twilio, rest: TwilioRest
) -> None:
    call = await twilio.call()
    await rest.start()
    await rest.redirect(call.sid, NEXT)
    await rest.fetch(call.sid)
    assert [seen.status for seen in twilio.standin.requests] == [200, 200, 200]
    assert len({seen.peer for seen in twilio.standin.requests}) == 1


async def test_many_at_once_share_the_pool(
    twilio: Twilio, rest: TwilioRest, monkeypatch: pytest.MonkeyPatch
) -> None:
    # None is made again, however busy the machine is.
    monkeypatch.setattr(rest_client, "ATTEMPT_S", 30.0)
    calls = [await twilio.call() for _ in range(50)]
    twilio.standin.misbehave("delay", times=None)
    await asyncio.gather(*(rest.redirect(call.sid, NEXT, deadline_s=30) for call in calls))
    assert {call.sid: len(await twilio.followed(call.sid, 2)) for call in calls} == {
        call.sid: 2 for call in calls
    }
    assert len({seen.peer for seen in twilio.standin.requests}) <= rest_client.CONNECTIONS


@pytest.mark.parametrize(
    ("kind", "error", "status", "code"),
    [
        ("busy", RestBusy, 429, 20429),
        ("failure", RestUnavailable, 500, 20500),
        ("problem", RestUnavailable, 503, 20503),
        ("page", RestUnavailable, 502, None),
        ("denied", RestDenied, 401, 20003),
    ],
)
async def test_refusals_are_told_apart(
    twilio: Twilio, rest: TwilioRest, kind: Kind, error: type, status: int, code: int | None
) -> None:
    # Longer than the deadline: it is not worth waiting for.
    twilio.standin.misbehave(kind, times=None, retry_after="60")
    with pytest.raises(RestError) as refused:
        await rest.fetch(STRANGER)
    assert refused.type is error
    assert (refused.value.status, refused.value.code) == (status, code)
    assert len(twilio.standin.requests) == 1


@pytest.mark.parametrize("kind", ["nonsense", "cut"])
async def test_an_answer_that_is_none_is_no_answer(
    twilio: Twilio, rest: TwilioRest, kind: Kind
) -> None:
    call = await twilio.call()
    twilio.standin.misbehave(kind)
    assert (await rest.fetch(call.sid)).sid == call.sid
    assert len(twilio.standin.requests) == 2


async def test_a_list_that_is_none_is_not_understood(
    twilio: Twilio, rest: TwilioRest, monkeypatch: pytest.MonkeyPatch
) -> None:
    twilio.standin.misbehave("empty")
    assert await rest.list_calls() == []
    monkeypatch.setattr(rest_client, "BACKOFF_S", 1e6)
    twilio.standin.misbehave("empty")
    with pytest.raises(RestUnavailable, match="was not understood: TwilioException"):
        await rest.list_calls()


async def test_a_refused_request_is_made_again_after_growing_waits(
    twilio: Twilio, rest: TwilioRest, waits: Waits
) -> None:
    call = await twilio.call()
    twilio.standin.misbehave("busy", times=3)
    await rest.redirect(call.sid, NEXT)
    assert waits.seconds == [0.05, 0.1, 0.2]
    assert len(await twilio.followed(call.sid, 2)) == 2


async def test_waits_stop_growing(twilio: Twilio, waits: Waits) -> None:
    rest = TwilioRest(ACCOUNT, TOKEN, api_url=twilio.url, jitter=lambda: 1.0, sleep=waits)
    twilio.standin.misbehave("busy", times=7)
    await rest.check()
    await rest.aclose()
    assert waits.seconds == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 3.2]


async def test_retry_after_is_waited_for(twilio: Twilio, rest: TwilioRest, waits: Waits) -> None:
    call = await twilio.call()
    twilio.standin.misbehave("busy", retry_after="2")
    await rest.complete(call.sid)
    assert waits.seconds == [2.05]


async def test_the_deadline_bounds_all_attempts_together(twilio: Twilio, rest: TwilioRest) -> None:
    call = await twilio.call()
    twilio.standin.misbehave("busy", times=None, retry_after="60")
    with pytest.raises(RestBusy):
        await rest.complete(call.sid, deadline_s=10)
    assert len(twilio.standin.requests) == 1


@pytest.mark.parametrize("kind", ["failure", "page", "problem"])
async def test_a_failed_update_is_made_again(twilio: Twilio, rest: TwilioRest, kind: Kind) -> None:
    call = await twilio.call()
    twilio.standin.misbehave(kind)
    await rest.redirect(call.sid, NEXT)
    assert await twilio.followed(call.sid, 2) == ["begin", Request(NEXT)]


@pytest.mark.parametrize("kind", ["silent", "lost"])
async def test_an_update_without_an_answer_is_made_again(
    twilio: Twilio, rest: TwilioRest, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest_client, "ATTEMPT_S", 0.5)
    call = await twilio.call()
    twilio.standin.misbehave(kind)
    await rest.redirect(call.sid, NEXT)
    assert len(twilio.standin.requests) == 2
    # What Twilio had done already is done again: the call is where it should be.
    assert (await twilio.followed(call.sid, 2))[-1] == Request(NEXT)


async def test_silence_ends_with_the_deadline(twilio: Twilio, rest: TwilioRest) -> None:
    call = await twilio.call()
    twilio.standin.misbehave("silent", times=None)
    with pytest.raises(RestUnavailable, match="did not answer in time"):
        await rest.complete(call.sid, deadline_s=0.05)
    assert call.status == "in-progress"
    twilio.standin.behave()
    await rest.complete(call.sid)


@pytest.mark.parametrize("kind", ["failure", "page", "cut", "nonsense", "lost"])
async def test_a_document_that_may_have_been_followed_is_not_given_again(
    twilio: Twilio, waits: Waits, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second one would dial twice, send digits twice, or show a token that was used."""
    rest = TwilioRest(ACCOUNT, TOKEN, api_url=twilio.url, deadline_s=0.5, sleep=waits)
    await rest.check(deadline_s=5)
    monkeypatch.setattr(rest_client, "ATTEMPT_S", 0.02)
    call = await twilio.call()
    twilio.standin.misbehave(kind)
    with pytest.raises(RestUnavailable) as unknown:
        await rest.instruct(call.sid, "<Response/>")
    await rest.aclose()
    assert unknown.type is RestUnavailable
    assert twilio.forms() == [{"Twiml": "<Response/>"}]
    assert waits.seconds == []


async def test_a_document_that_was_not_processed_is_given_again(
    twilio: Twilio, rest: TwilioRest
) -> None:
    call = await twilio.call()
    twilio.standin.misbehave("busy", times=2)
    await rest.instruct(call.sid, "<Response/>")
    assert await twilio.followed(call.sid, 2) == ["begin", "<Response/>"]


async def test_a_document_is_given_again_when_nobody_was_there_to_take_it(
    twilio: Twilio, server: TwilioServer
) -> None:
    port = free_port()
    call, waits = await twilio.call(), Waits()
    async with contextlib.AsyncExitStack() as listening:

        async def begin_to_listen(seconds: float) -> None:
            await waits(seconds)
            if len(waits.seconds) == 2:
                await listening.enter_async_context(serving(server, port))

        rest = TwilioRest(ACCOUNT, TOKEN, api_url=f"http://127.0.0.1:{port}", sleep=begin_to_listen)
        await rest.instruct(call.sid, "<Response/>")
        await rest.aclose()
    assert len(waits.seconds) == 2
    assert await twilio.followed(call.sid, 2) == ["begin", "<Response/>"]


@pytest.mark.parametrize("kind", ["failure", "cut", "nonsense"])
async def test_what_creates_is_not_repeated(twilio: Twilio, rest: TwilioRest, kind: Kind) -> None:
    call = await twilio.call()
    twilio.standin.misbehave(kind)
    with pytest.raises(RestUnavailable):
        await rest.start_recording(call.sid)
    assert len(twilio.standin.requests) == 1


async def test_what_creates_and_was_not_processed_is_repeated(
    twilio: Twilio, rest: TwilioRest
) -> None:
    call = await twilio.call()
    twilio.standin.misbehave("busy")
    assert await rest.start_recording(call.sid)
    assert len(twilio.standin.account.recordings[call.sid]) == 1


async def test_what_creates_waits_for_its_whole_deadline(
    twilio: Twilio, waits: Waits, monkeypatch: pytest.MonkeyPatch
) -> None:
    rest = TwilioRest(ACCOUNT, TOKEN, api_url=twilio.url, deadline_s=0.5, sleep=waits)
    call = await twilio.call()
    await rest.check(deadline_s=5)
    monkeypatch.setattr(rest_client, "ATTEMPT_S", 0.01)
    twilio.standin.misbehave("lost")
    with pytest.raises(RestUnavailable):
        await rest.start_recording(call.sid)
    await rest.aclose()
    assert len(twilio.standin.requests) == 2
    # Twilio had begun it: that is why it must not be made again.
    assert len(twilio.standin.account.recordings[call.sid]) == 1


@pytest.fixture
def nobody() -> str:
    """An address at which nobody listens."""
    return "http://127.0.0.1:1"


async def test_nobody_there_is_unavailable(nobody: str) -> None:
    rest = TwilioRest(ACCOUNT, TOKEN, api_url=nobody, jitter=lambda: 1e6)
    with pytest.raises(RestUnreached, match="cannot be reached: ConnectError") as missing:
        await rest.complete(STRANGER)
    assert missing.value.status is None
    await rest.aclose()


async def test_a_worker_starts_without_twilio(nobody: str) -> None:
    rest = TwilioRest(ACCOUNT, TOKEN, api_url=nobody, jitter=lambda: 1e6)
    with capture_logs() as logs:
        await rest.start()
    await rest.aclose()
    assert [(line["event"], line["log_level"]) for line in logs] == [
        ("Twilio's REST API cannot be used", "warning")
    ]


@pytest.mark.parametrize(
    ("variable", "value"),
    [("SSL_CERT_FILE", "/nonexistent"), ("HTTPS_PROXY", "foo://me:secret@nowhere")],
)
async def test_a_wrong_environment_is_told_and_stops_no_worker(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    rest = TwilioRest(ACCOUNT, TOKEN)
    with capture_logs() as logs:
        await rest.start()
    assert variable in logs[0]["error"]
    assert "secret" not in str(logs)
    with pytest.raises(RestError):
        await rest.redirect("CA" + "0" * 32, "https://bot.example.com/twilio/next")
    await rest.aclose()


async def test_a_wrong_token_is_denied_and_told(twilio: Twilio) -> None:
    rest = TwilioRest(ACCOUNT, "wrong-" + TOKEN, api_url=twilio.url)
    with capture_logs() as logs:
        await rest.start()
    assert logs[0]["status"] == 401
    assert "TWILIO_AUTH_TOKEN" in logs[0]["error"]
    with pytest.raises(RestDenied):
        await rest.check()
    await rest.aclose()


async def test_after_closing_nothing_is_asked(twilio: Twilio, rest: TwilioRest) -> None:
    await rest.check()
    await rest.aclose()
    await rest.aclose()
    with pytest.raises(RestError, match="has been closed"):
        await rest.check()
    assert len(twilio.standin.requests) == 1


@pytest.mark.parametrize("kind", ["denied", "page", "nonsense", "cut", "silent"])
async def test_no_secret_is_in_any_error_or_log(twilio: Twilio, kind: Kind) -> None:
    rest = TwilioRest(ACCOUNT, TOKEN, api_url=twilio.url, jitter=lambda: 1e6, deadline_s=0.1)
    await rest.check(deadline_s=5)
    twilio.standin.misbehave(kind, times=None)
    with capture_logs() as logs:
        await rest.start()
    try:
        await rest.check()
    except RestError as error:
        told = [repr(rest), repr(vars(rest)), repr(error), repr(vars(error)), repr(logs)]
        told += traceback.TracebackException.from_exception(error, capture_locals=True).format()
    await rest.aclose()
    shown = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
    assert told
    assert not [text for text in told if TOKEN in text or shown in text]


async def _asked_through(proxy: Callable[[bytes], Awaitable[None]]) -> asyncio.Server:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await proxy(await reader.readline())
        writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", 0)


@pytest.mark.parametrize(
    ("region", "edge", "host"),
    [
        (None, None, "api.twilio.com"),
        ("ie1", None, "api.ie1.twilio.com"),
        ("ie1", "dublin", "api.dublin.ie1.twilio.com"),
        (None, "dublin", "api.dublin.us1.twilio.com"),
    ],
)
async def test_region_and_edge_are_those_of_the_settings(
    monkeypatch: pytest.MonkeyPatch, region: str | None, edge: str | None, host: str
) -> None:
    lines: asyncio.Queue[bytes] = asyncio.Queue()
    async with await _asked_through(lines.put) as proxy:
        port = proxy.sockets[0].getsockname()[1]
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("TWILIO_REGION", "au1")
        monkeypatch.setenv("TWILIO_EDGE", "sydney")
        rest = TwilioRest(ACCOUNT, TOKEN, region=region, edge=edge, jitter=lambda: 1e6)
        with pytest.raises(RestUnavailable):
            await rest.check()
        await rest.aclose()
    assert lines.get_nowait() == f"CONNECT {host}:443 HTTP/1.1\r\n".encode()


async def test_another_address_replaces_region_edge_and_proxy(
    twilio: Twilio, monkeypatch: pytest.MonkeyPatch, nobody: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", nobody)
    monkeypatch.setenv("TWILIO_REGION", "au1")
    rest = TwilioRest(ACCOUNT, TOKEN, api_url=twilio.url, region="ie1", edge="dublin")
    await rest.check()
    await rest.aclose()
    assert len(twilio.standin.requests) == 1


async def test_the_client_is_loaded_where_it_is_used_only() -> None:
    code = "import sys, bot.telephony.rest; sys.exit('twilio.rest' in sys.modules)"
    importing = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    assert await importing.wait() == 0
