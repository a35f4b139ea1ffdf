from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest
from structlog.testing import capture_logs

from bot.hearing import Hearing
from media.audio import Samples, bytes_to_pcm, pcm_to_ulaw
from media.vad import SpeechEvent, SpeechStarted, SpeechStopped
from providers.ears import Ears
from providers.errors import (
    CapacityError,
    NetworkError,
    RateLimitError,
    UnavailableError,
    UnsupportedError,
)
from providers.fallback import Fallback
from providers.stt.backlog import MAX_MS
from providers.stt.relay import CHUNK_MS
from providers.types import EndOfTurn, SttEvent, SttOptions, Transcript
from tests.bot.engines import Level, Recognizer, tone
from tests.virtual_time import virtual_time

FRAME = 160


class Ear:
    """A `Hearing` with what it heard, and a caller."""

    def __init__(self, stt: Recognizer, chunk_ms: int = CHUNK_MS) -> None:
        self.stt = stt
        self.speech: list[tuple[SpeechEvent, float]] = []
        self.events: list[SttEvent] = []
        self.ears = Ears(Level())
        self.hearing = Hearing(
            self.ears,
            Fallback.alone(stt),
            SttOptions(),
            lambda event, at: self.speech.append((event, at)),
            chunk_ms,
        )
        self.began_s = asyncio.get_running_loop().time()

    async def hear(self, samples: Samples, frame: int = FRAME) -> None:
        """A caller's audio, in real time."""
        loop = asyncio.get_running_loop()
        for start in range(0, len(samples), frame):
            piece = samples[start : start + frame]
            await asyncio.sleep(len(piece) / 8000)
            self.hearing.feed(pcm_to_ulaw(piece), (loop.time() - self.began_s) * 1000)

    async def silence(self, ms: int) -> None:
        await self.hear(np.zeros(ms * 8, np.int16))


@asynccontextmanager
async def ear(stt: Recognizer, chunk_ms: int = CHUNK_MS) -> AsyncIterator[Ear]:
    listening = Ear(stt, chunk_ms)
    task = asyncio.create_task(listening.hearing.run(listening.events.append))
    try:
        yield listening
    finally:
        task.cancel()
        await asyncio.wait([task])
        listening.hearing.close()
        listening.ears.close()
        assert not stt.open


def spoken_ms(audio: bytes) -> float:
    """How much sound there is in audio for the recognizer (16 kHz)."""
    loudest = np.abs(bytes_to_pcm(audio).astype(int)).reshape(-1, 16).max(axis=1)
    return float((loudest > 500).sum())


@virtual_time
async def test_an_utterance_reaches_the_recognizer_whole() -> None:
    async with ear(Recognizer(["hello"])) as e:
        await e.silence(1500)
        assert e.stt.current.audio == b""
        await e.hear(tone(800))
        await e.silence(400)
        e.hearing.finalize()
        await e.silence(1000)
        (started, offset), (stopped, _) = e.speech
        assert isinstance(started, SpeechStarted)
        assert started.at_ms + offset == pytest.approx(1500, abs=40)
        assert isinstance(stopped, SpeechStopped)
        assert stopped.at_ms == pytest.approx(2300, abs=40)
        audio = bytes(e.stt.current.audio)
        assert spoken_ms(audio) == pytest.approx(800, abs=10)
        # A quarter of a second before it, 400 ms behind it, and nothing of the silence after.
        assert len(audio) / 32 == pytest.approx(250 + 800 + 400, abs=60)
        assert e.events == [Transcript("hello", True, confidence=0.9)]
        assert e.hearing.heard_ms == 1500 + 800 + 400 + 1000


@virtual_time
async def test_a_word_at_the_very_beginning() -> None:
    async with ear(Recognizer(["hello"])) as e:
        await e.hear(tone(500))
        e.hearing.finalize()
        assert spoken_ms(bytes(e.stt.current.audio)) == pytest.approx(500, abs=10)


@virtual_time
async def test_a_recognizer_that_takes_everything_gets_it_in_pieces_of_100_ms() -> None:
    async with ear(Recognizer(utterances=False)) as e:
        await e.silence(80)
        assert e.stt.current.audio == b""
        await e.silence(40)
        assert len(e.stt.current.audio) == pytest.approx(100 * 32, abs=100)
        await e.hear(tone(1000))
        assert spoken_ms(bytes(e.stt.current.audio)) >= 900


@virtual_time
async def test_audio_that_was_sent_behind_is_finalized_with_it() -> None:
    async with ear(Recognizer(utterances=False)) as e:
        await e.silence(180)
        e.hearing.finalize()
        assert len(e.stt.current.audio) == pytest.approx(180 * 32, abs=100)
        assert e.stt.current.finalized == 1


@virtual_time
async def test_a_caller_who_is_cut_goes_on_in_the_next_utterance() -> None:
    async with ear(Recognizer(["one", "two"])) as e:
        await e.hear(tone(2000))
        e.hearing.finalize()
        before = len(e.stt.current.audio)
        await e.hear(tone(1000))
        await e.silence(300)
        e.hearing.finalize()
        assert spoken_ms(bytes(e.stt.current.audio)) == pytest.approx(3000, abs=20)
        assert len(e.stt.current.audio) - before == pytest.approx(1300 * 32, abs=200)
        await e.silence(200)
        assert [event.text for event in e.events if isinstance(event, Transcript)] == ["one", "two"]


@virtual_time
async def test_frames_of_any_length() -> None:
    async with ear(Recognizer(["hello"])) as e:
        await e.silence(1000)
        samples = np.concatenate([tone(3000), np.zeros(4000, np.int16)])
        await e.hear(samples, frame=len(samples))
        e.hearing.finalize()
        assert spoken_ms(bytes(e.stt.current.audio)) == pytest.approx(3000, abs=20)
        e.hearing.feed(b"", 5000)
        assert e.hearing.heard_ms == 4500


@virtual_time
async def test_what_comes_before_the_stream_is_open_waits_for_it() -> None:
    async with ear(Recognizer(["hello"], opening_s=3)) as e:
        await asyncio.sleep(0.1)
        e.hearing.expect(["hello", "goodbye"])
        await e.hear(tone(800))
        await e.silence(300)
        e.hearing.finalize()
        await e.silence(2500)
        assert spoken_ms(bytes(e.stt.current.audio)) == pytest.approx(800, abs=10)
        assert e.stt.current.expected == [("hello", "goodbye")]
        assert e.events == [Transcript("hello", True, confidence=0.9)]


@pytest.mark.parametrize("chunk_ms", [20, 100])
def test_what_waits_is_bounded_and_what_is_lost_is_counted(chunk_ms: int) -> None:
    @virtual_time
    async def wait() -> None:
        async with ear(Recognizer(utterances=False, opening_s=60), chunk_ms) as e:
            e.hearing.finalize()
            await e.silence(30_000)
            await e.hear(tone(5_000))
            with capture_logs() as logs:
                await asyncio.sleep(40)
            audio = bytes(e.stt.current.audio)
            assert len(audio) / 32 == pytest.approx(MAX_MS, abs=200)
            assert spoken_ms(audio) >= 4_900
            assert e.stt.current.finalized == 1
            assert e.hearing.lost_ms == pytest.approx(35_000 - MAX_MS, abs=200)
            assert [entry.get("lost_ms") for entry in logs] == [e.hearing.lost_ms]

    wait()


@pytest.mark.parametrize("utterances", [True, False])
def test_what_a_stream_that_failed_did_not_answer_is_heard_by_the_next(utterances: bool) -> None:
    @virtual_time
    async def fail() -> None:
        async with ear(Recognizer(["one", None, "two"], utterances=utterances)) as e:
            await e.hear(tone(600))
            await e.silence(400)
            e.hearing.finalize()
            await e.silence(400)
            await e.hear(tone(800))
            await e.silence(400)
            e.hearing.finalize()
            # For some seconds no stream can be had.
            e.stt.failures = [NetworkError("recognizer", "down") for _ in range(2)]
            e.stt.current.fail(NetworkError("recognizer", "broke"))
            await e.silence(4_000)
            assert len(e.stt.streams) == 2
            assert spoken_ms(bytes(e.stt.current.audio)) == pytest.approx(800, abs=10)
            assert [event.text for event in e.events if isinstance(event, Transcript)] == [
                "one",
                "two",
            ]
            assert e.hearing.lost_ms == 0

    fail()


@virtual_time
async def test_no_word_ends_in_the_silence_behind_an_utterance() -> None:
    async with ear(Recognizer()) as e:
        await e.silence(1_000)
        await e.hear(tone(800))
        await e.silence(500)
        # Its audio begins a quarter of a second before the speech.
        assert e.hearing.ended_ms(650) == pytest.approx(1_400, abs=40)
        assert e.hearing.ended_ms(1_400) == pytest.approx(1_800, abs=40)


@virtual_time
async def test_frames_that_come_late_all_at_once_were_not_heard_before() -> None:
    async with ear(Recognizer()) as e:
        assert e.hearing.judged_ms == 0
        await e.hear(tone(800))
        await e.silence(300)
        assert len(e.speech) == 2
        assert e.hearing.judged_ms == pytest.approx(1_100, abs=60)
        await asyncio.sleep(0.4)
        e.hearing.feed(pcm_to_ulaw(np.zeros(FRAME, np.int16)), 1_500)
        assert e.hearing.judged_ms == pytest.approx(1_100, abs=60)
        e.hearing.feed(pcm_to_ulaw(np.zeros(380 * 8, np.int16)), 1_500)
        await asyncio.sleep(0.1)
        assert e.hearing.judged_ms == pytest.approx(1_500, abs=60)


@virtual_time
async def test_audio_that_was_lost_is_forgotten_little_by_little() -> None:
    async with ear(Recognizer()) as e:
        await e.hear(tone(800))
        await e.silence(300)
        await asyncio.sleep(0.4)
        await e.silence(1_000)
        assert e.hearing.judged_ms == pytest.approx(2_500 - 400 + 50, abs=60)
        await e.silence(8_000)
        assert e.hearing.judged_ms == pytest.approx(10_500, abs=60)


@virtual_time
async def test_times_of_a_later_stream_are_put_on_the_calls_clock() -> None:
    async with ear(Recognizer(utterances=False)) as e:
        await e.silence(2_000)
        e.stt.current.hear("one", final=True, end_ms=1_500)
        e.stt.current.fail(NetworkError("recognizer", "broke"))
        await e.silence(1_000)
        assert len(e.stt.current.audio) / 32 == pytest.approx(1_500, abs=100)
        assert e.hearing.ended_ms(0) is None
        assert e.hearing.ended_ms(700) == pytest.approx(2_200, abs=1)


@virtual_time
async def test_expected_phrases_hold_for_later_streams_too() -> None:
    async with ear(Recognizer()) as e:
        await asyncio.sleep(0.1)
        e.hearing.expect(["yes"])
        assert e.stt.current.expected == [("yes",)]
        e.stt.current.fail(UnavailableError("recognizer", "died"))
        await asyncio.sleep(0.1)
        assert len(e.stt.streams) == 2
        assert e.stt.current.options.phrases == ("yes",)


@virtual_time
async def test_another_language_is_another_stream() -> None:
    async with ear(Recognizer(["bonjour"])) as e:
        await asyncio.sleep(0.1)
        await e.hearing.set_language("en-US")
        assert len(e.stt.streams) == 1
        await e.hearing.set_language("fr-FR")
        # No moment is without somebody to keep it.
        await e.hear(tone(600))
        e.hearing.finalize()
        await e.silence(200)
        assert [stream.options.language for stream in e.stt.streams] == ["en-US", "fr-FR"]
        assert spoken_ms(bytes(e.stt.current.audio)) == pytest.approx(600, abs=10)
        assert e.events == [Transcript("bonjour", True, confidence=0.9)]


@virtual_time
async def test_another_languages_stream_hears_nothing_again() -> None:
    async with ear(Recognizer(utterances=False)) as e:
        await e.hear(tone(600))
        await e.silence(100)
        await e.hearing.set_language("fr-FR")
        await e.silence(300)
        assert len(e.stt.streams) == 2
        assert spoken_ms(bytes(e.stt.current.audio)) == 0


@virtual_time
async def test_who_speaks_for_long_and_is_not_understood_is_heard_from_the_beginning() -> None:
    async with ear(Recognizer(utterances=False)) as e:
        await e.hear(tone(15_000))
        e.stt.current.fail(NetworkError("recognizer", "broke"))
        await e.silence(300)
        assert spoken_ms(bytes(e.stt.current.audio)) == pytest.approx(15_000, abs=20)


@virtual_time
async def test_another_language_while_the_stream_is_opened() -> None:
    async with ear(Recognizer(opening_s=1)) as e:
        await asyncio.sleep(0.5)
        await e.hearing.set_language("fr-FR")
        await asyncio.sleep(3)
        assert e.stt.current.options.language == "fr-FR"
        assert e.stt.open == 1


@virtual_time
async def test_the_recognizers_own_events_pass() -> None:
    async with ear(Recognizer(utterances=False)) as e:
        await asyncio.sleep(0.1)
        e.stt.current.hear("hel")
        e.stt.current.end_turn()
        await asyncio.sleep(0.1)
        assert e.events == [Transcript("hel", False), EndOfTurn()]


@virtual_time
async def test_audio_that_is_not_taken_ends_nothing() -> None:
    async with ear(Recognizer(utterances=False)) as e:
        await asyncio.sleep(0.1)
        e.stt.deaf = True
        await e.silence(300)
        e.stt.deaf = False
        e.stt.current.fail(NetworkError("recognizer", "broke"))
        await e.silence(300)
        assert len(e.stt.streams) == 2
        assert len(e.stt.current.audio) > 0


@virtual_time
async def test_a_recognizer_is_tried_four_times_in_two_seconds() -> None:
    stt = Recognizer(failures=[CapacityError("recognizer", "taken") for _ in range(9)])
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    listening = Ear(stt)
    with pytest.raises(CapacityError):
        await listening.hearing.run(listening.events.append)
    assert len(stt.failures) == 5
    assert loop.time() - began_s == pytest.approx(2.0, abs=0.01)
    listening.hearing.close()
    listening.ears.close()


@pytest.mark.parametrize(("advice_s", "opened_s"), [(None, 1.0), (0.1, 1.0), (4.0, 4.0)])
def test_a_vendor_that_was_asked_too_often_is_left_alone(
    advice_s: float | None, opened_s: float
) -> None:
    @virtual_time
    async def wait() -> None:
        error = RateLimitError("recognizer", "too many", retry_after_s=advice_s)
        async with ear(Recognizer(failures=[error])) as e:
            await asyncio.sleep(opened_s - 0.01)
            assert e.stt.streams == []
            await asyncio.sleep(0.02)
            assert len(e.stt.streams) == 1

    wait()


@virtual_time
async def test_failures_in_a_row_are_counted_anew_after_a_result() -> None:
    async with ear(Recognizer()) as e:
        for _ in range(6):
            await asyncio.sleep(1)
            e.stt.current.hear("I am here", final=True)
            e.stt.current.fail(NetworkError("recognizer", "broke"))
        await asyncio.sleep(1)
        assert len(e.stt.streams) == 7


@virtual_time
async def test_what_another_try_cannot_help_is_not_tried() -> None:
    stt = Recognizer(failures=[UnsupportedError("recognizer", "no such language")])
    listening = Ear(stt)
    with pytest.raises(UnsupportedError):
        await listening.hearing.run(listening.events.append)
    assert stt.streams == []
    listening.hearing.close()
    listening.ears.close()
