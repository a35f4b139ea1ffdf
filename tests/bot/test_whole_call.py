"""Whole calls: a real worker in this process, real engines, Redis and sockets, and the phone."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

import bot.demo
import bot.keeping
from bot.dialog import Call, DialogError, Hangup, Interruption, Turn
from bot.phone.call import PhoneConfig, place_call
from bot.phone.clip import Clip, load_clip
from bot.phone.events import EventKind
from bot.phone.result import CallResult
from bot.phone.steps import HangUp, Lose, Press, SpeakOver, Step, Wait, WaitForBot
from bot.settings import Settings
from bot.store import Store
from bot.worker import run_worker
from media.audio import rms_dbfs, ulaw_to_pcm
from media.files import read_wav

pytestmark = pytest.mark.real_time

YES = load_clip(Path(bot.demo.__file__).parent / "yes.ulaw")
TOKEN = "12345"
STORY = "Once upon a time there was a telephone that nobody called. It waited for a while."


class Storyteller:
    """Tells a story, and keeps what it is told."""

    async def greet(self, call: Call) -> str:
        call.state["greeted"] = True
        return STORY

    async def on_turn(self, call: Call, turn: Turn) -> str:
        return "As you like."

    async def on_dtmf(self, call: Call, digits: str) -> list[object]:
        return [f"You pressed {digits}. Goodbye.", Hangup("key")]

    async def on_interrupted(self, call: Call, interruption: Interruption) -> None:
        call.state["heard"] = interruption.heard


@asynccontextmanager
async def worker(tmp_path: Path, **values: Any) -> AsyncIterator[PhoneConfig]:
    """A worker in this process, which is stopped by SIGTERM."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = Settings.model_validate(
            {
                "dev": True,
                "public_url": url,
                "state_dir": tmp_path / "state",
                "twilio_auth_token": TOKEN,
                "dialog": f"{__name__}:Storyteller",
                "pocketsphinx_processes": 1,
                "drain_s": 0.5,
                **values,
            }
        )
        before = asyncio.all_tasks()
        ready = asyncio.Event()
        running = asyncio.create_task(
            run_worker(settings, listener=listener, on_ready=ready.set), name="worker"
        )
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait([running, waiting], timeout=30, return_when="FIRST_COMPLETED")
        waiting.cancel()
        try:
            # What comes next is to be stored: here, whatever else this machine does.
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(bot.keeping, "COMMIT_DEADLINE_S", 10)
                yield PhoneConfig(url, TOKEN, max_call_s=40)
        finally:
            if not running.done():
                os.kill(os.getpid(), signal.SIGTERM)
            async with asyncio.timeout(20):
                await running
        await asyncio.wait([waiting])
        assert asyncio.all_tasks() == before, "the worker left tasks behind"


def hear(ms: int) -> SpeakOver:
    """Listen to the bot for so long."""
    return SpeakOver(Clip("silence", b"\xff" * 160), after_ms=ms)


async def talk(phone: PhoneConfig, *steps: Step) -> CallResult:
    result = await place_call(phone, [*steps, HangUp()])
    assert result.faults == ()
    assert result.steps_left == 0 or result.ended.by == "bot"
    return result


def record_of(result: CallResult) -> dict[str, Any]:
    assert result.record is not None
    return dict(result.record)


@dataclass(frozen=True, slots=True)
class Calls:
    """Three calls at the same time, and what their worker showed afterwards, by path."""

    interrupted: CallResult
    keyed: CallResult
    lost: CallResult
    shown: dict[str, httpx.Response]
    folder: Path


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Calls:
    """At the same time, as they mostly wait."""
    return asyncio.run(make_calls(tmp_path_factory.mktemp("calls")))


async def make_calls(folder: Path) -> Calls:
    async with worker(folder, recordings=folder, pocketsphinx_processes=3) as phone:
        interrupted, keyed, lost = await asyncio.gather(
            talk(phone, SpeakOver(YES, after_ms=1500), WaitForBot()),
            talk(phone, hear(500), Press("5"), WaitForBot()),
            talk(phone, hear(1000), Lose("reset"), WaitForBot()),
        )
        about = f"/api/calls/{interrupted.call_sid}"
        paths = ("/health", "/ready", "/metrics", about, "/api/calls", "/api/calls/CA1")
        async with httpx.AsyncClient(base_url=phone.public_url) as client:
            shown = {path: await client.get(path) for path in paths}
    return Calls(interrupted, keyed, lost, shown, folder)


def test_a_barge_in_from_end_to_end(calls: Calls) -> None:
    result = calls.interrupted
    # What the caller heard: speech before the barge-in, silence after it, speech again.
    (clear,) = result.tape.clears
    (barge_in_ms,) = result.latencies.barge_in
    assert barge_in_ms < 500 + max(result.traffic.late_ms)
    played = ulaw_to_pcm(bytes(result.tape.bot))
    cut = round(clear.at_ms * 8)
    assert rms_dbfs(played[cut - 8000 : cut - 400]) > -35
    assert rms_dbfs(played[cut + 160 : cut + 2400]) < -60
    assert is_speech(played[cut - 10_000 : cut - 400])
    assert result.traffic.marks_echoed == result.traffic.marks_sent > 3

    # What the worker kept of it.
    record = record_of(result)
    story, said, answer = record["history"]
    assert story["text"] == STORY
    assert story["interrupted"]
    assert STORY.startswith(story["heard"])
    assert 3 <= len(story["heard"].split()) <= 11
    assert record["state"] == {"greeted": True, "heard": story["heard"]}
    assert (said["role"], answer["text"], answer["heard"]) == (
        "caller", "As you like.", "As you like.",
    )  # fmt: skip
    assert record["ended"] == {"by": "caller", "reason": "hung up"}
    assert record["status"] == "completed"
    assert record["counters"]["clears"] == 1
    assert record["providers"]["tts"] == "espeak"
    path = calls.folder / f"{result.call_sid}-1.wav"
    recording = read_wav(path.read_bytes())
    assert record["recordings"] == [str(path)]
    assert len(recording.samples) == pytest.approx(len(result.tape.caller), abs=8000)


def test_what_a_worker_shows_of_its_calls(calls: Calls) -> None:
    sids = {each.call_sid for each in (calls.interrupted, calls.keyed, calls.lost)}
    assert calls.shown["/health"].json() == {
        "status": "ok",
        "calls": 0,
        "sessions": 0,
        "providers": {"stt": {"pocketsphinx": "well"}, "tts": {"espeak": "well"}},
    }
    assert calls.shown["/ready"].status_code == 200
    metrics = calls.shown["/metrics"].text
    assert 'parley_calls_total{by="caller"} 2.0' in metrics
    assert 'parley_calls_total{by="bot"} 1.0' in metrics
    shown = calls.shown[f"/api/calls/{calls.interrupted.call_sid}"].json()
    assert shown["history"] == record_of(calls.interrupted)["history"]
    assert {"mark", "status"} <= {event["kind"] for event in shown["log"]}
    listed = calls.shown["/api/calls"].json()["calls"]
    assert (len(listed), {call["sid"] for call in listed}) == (3, sids)
    missing = calls.shown["/api/calls/CA1"]
    assert (missing.status_code, missing.json()) == (404, {"error": "no such call"})


def test_keys_and_a_hang_up_by_the_bot(calls: Calls) -> None:
    result = calls.keyed
    assert len(result.tape.clears) == 1
    assert (result.ended.by, result.verbs[-1]) == ("bot", "Hangup")
    record = record_of(result)
    assert record["ended"] == {"by": "bot", "reason": "key"}
    assert record["history"][-1]["heard"] == "You pressed 5. Goodbye."


def test_a_lost_stream_goes_on_where_it_broke_off(calls: Calls) -> None:
    result = calls.lost
    assert result.traffic.streams == 2
    first, again = record_of(result)["history"]
    assert STORY.startswith(first["heard"])
    assert 0 < len(first["heard"]) < len(STORY) * 0.7
    # From the first sentence that was not wholly heard.
    assert again["heard"] == STORY
    assert again["start_ms"] >= first["end_ms"]


async def test_a_worker_that_stops_in_a_call_keeps_its_record(
    tmp_path: Path, redis_url: str, redis_prefix: str
) -> None:
    heard = asyncio.Event()
    async with worker(tmp_path, redis_url=redis_url, redis_prefix=redis_prefix) as phone:
        calling = asyncio.create_task(
            place_call(
                phone,
                [Wait(20_000)],
                on_event=lambda event: heard.set() if event.kind is EventKind.MARK else None,
            )
        )
        async with asyncio.timeout(10):
            await heard.wait()
    result = await asyncio.wait_for(calling, 20)
    store = Store(redis_url, prefix=redis_prefix, deadline_s=10)
    record = await store.load(result.call_sid)
    await store.aclose()
    assert record is not None
    assert STORY.startswith(record.history[0].heard)
    assert record.history[0].heard


async def test_a_dialog_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(DialogError, match="no_such"):
        async with worker(tmp_path, dialog="no_such:bot"):
            pass


def is_speech(samples: np.ndarray[Any, np.dtype[np.int16]]) -> bool:
    """Whether most of the power is where voices have it, and it is no tone."""
    power = np.abs(np.fft.rfft(samples.astype(float))) ** 2
    hz = np.fft.rfftfreq(len(samples), 1 / 8000)
    voiced = power[(hz > 80) & (hz < 3600)].sum() / power.sum()
    return bool(voiced > 0.9 and power.max() / power.sum() < 0.3)
