"""Twilio dials: what is asked of the bot, what it is told, and what the ledger says."""

from __future__ import annotations

from dataclasses import replace
from email.utils import parsedate_to_datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from twilio.base.exceptions import TwilioRestException

from bot.phone.clip import Clip
from bot.phone.steps import HangUp, Press, Wait
from media.files import read_audio
from tests.bot.phone.sounds import tone
from tests.bot.phone.worker_stub import TOKEN, StubStream, StubWorker
from tests.bot.process_facts import happens

from .calling import PERSON, Scene, calling
from .meddling import Meddling
from .mischief import Kind
from .people import Does, Person, machine, usual
from .running import ACCOUNT, OURS

pytestmark = [
    # So the official client's asynchronous transport does.
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The 'auth' parameter is deprecated:DeprecationWarning"),
]

TALKER = Person(steps=(Wait(200), Press("12"), HangUp()), ring_ms=500)
LIGHT = Person(light=True, light_ms=1_000, ring_ms=500)
NEVER = Person(light=True, light_ms=3_600_000, ring_ms=0)
RINGING = Person("no_answer")
EVERYTHING = {
    "method": "POST",
    "timeout": 30,
    "time_limit": 600,
    "record": True,
    "recording_channels": "dual",
    "recording_track": "both",
    "trim": "do-not-trim",
    "machine_detection": "DetectMessageEnd",
    "machine_detection_timeout": 40,
    "machine_detection_speech_threshold": 2500,
    "machine_detection_speech_end_threshold": 1500,
    "machine_detection_silence_timeout": 6000,
    "async_amd": "true",
    "async_amd_status_callback_method": "POST",
    "recording_status_callback_method": "POST",
    "recording_status_callback_event": ["completed"],
    "status_callback_method": "POST",
    "caller_id": OURS,
    "call_reason": "an appointment",
}


async def test_a_call_goes_from_the_queue_through_a_conversation_to_its_end() -> None:
    async with calling(TALKER) as scene:
        sid = await scene.create()
        (entry,) = await scene.over(sid)
        fetched = await scene.client.calls(sid).fetch_async()
    (voice,) = scene.worker.about("/twilio/voice")
    assert (voice["CallStatus"], voice["attempt"]) == ("in-progress", "a1")
    for asked in scene.worker.asked:
        assert asked.signed
        if asked.path != "/twilio/stream":
            assert asked.params["Direction"] == "outbound-api"
            assert (asked.params["From"], asked.params["To"]) == (OURS, PERSON)
    told = {"/twilio/voice", "/twilio/status", "/twilio/stream", "/twilio/next"}
    assert set(scene.worker.paths()) == told
    assert scene.statuses == [
        ("0", "initiated"),
        ("1", "ringing"),
        ("2", "in-progress"),
        ("3", "completed"),
    ]
    *_, last = scene.worker.about("/twilio/status")
    assert (last["attempt"], last["SipResponseCode"]) == ("a1", "200")
    assert parsedate_to_datetime(last["Timestamp"]).tzinfo is not None
    (stream,) = scene.worker.streams
    assert [message["dtmf"]["digit"] for message in stream.of("dtmf")] == ["1", "2"]
    assert (entry.attempt, entry.person, entry.asked, entry.faults) == ("a1", "answers", 1, [])
    assert entry.heard
    assert fetched.status == entry.as_json()["status"] == "completed"
    assert fetched.duration == last["CallDuration"] == str(entry.call.duration_s)


async def test_everything_may_be_asked_for() -> None:
    async with calling(TALKER) as scene:
        for name in ("async_amd_status_callback", "recording_status_callback"):
            EVERYTHING[name] = f"{scene.worker.url}/{name}"
        entry = await scene.call(**EVERYTHING)
        (made,) = scene.standin.account.recordings[entry.call.sid]
        recording = await scene.client.calls(entry.call.sid).recordings(made.sid).fetch_async()
    assert (recording.status, recording.channels) == ("completed", 2)
    (told,) = scene.worker.about("/recording_status_callback")
    assert told["RecordingSid"] == recording.sid
    assert (told["RecordingStatus"], told["RecordingSource"]) == ("completed", "OutboundAPI")
    *_, last = scene.worker.about("/twilio/status")
    assert last["RecordingSid"] == recording.sid
    # They hung up before anybody could know what they are, unless the machine was too slow for it.
    verdicts = scene.worker.about("/async_amd_status_callback")
    assert verdicts == [] or (entry.call.duration_s or 0) >= 3


@pytest.mark.parametrize(
    ("person", "statuses"),
    [
        (LIGHT, ["initiated", "ringing", "in-progress", "completed"]),
        (usual("hangs_up"), ["initiated", "ringing", "in-progress", "completed"]),
        (Person("busy"), ["initiated", "busy"]),
        (Person("failed"), ["initiated", "failed"]),
        (RINGING, ["initiated", "ringing", "no-answer"]),
        (Person(ring_ms=6_000), ["initiated", "ringing", "no-answer"]),
    ],
)
async def test_people_do_what_people_do(person: Person, statuses: list[str]) -> None:
    async with calling(person) as scene:
        entry = await scene.call(timeout=5)
    assert scene.statuses == [(str(number), status) for number, status in enumerate(statuses)]
    assert entry.call.status == statuses[-1]
    assert entry.asked == ("in-progress" in statuses)


async def test_only_what_was_asked_for_is_told() -> None:
    async with calling(LIGHT) as scene:
        await scene.call(status_callback_event=["answered"])
        order = scene.order()
        del order["status_callback_event"]
        await scene.over((await scene.client.calls.create_async(**order)).sid)
    assert scene.statuses == [("0", "in-progress"), ("0", "completed")]


async def test_the_queue_lets_one_call_go_after_the_other() -> None:
    async with calling(LIGHT, per_second=20) as scene:
        sids = [await scene.create(f"a{number}") for number in range(4)]
        waits = [scene.dialling.ledger[sid].call.queue_time_ms for sid in sids]
        entries = await scene.over(*sids)
    began = [entry.told[0][1] for entry in entries]
    assert all(later - earlier > 0.045 for earlier, later in pairwise(began))
    assert waits == sorted(waits)
    assert waits[-1] >= 100


async def test_a_call_is_canceled_while_it_waits_or_rings_and_hung_up_later() -> None:
    async with calling(RINGING, NEVER, per_second=0.001) as scene:
        ringing, queued = await scene.create("r"), await scene.create("q")
        calls = scene.client.calls
        await told(scene.worker, "ringing")
        assert (await calls(ringing).update_async(status="canceled")).status == "canceled"
        assert (await calls(queued).update_async(status="canceled")).status == "canceled"
        entries = await scene.over(ringing, queued)
        with pytest.raises(TwilioRestException) as refused:
            await calls(queued).update_async(status="completed")
        assert refused.value.code == 21220
        (listed,) = await calls.list_async(to=PERSON, from_=OURS, limit=1)
        assert listed.sid == queued
    assert [entry.told[-1][0] for entry in entries] == ["canceled", "canceled"]
    assert scene.worker.about("/twilio/voice") == []


async def told(worker: StubWorker, status: str) -> None:
    """Wait for a status callback."""
    about = worker.about
    assert await happens(
        lambda: any(params["CallStatus"] == status for params in about("/twilio/status")), 5
    )


async def test_a_call_in_progress_is_hung_up() -> None:
    async with calling(NEVER) as scene:
        sid = await scene.create()
        await told(scene.worker, "in-progress")
        there = scene.client.calls(sid)
        assert (await there.update_async(status="canceled")).status == "in-progress"
        assert (await there.update_async(status="completed")).status == "completed"
        await scene.over(sid)
        shorter = await scene.call(time_limit=10)
    assert shorter.call.duration_s == 10


@pytest.mark.parametrize(
    ("does", "detection", "answered_by"),
    [
        ("answers", "Enable", "human"),
        ("machine", "Enable", "machine_start"),
        ("machine", "DetectMessageEnd", "machine_end_beep"),
        ("fax", "Enable", "fax"),
    ],
)
@pytest.mark.parametrize("asynchronous", [False, True])
async def test_machines_are_detected(
    does: Does, detection: str, answered_by: str, asynchronous: bool
) -> None:
    more: dict[str, Any] = {"machine_detection": detection}
    person = usual(does)
    if does == "answers":
        person = Person(steps=(Wait(6_000), HangUp()), verdict_ms=2_000)
    elif does == "machine":
        person = machine([Clip("greeting", tone(2_600))])
    person = replace(person, ring_ms=0)
    async with calling(person) as scene:
        if asynchronous:
            more |= {
                "async_amd": "true",
                "async_amd_status_callback": f"{scene.worker.url}/twilio/amd?attempt=a1",
            }
        sid = await scene.create(**more, time_limit=5)
        (entry,) = await scene.over(sid)
        shown = (await scene.client.calls(sid).fetch_async()).answered_by
    verdict = scene.worker.about("/twilio/amd")
    (voice,) = scene.worker.about("/twilio/voice")
    where = verdict[0] if asynchronous else voice
    assert (where["AnsweredBy"], where["CallSid"]) == (answered_by, sid)
    assert int(where["MachineDetectionDuration"]) > 1_000
    assert ("AnsweredBy" in voice, len(verdict)) == ((False, 1) if asynchronous else (True, 0))
    assert shown == {"answers": "human", "fax": None}.get(does, "machine")
    assert scene.worker.about("/twilio/status")[-1]["AnsweredBy"] == answered_by
    assert entry.call.answered_by == answered_by


@pytest.mark.parametrize("detection", [None, "DetectMessageEnd"])
async def test_what_is_left_on_a_machine_is_kept(detection: str | None, tmp_path: Path) -> None:
    message = tone(600)

    async def leave(stream: StubStream) -> None:
        # Without Twilio's word for it, the bot would have to hear the beep itself.
        await stream.frames(0 if detection else 60)
        await stream.media(message)
        await stream.mark("said")
        await stream.until("mark")

    async with calling(machine(greeting=[]), speed=5, folder=tmp_path) as scene:
        scene.worker.talk = [leave]
        more = {} if detection is None else {"machine_detection": detection}
        entry = await scene.call(**more)
    assert entry.message == message.strip(b"\xff\x7f")
    assert entry.as_json()["message_ms"] == len(entry.message) // 8
    assert sound_ms(tmp_path / f"{entry.call.sid}.wav") > entry.as_json()["message_ms"]


def sound_ms(path: Path) -> int:
    """How long a file sounds."""
    return read_audio(path.read_bytes(), path.name).size // 8


@pytest.mark.parametrize(("code", "word"), [(21214, "reached"), (21211, "Invalid")])
async def test_some_numbers_are_not_called(code: int, word: str) -> None:
    async with calling(Person("unreachable", code=code)) as scene:
        with pytest.raises(TwilioRestException, match=word) as refused:
            await scene.create()
        assert (refused.value.status, refused.value.code) == (400, code)
        scene.standin.account.own("+15550200000")
        with pytest.raises(TwilioRestException) as foreign:
            await scene.create()
        assert foreign.value.code == 21210
        assert scene.dialling.ledger == {}


async def test_a_list_may_lag() -> None:
    async with calling(RINGING) as scene:
        sid = await scene.create()
        async with httpx.AsyncClient(base_url=scene.url, trust_env=False) as shell:
            await shell.post("/standin/pace", json={"list_lag_s": 60, "per_second": 5})
            assert await scene.client.calls.list_async(to=PERSON) == []
            assert (await scene.client.calls(sid).fetch_async()).sid == sid
            (entry,) = (await shell.get("/standin/ledger")).json()
    assert (entry["sid"], entry["status"]) == (sid, "ringing")
    assert scene.dialling.per_second == 5


@pytest.mark.parametrize("kind", ["lost", "failed_after", "cut"])
async def test_a_call_is_made_although_nobody_is_told_so(kind: Kind) -> None:
    async with calling(LIGHT) as scene:
        scene.standin.misbehave(kind, only="POST", chance=0.5, seed=2)
        answers = [await ask(scene, attempt) for attempt in "abcd"]
        entries = await scene.over(*scene.dialling.ledger)
    assert [entry.attempt for entry in entries] == [*"abcd"]
    assert {entry.call.status for entry in entries} == {"completed"}
    assert 201 in answers
    assert answers.count(500 if kind == "failed_after" else None) == 1


async def ask(scene: Scene, attempt: str) -> int | None:
    """Have the person called; the status of the answer, None without one."""
    url = f"{scene.worker.url}/twilio/voice?attempt={attempt}"
    async with httpx.AsyncClient(
        base_url=scene.url, auth=(ACCOUNT, TOKEN), trust_env=False, timeout=1.0
    ) as client:
        form = {"To": PERSON, "From": OURS, "Url": url}
        try:
            answer = await client.post(f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json", data=form)
        except httpx.HTTPError:
            return None
        return answer.status_code


async def test_callbacks_are_meddled_with() -> None:
    with_all = Meddling(delayed=0.3, doubled=1.0, reordered=0.5, delay_s=0.2, seed=3)
    async with calling(LIGHT, meddling=with_all) as scene:
        await scene.call()
    numbers = [number for number, _ in scene.statuses]
    assert sorted(numbers) == ["0", "0", "1", "1", "2", "2", "3", "3"]
    assert numbers != sorted(numbers)
    async with calling(LIGHT, meddling=Meddling(dropped=1.0)) as scene:
        entry = await scene.call()
    assert scene.statuses == []
    assert [fate for *_, fate in entry.told] == ["dropped"] * 4


async def test_a_bot_that_fails_is_noted() -> None:
    async with calling(LIGHT, TALKER) as scene:
        scene.worker.documents["/twilio/voice"] = ["<Response", "<Response><Hangup/></Response>"]
        light = await scene.call()
        talk = await scene.call(url="http://elsewhere.example.com/voice")
    assert [fault[:5] for fault in (*light.faults, *talk.faults)] == ["12100", "11200"]
    assert talk.call.status == "completed"
    assert (light.heard, talk.heard) == (False, False)
