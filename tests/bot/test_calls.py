from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import bot.calls
import bot.ends
import bot.places
from bot.dialog import Call, Ended, Hangup, SendDigits, SetLanguage, Transfer
from bot.dialog.hook import Dialog
from bot.inbox import Command, CommandFailed
from bot.numbers import BotSettings
from bot.record import Record
from bot.store import StoreUnavailable
from media.messages import Start
from providers import catalog
from providers.errors import UnavailableError
from tests.background import running, until
from tests.bot.engines import Recognizer
from tests.bot.live_calls import ACCOUNT, SID, Bot, Worker, heard, working
from tests.bot.sessions import STREAM, Telephone

BOT = BotSettings(
    dialog="echo",
    language="en-US",
    voice=None,
    stt_provider="pocketsphinx",
    tts_provider="espeak",
    fallback_number=None,
)


@pytest.fixture
def hook() -> Bot:
    return Bot("Hello.")


@pytest.fixture
def url(redis_url: str) -> str:
    return redis_url


@pytest.fixture
def more() -> dict[str, Any]:
    return {}


@pytest.fixture
async def worker(
    url: str,
    redis_prefix: str,
    tmp_path: Path,
    hook: Bot,
    more: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Worker]:
    monkeypatch.setitem(catalog.STT, "pocketsphinx", "tests.bot.engines:Recognizer")
    monkeypatch.setitem(catalog.TTS, "espeak", "tests.bot.engines:Tones")
    monkeypatch.setattr(bot.ends, "RETURN_DEADLINE_S", 0.2)
    monkeypatch.setattr(bot.calls, "SWEEP_S", 0.05)
    async with working(url, redis_prefix, tmp_path, hook, **more) as made:
        yield made


@pytest.fixture
async def sweeping(worker: Worker) -> AsyncIterator[None]:
    """The task that ends calls nobody comes back for."""
    async with running(worker.calls.run()):
        yield


def recognizer_of(worker: Worker) -> Recognizer:
    """What the worker's recognizer is, behind the meter."""
    metered: Any = worker.calls._makes._engines._stt["pocketsphinx"].candidates[0].provider
    assert isinstance(metered.provider, Recognizer)
    return metered.provider


async def test_a_call_and_its_record(worker: Worker) -> None:
    record = await worker.take(1)
    async with worker.stream(record) as phone:
        assert worker.calls.active == 1
        assert worker.calls.holds(SID)
        assert (worker.calls.latest(SID), worker.calls.latest("CA1")) == (1, None)
        assert worker.sample("parley_calls_active") == 1
        await until(lambda: record.history[-1:] and record.history[-1].heard == "Hello.")
        assert phone.speech_ms > 200
    assert worker.calls.active == 0
    stored = await worker.stored()
    assert stored.status == "in-progress"
    assert stored.answered_ms is not None
    assert stored.worker == "worker-1"
    assert stored.stream_sid == STREAM
    assert stored.providers == {"stt": "pocketsphinx", "tts": "espeak", "vad": "level"}
    assert stored.history[0].heard == "Hello."
    assert stored.counters["frames_in"] > 0
    assert stored.ended is None


async def test_the_end_is_told_once(worker: Worker, hook: Bot) -> None:
    async with worker.stream(await worker.take(1)):
        await worker.said("Hello.")
    ended = Ended("caller", "hung up")
    await asyncio.gather(worker.calls.end(SID, ended), worker.calls.end(SID, ended))
    await worker.calls.end(SID, Ended("twilio", "completed"))
    assert hook.ends == [(["Hello."], ended)]
    stored = await worker.stored()
    assert (stored.ended, stored.status) == (ended, "completed")
    assert stored.ended_ms is not None
    assert not worker.calls.holds(SID)
    assert worker.sample("parley_calls_total", by="caller") == 1


async def test_twilios_word_for_a_failed_call_is_kept(worker: Worker) -> None:
    async with worker.stream(await worker.take(1)):
        pass
    await worker.calls.end(SID, Ended("error", "failed"))
    assert (await worker.stored()).status == "failed"


async def test_an_end_that_comes_before_the_streams_waits_for_it(worker: Worker, hook: Bot) -> None:
    """Twilio's callback overtakes the socket: what was heard is settled all the same."""
    async with worker.stream(await worker.take(1)) as phone:
        await heard(phone)
        await worker.calls.end(SID, Ended("caller", "hung up"))
        assert phone.closed == 1000
    ((words, _),) = hook.ends
    assert words
    assert words != [""]
    assert (await worker.stored()).ended == Ended("caller", "hung up")


@pytest.mark.usefixtures("sweeping")
async def test_a_call_that_does_not_come_back_has_ended(worker: Worker, hook: Bot) -> None:
    async with worker.stream(await worker.take(1)):
        pass
    await until(lambda: bool(hook.ends))
    assert hook.ends[0][1] == Ended("caller", "hung up")
    await until(lambda: not worker.calls.holds(SID))


@pytest.mark.usefixtures("sweeping")
async def test_a_stream_that_was_lost(worker: Worker, hook: Bot) -> None:
    async with worker.stream(await worker.take(1)) as phone:
        phone.drop()
    await until(lambda: bool(hook.ends))
    assert hook.ends[0][1].by == "unknown"


class TestHangup:
    @pytest.fixture
    def hook(self) -> Bot:
        return Bot(Hangup("done"))

    @pytest.mark.usefixtures("sweeping")
    async def test_the_bot_has_hung_up(self, worker: Worker, hook: Bot) -> None:
        async with worker.stream(await worker.take(1)) as phone:
            await until(lambda: phone.closed is not None)
            stored = await worker.stored()
            assert stored.pending == {"action": "hangup", "reason": "done"}
        await until(lambda: bool(hook.ends))
        assert hook.ends[0][1] == Ended("bot", "done")


class TestTransfer:
    @pytest.fixture
    def hook(self) -> Bot:
        return Bot(Transfer("+15550000000"))

    @pytest.mark.usefixtures("sweeping")
    async def test_a_transferred_call_has_not_ended(self, worker: Worker, hook: Bot) -> None:
        async with worker.stream(await worker.take(1)) as phone:
            await until(lambda: phone.closed is not None)
        await until(lambda: not worker.calls.holds(SID))
        assert hook.ends == []
        # Whoever hears of the end tells the dialog, a new one.
        assert await worker.store.flush(5)
        await worker.calls.end(SID, Ended("bot", "transferred"))
        assert [ended for _, ended in hook.ends] == [Ended("bot", "transferred")]


async def test_a_call_that_twilio_asked_about_is_let_go(worker: Worker, hook: Bot) -> None:
    async with worker.stream(await worker.take(1)):
        pass
    worker.calls.came_back(SID)
    async with running(worker.calls.run()):
        await until(lambda: not worker.calls.holds(SID))
    assert hook.ends == []
    worker.calls.came_back(SID)


async def test_a_call_that_went_to_another_worker_is_let_go(worker: Worker, hook: Bot) -> None:
    async with worker.stream(await worker.take(1)):
        pass
    await worker.stored()
    await worker.store.take(SID, "worker-2", 2)
    async with running(worker.calls.run()):
        await until(lambda: not worker.calls.holds(SID))
    assert hook.ends == []


async def test_a_call_that_was_transferred_elsewhere_meanwhile_has_not_ended(
    worker: Worker, hook: Bot
) -> None:
    """By the API, say, of another worker, while we were frozen."""
    async with worker.stream(await worker.take(1)):
        pass
    record = await worker.stored()
    record.pending = {"action": "transfer", "to": "+15551234567", "caller_id": None}
    await worker.store.commit(record)
    async with running(worker.calls.run()):
        await until(lambda: not worker.calls.holds(SID))
    assert hook.ends == []
    assert (await worker.stored()).ended is None


async def test_a_call_goes_on_in_a_second_stream(worker: Worker, hook: Bot) -> None:
    async with worker.stream(await worker.take(1)) as phone:
        await worker.said("Hello.")
        phone.drop()
    first = await worker.stored()
    async with worker.stream(await worker.take(2)):
        await worker.said("Hello.", "Again.")
    stored = await worker.stored()
    assert hook.resumed == [""]
    assert [entry.heard for entry in stored.history] == ["Hello.", "Again."]
    # Counted from the first stream's beginning.
    assert stored.history[1].start_ms >= stored.history[0].end_ms
    assert stored.counters["frames_in"] > first.counters["frames_in"]
    assert worker.sample("parley_frames_total", direction="in") == stored.counters["frames_in"]


async def test_a_call_whose_stream_was_lost_before_a_word_is_greeted_again(
    worker: Worker, hook: Bot
) -> None:
    hook.greeting, greeting = [], hook.greeting
    async with worker.stream(await worker.take(1)) as phone:
        phone.drop()
    hook.greeting = greeting
    record = await worker.take(2)
    async with worker.stream(record):
        await worker.said("Hello.")
    assert hook.resumed == []
    assert [entry.heard for entry in (await worker.stored()).history] == ["Hello."]


async def test_a_call_that_was_moved_before_a_word_is_greeted(
    worker: Worker, hook: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def greet(call: Call) -> None:
        begun.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        patch.setattr(hook, "greet", greet)
        async with worker.stream(await worker.take(1)) as phone:
            await begun.wait()
            await worker.calls.move()
            assert phone.closed == 1000
    assert (await worker.stored()).pending == {"action": "move"}
    # As another worker has it.
    worker.calls.superseded(SID, 1)
    async with worker.stream(await worker.take(2)):
        await worker.said("Hello.")
    assert hook.resumed == []


class TestDigits:
    @pytest.fixture
    def hook(self) -> Bot:
        return Bot(SendDigits("1"))

    async def test_a_call_is_not_greeted_again_after_its_digits(
        self, worker: Worker, hook: Bot
    ) -> None:
        async with worker.stream(await worker.take(1)) as phone:
            await until(lambda: phone.closed is not None)
        async with worker.stream(await worker.take(2)):
            await worker.said("Again.")
        assert hook.resumed == [""]
        assert (await worker.stored()).pending is None


class TestFailedTransfer:
    @pytest.fixture
    def hook(self) -> Bot:
        return Bot(Transfer("+15559990000"))

    async def test_the_dialog_is_told_why_it_has_the_caller_back(self, worker: Worker) -> None:
        async with worker.stream(await worker.take(1)) as phone:
            await until(lambda: phone.closed is not None)
        async with worker.stream(await worker.take(2), dial_status="busy"):
            await worker.said("Again.")
            call = worker.calls._live[SID].call
            assert (call.parameters, call.gap) == ({"dial_status": "busy"}, None)
        async with worker.stream(await worker.take(3)):
            await worker.said("Again.", "Again.")
            assert worker.calls._live[SID].call.parameters == {}


class TestCommands:
    async def test_a_call_is_hung_up_in_mid_sentence(self, worker: Worker) -> None:
        async with worker.stream(await worker.take(1)) as phone:
            await heard(phone)
            await worker.calls.command(Command("hangup", SID, reason="api"))
            await until(lambda: phone.closed is not None)
        assert (await worker.stored()).pending == {"action": "hangup", "reason": "api"}

    async def test_what_answered_is_kept(self, worker: Worker) -> None:
        async with worker.stream(await worker.take(1)):
            await worker.calls.command(Command("amd", SID, answered_by="human"))
        assert (await worker.stored()).answered_by == "human"

    async def test_a_call_without_a_stream_here_takes_none(self, worker: Worker) -> None:
        with pytest.raises(LookupError):
            await worker.calls.command(Command("hangup", SID))
        async with worker.stream(await worker.take(1)):
            pass
        with pytest.raises(LookupError):
            await worker.calls.command(Command("hangup", SID))

    async def test_a_call_that_goes_on_elsewhere_takes_none(self, worker: Worker) -> None:
        async with worker.stream(await worker.take(1)) as phone:
            await worker.store.take(SID, "worker-2", 2)
            with pytest.raises(LookupError):
                await worker.calls.command(Command("hangup", SID))
            await until(lambda: phone.closed is not None)

    async def test_what_can_be_neither_stored_nor_done_is_tried_in_vain(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def commit(record: Record, deadline_s: float) -> None:
            raise StoreUnavailable

        monkeypatch.setattr(worker.store, "commit", commit)
        async with worker.stream(await worker.take(1)) as phone:
            with pytest.raises(CommandFailed):
                await worker.calls.command(Command("hangup", SID))
            assert phone.closed is None
        assert (await worker.stored()).pending is None


async def test_a_place_is_kept_for_a_stream_until_it_comes_or_is_late(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.calls.expect(SID, BOT)
    worker.calls.expect(SID, BOT)
    assert worker.calls.active == 1
    async with worker.stream(await worker.take(1)):
        assert worker.calls.active == 1
    assert worker.calls.active == 0
    monkeypatch.setattr(bot.places, "EXPECT_S", 0.0)
    worker.calls.expect("CA1", BOT)
    assert worker.calls.active == 0


async def test_no_place_is_kept_for_a_call_that_has_ended(worker: Worker) -> None:
    worker.calls.expect(SID, BOT)
    await worker.calls.end(SID, Ended("caller", "hung up"))
    assert worker.calls.active == 0


async def test_a_worker_takes_what_its_limit_and_its_recognizer_take(worker: Worker) -> None:
    calls, recognizer = worker.calls, recognizer_of(worker)
    assert calls.capacity == 10
    recognizer.capacity = 2
    assert calls.capacity == 2
    recognizer.capacity = 20
    assert calls.capacity == 10
    calls.draining = True
    assert calls.capacity == 0


async def test_what_a_campaign_has_dialled_is_told_from_other_calls(worker: Worker) -> None:
    calls = worker.calls
    calls.expect(SID, BOT, dialled=True)
    calls.expect("CA1", BOT)
    assert (calls.active, calls.beside_campaigns) == (2, 1)
    record = await worker.take(1)
    record.direction, record.attempt = "outbound", "0123456789abcdef0123"
    async with worker.stream(record):
        assert (calls.active, calls.beside_campaigns) == (2, 1)
    assert (calls.active, calls.beside_campaigns) == (1, 1)


async def test_a_recognizer_is_full_with_the_calls_that_it_hears(worker: Worker) -> None:
    calls = worker.calls
    recognizer = recognizer_of(worker)
    assert not calls.recognizer_full(BOT)
    recognizer.capacity = 2
    # Those of another recognizer take no place at this one.
    calls._places._expected["CA1"] = (math.inf, "another")
    calls.expect(SID, BOT)
    assert not calls.recognizer_full(BOT)
    async with worker.stream(await worker.take(1)):
        assert not calls.recognizer_full(BOT)
        calls.expect("CA2", BOT)
        assert calls.recognizer_full(BOT)
    assert not calls.recognizer_full(BOT)


async def test_sessions_and_calls_share_recognizers(worker: Worker) -> None:
    calls = worker.calls
    recognizer_of(worker).capacity = 3
    sessions = Counter({"pocketsphinx": 1, "another": 9})
    calls._places._sessions = lambda: sessions
    assert calls.capacity == 2
    calls.expect(SID, BOT)
    assert calls.recognizing == {"pocketsphinx": 1}
    assert not calls.recognizer_full(BOT)
    sessions["pocketsphinx"] = 2
    assert calls.recognizer_full(BOT)
    assert calls.capacity == 1
    sessions["pocketsphinx"] = 3
    assert calls.capacity == 0


class TestLanguage:
    @pytest.fixture
    def hook(self) -> Bot:
        return Bot(SetLanguage("fr-FR", "claire"), "Bonjour.")

    async def test_a_second_stream_speaks_the_language_that_was_set(self, worker: Worker) -> None:
        async with worker.stream(await worker.take(1)):
            await worker.said("Bonjour.")
        assert (await worker.stored()).language == "fr-FR"
        async with worker.stream(await worker.take(2)):
            await worker.said("Bonjour.", "Again.")
        engines = worker.calls._makes._engines
        bot = worker.calls._makes._settings.bot_for("")
        metered: Any = engines.tts(bot).candidates[0].provider
        tts = metered.provider
        spoken = [(text, how.language, how.voice) for text, how in tts.spoken]
        assert ("Again.", "fr-FR", "claire") in spoken


async def test_a_newer_stream_on_this_worker_ends_the_older(worker: Worker, hook: Bot) -> None:
    async with worker.stream(await worker.take(1)) as old:
        await heard(old)
        async with worker.stream(await worker.take(2)) as new:
            await heard(new)
            assert old.closed == 1000
            assert new.closed is None
            assert worker.calls.active == 1
    assert worker.calls.active == 0
    assert worker.sample("parley_calls_active") == 0
    assert hook.ends == []


async def test_a_much_newer_stream_ends_the_older_too(worker: Worker) -> None:
    """In between another worker had the call."""
    async with worker.stream(await worker.take(1)) as old:
        await worker.store.take(SID, "worker-2", 2)
        async with worker.stream(await worker.take(3)):
            await until(lambda: old.closed is not None)
            assert worker.calls.active == 1


async def test_a_renewal_that_asked_about_the_older_stream_does_not_end_the_newer(
    worker: Worker,
) -> None:
    async with worker.stream(await worker.take(1)) as old:
        await heard(old)
        held = worker.calls.held()
        record = await worker.take(2)
        renewal = await worker.store.leases.renew("worker-1", {"host": "h"}, held)
        assert renewal.superseded == [SID]
        async with worker.stream(record) as new:
            await heard(new)
            worker.calls.superseded(SID, held[SID])
            assert worker.calls.held() == {SID: 2}
            worker.calls.superseded(SID, 2)
            await until(lambda: new.closed is not None)
    assert not worker.calls.holds(SID)


async def test_of_streams_that_wait_for_an_older_ones_end_only_the_newest_goes_on(
    worker: Worker,
) -> None:
    """Twilio asked twice, of the redirect by REST and of the lost stream: it follows the later."""
    async with worker.stream(await worker.take(1)) as old:
        await heard(old)
        old.closable.clear()
        async with AsyncExitStack() as stack:
            second, third = [
                await stack.enter_async_context(_waiting(worker, number)) for number in (2, 3)
            ]
            old.closable.set()
            await heard(third)
            assert (second.closed, third.closed) == (1001, None)
            assert worker.calls.held() == {SID: 3}


async def test_a_stream_that_waited_while_the_call_ended_does_not_begin(
    worker: Worker, hook: Bot
) -> None:
    async with worker.stream(await worker.take(1)) as old:
        await heard(old)
        old.closable.clear()
        async with _waiting(worker, 2) as new:
            ending = asyncio.create_task(worker.calls.end(SID, Ended("caller", "hung up")))
            await until(lambda: not worker.calls.holds(SID))
            old.closable.set()
            await ending
            await until(lambda: new.closed is not None)
            assert new.closed == 1001
    assert len(hook.ends) == 1
    assert worker.calls.active == 0


@asynccontextmanager
async def _waiting(worker: Worker, generation: int) -> AsyncIterator[Telephone]:
    """A stream that cannot begin before the one before it has ended."""
    phone, start = Telephone(), Start(STREAM, ACCOUNT, SID, {})
    async with asyncio.TaskGroup() as group:
        line = group.create_task(phone.run())
        group.create_task(worker.calls.carry(phone, start, await worker.take(generation)))
        await until(lambda: worker.calls._live[SID].record.generation == generation)
        yield phone
        phone.hang_up()
        line.cancel()


async def test_superseded_by_another_worker(worker: Worker, hook: Bot) -> None:
    async with worker.stream(await worker.take(1)) as phone:
        worker.calls.superseded(SID, 1)
        await until(lambda: phone.closed is not None)
        assert not worker.calls.holds(SID)
    worker.calls.superseded(SID, 1)
    assert hook.ends == []


async def test_a_dialog_that_fails_at_the_end(
    worker: Worker, hook: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(call: Call, ended: Ended) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(hook, "on_end", fail)
    async with worker.stream(await worker.take(1)):
        pass
    await worker.calls.end(SID, Ended("caller", "hung up"))
    assert (await worker.stored()).ended == Ended("caller", "hung up")
    assert worker.sample("parley_hook_errors_total", hook="on_end") == 1


async def test_what_fails_in_a_call_is_counted_by_what_it_is(
    worker: Worker, hook: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(call: Call) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(hook, "greet", fail)
    recognizer = recognizer_of(worker)
    recognizer.failures = [UnavailableError("recognizer", "away")]
    async with worker.stream(await worker.take(1)):
        await until(lambda: bool(recognizer.streams))
    assert worker.sample("parley_hook_errors_total", hook="greet") == 1
    errors = "parley_provider_errors_total"
    assert worker.sample(errors, kind="stt", provider="pocketsphinx") == 1
    assert worker.sample(errors, kind="tts", provider="espeak") == 0
    assert (await worker.stored()).counters["hook_errors"] == 1


@pytest.mark.usefixtures("sweeping")
async def test_what_the_ears_count_is_in_the_metrics(worker: Worker) -> None:
    ears = worker.calls._ears
    ears.windows, ears.callback_errors = 7, 2
    await until(lambda: worker.sample("parley_vad_event_errors_total") == 2)
    assert worker.sample("parley_vad_windows_total") == 7


@pytest.mark.usefixtures("sweeping")
async def test_tasks_are_in_the_metrics(worker: Worker) -> None:
    await until(lambda: worker.sample("parley_tasks") == len(asyncio.all_tasks()))


async def test_how_late_clears_were_is_in_the_metrics(worker: Worker) -> None:
    async with worker.stream(await worker.take(1)):
        session = worker.calls._live[SID].session
        assert session is not None
        session.counts.barge_ins_ms += [4.0, 12.0]
    assert worker.sample("parley_barge_in_seconds_count") == 2
    assert worker.sample("parley_barge_in_seconds_sum") == pytest.approx(0.016)


async def test_what_no_recognizer_has_got_is_in_the_metrics(worker: Worker) -> None:
    async with worker.stream(await worker.take(1)):
        session = worker.calls._live[SID].session
        assert session is not None
        session._hearing._relay._lost_ms = 1_500
    assert worker.sample("parley_unheard_seconds_total") == 1.5


async def test_a_dialog_that_cannot_be_made(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> Dialog:
        raise ZeroDivisionError

    monkeypatch.setitem(worker.calls._makes._dialogs, "echo", fail)
    await worker.store.commit(await worker.take(1))
    async with worker.stream(await worker.take(1)) as phone:
        await until(lambda: phone.closed is not None)
        assert phone.closed == 1011
    assert not worker.calls.holds(SID)
    assert not len(worker.store._backlog)
    # Such a call ends too, without its dialog.
    await worker.calls.end(SID, Ended("error", "the stream could not be kept"))
    assert (await worker.stored()).ended == Ended("error", "the stream could not be kept")


class TestTooManyCalls:
    @pytest.fixture
    def more(self) -> dict[str, Any]:
        return {"max_calls": 1}

    @pytest.mark.usefixtures("sweeping")
    async def test_a_session_that_cannot_be_made_is_let_go(self, worker: Worker, hook: Bot) -> None:
        taken = worker.calls._ears.open(lambda event: None)
        async with worker.stream(await worker.take(1)) as phone:
            await until(lambda: phone.closed is not None)
            assert phone.closed == 1011
        taken.close()
        await until(lambda: hook.ends)
        assert hook.ends[0][1] == Ended("error", "internal error")
        assert not worker.calls.holds(SID)


class TestRecording:
    @pytest.fixture
    def more(self, tmp_path: Path) -> dict[str, Any]:
        return {"recordings": tmp_path / "missing"}

    async def test_a_recording_that_fails_is_noted(self, worker: Worker) -> None:
        async with worker.stream(await worker.take(1)):
            await until(lambda: worker.recording_failure)
        stored = await worker.stored()
        assert stored.recordings == [str(worker.folder / "missing" / f"{SID}-1.wav")]
        assert stored.notes == ["recording given up: No such file or directory"]


class TestWithoutRedis:
    @pytest.fixture
    def url(self) -> str:
        return "unix:///nonexistent/redis.sock"

    @pytest.mark.usefixtures("sweeping")
    async def test_the_end_is_told_by_who_knows_the_call(self, worker: Worker, hook: Bot) -> None:
        record = Record(SID, ACCOUNT, generation=1)
        async with worker.stream(record):
            await worker.said("Hello.")
        await until(lambda: bool(hook.ends))
        assert not worker.calls.holds(SID)
        await worker.calls.end(SID, Ended("caller", "hung up"))
        assert len(hook.ends) == 1
