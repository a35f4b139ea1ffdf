"""What REST does to a call in progress."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest
from starlette.responses import StreamingResponse

from bot.dialog.types import Ended
from bot.phone import exchange as exchange_module
from bot.phone.call import place_call
from bot.phone.clock import PhoneClock
from bot.phone.config import Dialled, PhoneConfig
from bot.phone.events import EventKind, PhoneEvent
from bot.phone.exchange import Exchange, LiveCall, NotInProgress
from bot.phone.identity import CallIdentity
from bot.phone.result import CallResult
from bot.phone.steps import Wait

from .sounds import tone
from .worker_stub import TOKEN, StubStream, StubWorker, running_worker

HANG_UP = "<Response><Hangup/></Response>"
Deed = Callable[[LiveCall], None]


class Rest:
    """Does something to the call in a stream, or when a verb begins."""

    def __init__(self, worker: StubWorker, deed: Deed, verb: str = "") -> None:
        self._worker = worker
        self._deed = deed
        self._verb = verb
        self.exchange = Exchange()
        self.live: LiveCall | None = None
        worker.documents["/moved"] = [HANG_UP]

    def act(self) -> None:
        (self.live,) = self.exchange.calls.values()
        self._deed(self.live)

    async def talk(self, stream: StubStream) -> None:
        await stream.frames(5)
        self.act()
        await stream.until("stop")
        assert await stream.next() is None

    async def call(self) -> CallResult:
        dialled = {"+15550199": Dialled(for_ms=3_600_000)}
        config = PhoneConfig(self._worker.url, TOKEN, speed=5.0, dialled=dialled)
        steps = [Wait(60_000)]
        async with asyncio.timeout(10):
            return await place_call(config, steps, on_event=self._on_event, exchange=self.exchange)

    def _on_event(self, event: PhoneEvent) -> None:
        if self._verb and event.kind is EventKind.VERB and event.detail.startswith(self._verb):
            self._verb = ""
            # When the verb has begun.
            asyncio.get_running_loop().call_soon(self.act)


@pytest.fixture
async def worker() -> AsyncIterator[StubWorker]:
    async with running_worker() as worker:
        yield worker


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_redirect_ends_the_stream(worker: StubWorker, method: str) -> None:
    began_s = time.time()
    rest = Rest(worker, lambda live: live.redirect(f"{worker.url}/moved", method))
    worker.talk = [rest.talk]
    result = await rest.call()
    assert result.verbs == ("Connect", "Hangup")
    assert result.ended == Ended("bot", "hung up")
    assert not result.failed
    (stream,) = worker.streams
    assert [message["event"] for message in stream.messages][-1] == "stop"
    sequence = [int(message["sequenceNumber"]) for message in stream.messages[1:]]
    assert sequence == list(range(1, len(sequence) + 1))
    (asked,) = [asked for asked in worker.asked if asked.path == "/moved"]
    assert (asked.method, asked.signed) == (method, True)
    assert asked.params["CallStatus"] == "in-progress"
    # The verb is abandoned, and so is its action.
    assert "/twilio/next" not in worker.paths()
    events = [params["StreamEvent"] for params in worker.about("/twilio/stream")]
    assert events == ["stream-started", "stream-stopped"]
    live = rest.live
    assert live is not None
    assert (live.sid, live.status) == (result.call_sid, "completed")
    assert (live.from_number, live.to_number) == ("+15550100001", "+15550100002")
    assert live.account_sid == asked.params["AccountSid"]
    assert live.answered_s is not None
    assert live.ended_s is not None
    assert began_s <= live.created_s <= live.answered_s <= live.ended_s <= time.time()
    assert live.clock_ms > 100
    # No stream came after this one: its end was the call's.
    assert result.gaps == ()


async def test_a_document_may_open_another_stream(worker: StubWorker) -> None:
    async def second(stream: StubStream) -> None:
        await stream.media(tone(400))
        await stream.frames(30)

    rest = Rest(worker, lambda live: live.instruct(worker.connect(action=f"{worker.url}/moved")))
    worker.talk = [rest.talk, second]
    result = await rest.call()
    assert result.verbs == ("Connect", "Connect", "Hangup")
    (gap,) = result.gaps
    assert gap.cause == "Twilio ended it"
    assert gap.to_stream_ms is not None
    assert gap.to_audio_ms is not None
    assert gap.to_stream_ms > 0
    assert gap.to_audio_ms > 0


@pytest.mark.parametrize(
    ("verb", "document"),
    [
        ("Say", f"<Say>{'word ' * 1_000}</Say>"),
        ("Pause", "<Say>a</Say><Pause length='3600'/>"),
        ("Play", f"<Play digits='{'W' * 3_600}'/>"),
        ("Dial", "<Dial>+15550199</Dial>"),
    ],
)
async def test_whatever_is_done_is_abandoned(worker: StubWorker, verb: str, document: str) -> None:
    rest = Rest(worker, lambda live: live.redirect(f"{worker.url}/moved"), verb)
    worker.documents["/twilio/voice"] = [f"<Response>{document}</Response>"]
    result = await rest.call()
    assert result.verbs[-2:] == (verb, "Hangup")


async def test_a_webhook_that_is_not_answered_is_abandoned(worker: StubWorker) -> None:
    over = asyncio.Event()

    async def nothing() -> AsyncIterator[bytes]:
        await over.wait()
        yield b""

    rest = Rest(worker, lambda live: live.redirect(f"{worker.url}/moved"), "Redirect")
    worker.documents["/twilio/voice"] = [
        "<Response><Say>a</Say><Redirect>/frozen</Redirect></Response>"
    ]
    worker.documents["/frozen"] = [StreamingResponse(nothing(), media_type="text/xml")]
    result = await rest.call()
    over.set()
    assert result.verbs == ("Say", "Redirect", "Hangup")
    assert result.faults == ()


async def test_of_two_orders_at_once_the_second_counts(worker: StubWorker) -> None:
    def both(live: LiveCall) -> None:
        live.redirect(f"{worker.url}/never")
        live.redirect(f"{worker.url}/moved")

    rest = Rest(worker, both)
    worker.talk = [rest.talk]
    await rest.call()
    assert "/never" not in worker.paths()
    assert "/moved" in worker.paths()


async def test_an_order_that_comes_while_the_stream_is_ended_counts_too(
    worker: StubWorker,
) -> None:
    rest = Rest(worker, lambda live: live.redirect(f"{worker.url}/never"))
    worker.talk = [rest.talk]

    def on_event(event: PhoneEvent) -> None:
        if event.kind is EventKind.STREAM_ENDED:
            (live,) = rest.exchange.calls.values()
            live.redirect(f"{worker.url}/moved")

    config = PhoneConfig(worker.url, TOKEN, speed=5.0)
    steps = [Wait(60_000)]
    result = await place_call(config, steps, on_event=on_event, exchange=rest.exchange)
    assert result.verbs == ("Connect", "Hangup")
    assert "/never" not in worker.paths()


async def test_a_call_is_hung_up(worker: StubWorker) -> None:
    def hang_up(live: LiveCall) -> None:
        live.complete()
        for order in (live.complete, lambda: live.instruct(HANG_UP)):
            with pytest.raises(NotInProgress, match="completed"):
                order()

    rest = Rest(worker, hang_up)
    worker.talk = [rest.talk]
    result = await rest.call()
    assert result.ended == Ended("bot", "completed by REST")
    assert result.verbs == ("Connect",)
    assert [params["CallStatus"] for params in worker.about("/twilio/status")] == ["completed"]
    assert "/twilio/next" not in worker.paths()


async def test_a_call_that_rings_can_only_be_hung_up(worker: StubWorker) -> None:
    def hang_up(live: LiveCall) -> None:
        assert live.status == "ringing"
        with pytest.raises(NotInProgress, match="ringing"):
            live.redirect(f"{worker.url}/moved")
        live.complete()

    rest = Rest(worker, hang_up, "Pause")
    worker.documents["/twilio/voice"] = ["<Response><Pause length='3600'/></Response>"]
    result = await rest.call()
    assert result.ended == Ended("bot", "completed by REST")
    assert rest.live is not None
    assert rest.live.answered_s is None


@pytest.mark.parametrize(
    ("document", "code"),
    [("<oops", 12100), ("<Response><Redirect>/x</Redirect></Response>", 11200)],
)
async def test_a_document_that_cannot_be_followed_ends_the_call(
    worker: StubWorker, document: str, code: int
) -> None:
    rest = Rest(worker, lambda live: live.instruct(document))
    worker.talk = [rest.talk]
    result = await rest.call()
    assert [fault.code for fault in result.faults] == [code]
    assert rest.live is not None
    assert rest.live.status == "failed"


async def test_a_call_that_is_cancelled_is_over(worker: StubWorker) -> None:
    exchange = Exchange()
    config = PhoneConfig(worker.url, TOKEN)
    began = asyncio.Event()

    def on_event(event: PhoneEvent) -> None:
        if event.kind is EventKind.STREAM_STARTED:
            began.set()

    placing = asyncio.create_task(
        place_call(config, [Wait(60_000)], on_event=on_event, exchange=exchange)
    )
    await began.wait()
    placing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await placing
    (live,) = exchange.calls.values()
    assert live.status == "completed"
    with pytest.raises(NotInProgress):
        live.complete()


async def test_the_oldest_calls_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange_module, "_MOST_CALLS", 2)
    exchange = Exchange()
    calls = [LiveCall(CallIdentity("AC1", "+1", "+2"), PhoneClock(1.0)) for _ in range(3)]
    for call in calls:
        exchange.add(call)
    assert list(exchange.calls.values()) == calls[1:]
