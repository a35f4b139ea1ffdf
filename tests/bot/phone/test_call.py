"""Whole calls: the verbs, the webhooks, the end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.responses import Response

from bot.demo.worker import free_port
from bot.dialog.types import Ended
from bot.phone.call import PhoneConfig, place_call
from bot.phone.clip import Clip
from bot.phone.config import Dialled
from bot.phone.events import EventKind, PhoneEvent
from bot.phone.result import CallResult
from bot.phone.steps import Play, Step, Wait, WaitForBot, default_steps

from .sounds import tone
from .worker_stub import TOKEN, StubStream, StubWorker, running_worker

SPEED = 10.0
CLIP = Clip("clip", tone(200))


async def place(worker: StubWorker, *steps: Step, speed: float = SPEED) -> CallResult:
    return await place_call(PhoneConfig(worker.url, TOKEN, speed=speed), steps)


async def hang_up(stream: StubStream) -> None:
    """The worker ends the stream after some frames."""
    await stream.frames(5)


async def test_a_call_from_its_greeting_to_its_end() -> None:
    async def talk(stream: StubStream) -> None:
        await stream.media(tone(500))
        await stream.mark("greeting")
        await stream.until("mark")
        await stream.frames(100)
        await stream.media(tone(400))
        await stream.mark("reply")
        await stream.until("stop")

    async with running_worker() as worker:
        worker.talk = [talk]
        worker.documents["/twilio/voice"] = [
            worker.connect('<Parameter name="token" value="secret"/>')
        ]
        history = [
            ("bot", "Hello.", 0, 500),
            ("caller", "a table", 1500, 1800),
            ("bot", "Which day?", 2600, 3000),
        ]
        worker.record = {
            "history": [
                {"role": role, "text": text, "heard": text, "start_ms": start, "end_ms": end}
                | {"interrupted": False}
                for role, text, start, end in history
            ],
            "ended": {"by": "caller", "reason": "hangup"},
            "ended_ms": 1_700_000_000_000,
        }
        steps = default_steps([CLIP])
        result = await place_call(PhoneConfig(worker.url, TOKEN, speed=4.0), steps)
    assert result.ended == Ended("caller", "hung up")
    assert not result.failed
    assert (result.faults, result.notes, result.verbs) == ((), (), ("Connect",))
    assert [turn.text for turn in result.turns] == ["Hello.", "a table", "Which day?"]
    assert len(result.latencies.response) == 1
    assert result.record == worker.record
    assert worker.upgrades == [True]
    assert worker.streams[0].messages[1]["start"]["customParameters"] == {"token": "secret"}
    assert all(asked.signed for asked in worker.asked)
    voice, *_ = worker.about("/twilio/voice")
    assert voice["CallStatus"] == "ringing"
    assert voice["Direction"] == "inbound"
    assert (voice["From"], voice["FromCity"]) == ("+15550100001", "")
    # A hang-up brings the action too, and the status callback comes last.
    assert worker.about("/twilio/next")[0]["CallStatus"] == "completed"
    assert worker.paths()[-1] == "/twilio/status"
    status = worker.about("/twilio/status")[0]
    assert status["CallStatus"] == "completed"
    assert status["CallDuration"] == str(round(result.duration_s))
    assert [params["StreamEvent"] for params in worker.about("/twilio/stream")] == [
        "stream-started",
        "stream-stopped",
    ]


async def test_a_stream_that_the_worker_closes_leads_to_the_action() -> None:
    async with running_worker() as worker:
        worker.talk = [hang_up]
        worker.documents["/twilio/next"] = ["<Response><Hangup/><Say>never</Say></Response>"]
        result = await place(worker, Wait(60_000))
    assert result.ended == Ended("bot", "hung up")
    assert result.faults == ()
    assert result.verbs == ("Connect", "Hangup")
    assert worker.about("/twilio/next")[0]["CallStatus"] == "in-progress"
    assert result.steps_left == 1
    assert result.notes[-1] == "1 of the caller's steps were not reached"


async def test_without_an_action_the_next_verb_follows() -> None:
    async with running_worker() as worker:
        worker.talk = [hang_up]
        document = worker.connect(more="<Pause length='0'/>").replace(' action="/twilio/next"', "")
        worker.documents["/twilio/voice"] = [document]
        result = await place(worker, Wait(60_000))
    assert result.verbs == ("Connect", "Pause")
    assert result.ended == Ended("bot", "end of TwiML")
    assert "/twilio/next" not in worker.paths()


async def test_a_caller_who_hangs_up_without_an_action() -> None:
    async with running_worker() as worker:
        document = worker.connect().replace(' action="/twilio/next"', "")
        worker.documents["/twilio/voice"] = [document]
        result = await place(worker)
    assert result.ended.by == "caller"
    assert "/twilio/next" not in worker.paths()


@pytest.mark.parametrize(("status", "code"), [(403, 31920), (307, 31920), (503, 31920)])
async def test_a_refused_upgrade_leads_to_the_next_verb(status: int, code: int) -> None:
    async with running_worker() as worker:
        worker.upgrade = status
        more = "<Redirect>/twilio/next</Redirect>"
        worker.documents["/twilio/voice"] = [worker.connect(action="/never", more=more)]
        worker.documents["/twilio/next"] = ["<Response><Hangup/></Response>"]
        result = await place(worker)
    assert [fault.code for fault in result.faults] == [code]
    assert str(status) in result.faults[0].message
    assert result.verbs == ("Connect", "Redirect", "Hangup")
    assert "/never" not in worker.paths()
    (event,) = worker.about("/twilio/stream")
    assert event["StreamEvent"] == "stream-error"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ws://bot.example.com/media", 31922),
        ("ws://127.0.0.1:PORT/twilio/media?token=1", 31920),
        ("wss://bot.example.com/twilio/media", 31920),
    ],
)
async def test_a_url_that_cannot_be_opened(url: str, code: int) -> None:
    async with running_worker() as worker:
        url = url.replace("PORT", str(worker.port))
        worker.documents["/twilio/voice"] = [
            f'<Response><Connect><Stream url="{url}"/></Connect></Response>'
        ]
        result = await place(worker)
    assert [fault.code for fault in result.faults] == [code]
    assert worker.streams == []


async def test_a_worker_that_is_gone_when_the_stream_opens() -> None:
    async with running_worker() as worker:

        def on_event(event: PhoneEvent) -> None:
            if event.kind is EventKind.VERB:
                worker.served.stop_listening()

        worker.documents["/twilio/voice"] = [worker.connect().replace("statusCallback", "name2")]
        result = await place_call(PhoneConfig(worker.url, TOKEN), [], on_event=on_event)
    assert result.faults[0].code == 31902


async def test_the_verbs_of_twilios_own_voice() -> None:
    async with running_worker() as worker:
        worker.documents["/twilio/voice"] = [
            "<Response><Say>Hello</Say><Play digits='1w2W'/><Play>/sound.wav</Play><Gather/>"
            "<Play>/gone.wav</Play><Redirect method='GET'>/more?a=1</Redirect></Response>"
        ]
        worker.documents["/gone.wav"] = [Response(status_code=404)]
        worker.documents["/more"] = ["<Response><Pause length='2'/></Response>"]
        result = await place(worker, speed=20.0)
    assert result.verbs == ("Say", "Play", "Play", "Gather", "Play", "Redirect", "Pause")
    assert [fault.code for fault in result.faults] == [11200]
    assert result.notes[0] == "<Gather> was skipped: the phone does not follow it"
    assert result.duration_s >= 4.9
    assert worker.asked[-2].method == "GET"
    assert worker.asked[-2].params["a"] == "1"
    assert worker.about("/more")[0]["CallStatus"] == "in-progress"


@pytest.mark.parametrize(("reason", "status"), [("busy", "busy"), ("rejected", "failed")])
async def test_a_call_that_is_rejected(reason: str, status: str) -> None:
    async with running_worker() as worker:
        worker.documents["/twilio/voice"] = [f"<Response><Reject reason='{reason}'/></Response>"]
        result = await place(worker)
    assert result.ended == Ended("bot", f"rejected: {reason}")
    assert worker.about("/twilio/status")[0]["CallStatus"] == status


@pytest.mark.parametrize(("action", "asked"), [(" action='/twilio/next'", 1), ("", 0)])
async def test_a_call_that_is_passed_on(action: str, asked: int) -> None:
    async with running_worker() as worker:
        worker.documents["/twilio/voice"] = [
            f"<Response><Dial{action}>+15550199</Dial><Hangup/></Response>"
        ]
        worker.documents["/twilio/next"] = ["<Response><Hangup/></Response>"]
        result = await place(worker)
    assert result.verbs == ("Dial", "Hangup")
    assert [params["DialCallStatus"] for params in worker.about("/twilio/next")] == (
        ["completed"] * asked
    )


@pytest.mark.parametrize(
    ("dialled", "expected"),
    [
        (Dialled(for_ms=3_000), {"DialCallStatus": "completed", "DialCallDuration": "3"}),
        (Dialled("busy"), {"DialCallStatus": "busy"}),
        (Dialled("no-answer", 4_000), {"DialCallStatus": "no-answer"}),
        (Dialled("failed", 0), {"DialCallStatus": "failed"}),
    ],
)
async def test_what_becomes_of_a_number(dialled: Dialled, expected: dict[str, str]) -> None:
    async with running_worker() as worker:
        worker.documents["/twilio/voice"] = [
            "<Response><Dial action='/twilio/next'><Number>+15550199</Number></Dial></Response>"
        ]
        config = PhoneConfig(worker.url, TOKEN, speed=50.0, dialled={"+15550199": dialled})
        result = await place_call(config, [])
    (params,) = worker.about("/twilio/next")
    about = {name: params[name] for name in params if name.startswith("DialCall")}
    assert len(about.pop("DialCallSid")) == 34
    assert about == expected
    assert result.duration_s * 1_000 >= dialled.for_ms


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Response(status_code=403), 11200),
        (Response("no", media_type="text/plain"), 12300),
        (Response("<no", media_type="text/xml"), 12100),
    ],
)
async def test_a_webhook_that_is_refused_ends_the_call(answer: Response, code: int) -> None:
    async with running_worker() as worker:
        worker.documents["/twilio/voice"] = [answer]
        result = await place(worker, Play(CLIP))
    assert [fault.code for fault in result.faults] == [code]
    assert result.ended.by == "error"
    assert result.failed
    assert worker.about("/twilio/status")[0]["CallStatus"] == "failed"


async def test_nobody_is_there() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    result = await place_call(PhoneConfig(url, TOKEN), [Play(CLIP)])
    assert {fault.code for fault in result.faults} == {11200}
    assert result.ended.by == "error"
    assert result.turns == ()
    assert result.notes[0].startswith("no texts: the worker's API cannot be reached")


async def test_twiml_without_an_end_has_one() -> None:
    async with running_worker() as worker:
        worker.documents["/twilio/voice"] = [
            "<Response><Redirect>/twilio/voice</Redirect></Response>"
        ]
        result = await place(worker)
    assert result.ended.by == "error"
    assert result.faults[0].message == "more than 100 documents in a call"


async def test_a_call_that_lasts_too_long_is_cut_off() -> None:
    async with running_worker() as worker:
        config = PhoneConfig(worker.url, TOKEN, max_call_s=0.3)
        result = await place_call(config, [Wait(60_000)])
    assert result.ended == Ended("error", "the call lasted longer than 0.3 s")
    assert worker.about("/twilio/status")[0]["CallStatus"] == "completed"


async def test_callbacks_that_fail_are_reported() -> None:
    async with running_worker() as worker:
        worker.documents["/twilio/stream"] = [Response(status_code=500)]
        worker.documents["/twilio/next"] = [Response(status_code=501)]
        result = await place(worker)
    assert sorted(fault.message[-3:] for fault in result.faults) == ["500", "500", "501"]


async def test_a_dead_worker_of_several_is_skipped() -> None:
    async with running_worker() as worker:
        dead = f"http://127.0.0.1:{free_port()}"
        config = PhoneConfig(worker.url, TOKEN, (dead, worker.url), speed=SPEED)
        result = await place_call(config, [Play(CLIP)])
    assert result.faults == ()
    assert len(worker.streams) == 1


@pytest.mark.parametrize(
    ("record", "note"),
    [
        (None, "the worker's API is closed to the phone; set PARLEY_API_KEY"),
        (
            {"history": 3, "ended": {"by": "bot"}, "ended_ms": 1},
            "the worker's record cannot be read",
        ),
    ],
)
async def test_texts_that_cannot_be_had_are_a_note(
    record: dict[str, Any] | None, note: str
) -> None:
    async with running_worker() as worker:
        worker.record = record
        result = await place(worker, Play(CLIP))
    assert note in result.notes[0]
    assert [(turn.role, turn.text) for turn in result.turns] == [("caller", None)]
    assert not result.failed


async def test_nothing_is_left_running() -> None:
    before = len(asyncio.all_tasks())
    async with running_worker() as worker:
        await place(worker, WaitForBot(100), Play(CLIP))
        await place(worker, Play(CLIP))
    assert len(asyncio.all_tasks()) == before
