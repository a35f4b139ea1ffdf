"""Several recognizers that do as they are told; for one alone see `tests.bot.test_hearing`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from media.audio import PCM16_16K, ULAW_8K, AudioFormat, Encoding
from providers.errors import (
    AuthenticationError,
    CapacityError,
    NetworkError,
    ProviderError,
    RateLimitError,
    UnsupportedLanguageError,
)
from providers.fallback import Candidate, Fallback
from providers.options import SttOptions
from providers.stt.attempts import REOPEN_DELAYS_S
from providers.stt.relay import Relay
from providers.types import EndOfTurn, SttEvent, SttProvider, Transcript, Word
from tests.bot.engines import Recognizer
from tests.virtual_time import virtual_time

LOST = NetworkError("recognizer", "lost")


class Session:
    """A relay, and what it told."""

    def __init__(self, *recognizers: Recognizer, options: SttOptions | None = None) -> None:
        self.candidates = [
            Candidate[SttProvider](f"r{number}", one) for number, one in enumerate(recognizers, 1)
        ]
        self.events: list[SttEvent] = []
        self.used: list[str] = []
        self.failures: list[tuple[str, str]] = []
        self.relay = Relay(
            Fallback(self.candidates), options or SttOptions(audio=ULAW_8K), self, chunk_ms=100
        )
        self.error: ProviderError | None = None

    def uses(self, name: str) -> None:
        self.used.append(name)

    def failed(self, name: str, error: ProviderError) -> None:
        self.failures.append((name, type(error).__name__))

    async def run(self) -> None:
        try:
            await self.relay.run(self.events.append)
        except ProviderError as error:
            self.error = error

    async def hear(self, seconds: int) -> None:
        """Audio, in real time: of the second number 3 each byte is a 3."""
        for _ in range(seconds * 10):
            second = int(self.relay.fed_ms // 1000)
            self.relay.feed(bytes([second]) * 800, self.relay.fed_ms + 100)
            await asyncio.sleep(0.1)


@asynccontextmanager
async def session(*recognizers: Recognizer, **options: SttOptions) -> AsyncIterator[Session]:
    one = Session(*recognizers, **options)
    task = asyncio.create_task(one.run())
    await asyncio.sleep(0.01)
    yield one
    task.cancel()
    await asyncio.wait([task])
    assert not any(recognizer.open for recognizer in recognizers)


def everything(**options: object) -> Recognizer:
    """A recognizer that takes µ-law, all of it."""
    recognizer = Recognizer(utterances=False, **options)  # type: ignore[arg-type]
    recognizer.capabilities = replace(recognizer.capabilities, audio=(ULAW_8K,))
    return recognizer


def seconds(recognizer: Recognizer) -> dict[int, float]:
    """How much of each second its present stream has got."""
    audio = bytes(recognizer.current.audio)
    return {second: audio.count(second) / 8_000 for second in sorted(set(audio))}


@virtual_time
async def test_the_next_recognizer_hears_what_was_not_final() -> None:
    one, two = everything(), everything()
    async with session(one, two) as s:
        await s.hear(3)
        one.current.hear("said", final=True, end_ms=1_500)
        one.current.hear("not sure")
        one.current.fail(LOST)
        await s.hear(1)
        assert s.used == ["r1", "r2"]
        assert s.failures == [("r1", "NetworkError")]
        assert seconds(two) == {1: 0.5, 2: 1, 3: 1}
        assert s.relay.clock_ms(500) == 2_000
        assert s.relay.lost_ms == 0


@virtual_time
async def test_each_gets_audio_as_it_takes_it() -> None:
    one, two, three = everything(), Recognizer(utterances=False), everything()
    three.capabilities = replace(three.capabilities, utterances=True)
    async with session(one, two, three) as s:
        await s.hear(1)
        one.current.fail(LOST)
        await s.hear(1)
        assert two.current.options.audio == PCM16_16K
        assert len(two.current.audio) == 2 * 32_000
        s.relay.speech_started(1_500)
        two.current.fail(LOST)
        await asyncio.sleep(0.01)
        # An utterance, with a quarter of a second before it.
        assert s.relay.utterances
        assert seconds(three) == {1: 0.75}


@virtual_time
async def test_who_has_been_told_to_finalize_and_has_not_leaves_that_to_the_next() -> None:
    one, two = everything(texts=[None]), everything(texts=["the words"])
    async with session(one, two) as s:
        await s.hear(1)
        s.relay.finalize()
        await s.hear(1)
        one.current.fail(LOST)
        await s.hear(1)
        assert (one.current.finalized, two.current.finalized) == (1, 1)
        assert s.events == [Transcript("the words", True, confidence=0.9)]


@virtual_time
async def test_what_was_not_final_is_withdrawn() -> None:
    one, two = everything(), everything()
    async with session(one, two) as s:
        one.current.hear("perhaps")
        one.current.fail(LOST)
        await asyncio.sleep(0.01)
        assert s.events == [Transcript("perhaps", False), Transcript("", False)]
        two.current.hear("surely", final=True)
        two.current.fail(LOST)
        await asyncio.sleep(0.01)
        assert s.events[2:] == [Transcript("surely", True)]


@virtual_time
async def test_nobody_waits_before_the_next_is_tried_and_all_are_tried_again_later() -> None:
    failures: list[ProviderError] = [LOST] * 9
    one, two = everything(failures=[*failures]), everything(failures=[*failures])
    began_s = asyncio.get_running_loop().time()
    s = Session(one, two)
    with capture_logs() as logs:
        await s.run()
    assert s.error is LOST
    assert [name for name, _ in s.failures] == ["r1", "r2"] * (len(REOPEN_DELAYS_S) + 1)
    took_s = asyncio.get_running_loop().time() - began_s
    assert took_s == pytest.approx(sum(REOPEN_DELAYS_S), abs=0.01)
    events = [entry["event"] for entry in logs]
    assert events.count("recognizer failed, another takes over") == 4
    assert events.count("recognizer failed, opening it again") == 3


@virtual_time
async def test_what_cannot_help_is_not_tried_twice() -> None:
    refused = AuthenticationError("recognizer", "wrong key")
    one, two = everything(failures=[refused, refused]), everything(failures=[LOST] * 2)
    async with session(one, two) as s:
        await asyncio.sleep(1)
        assert s.used == ["r2"]
        assert [name for name, _ in s.failures] == ["r1", "r2", "r2"]


@virtual_time
async def test_what_cannot_help_anywhere_ends_it() -> None:
    refused = AuthenticationError("recognizer", "wrong key")
    s = Session(everything(failures=[refused]), everything(failures=[refused]))
    await s.run()
    assert s.error is refused
    assert len(s.failures) == 2


@virtual_time
async def test_nobody_waits_for_as_long_as_a_recognizer_may_ask() -> None:
    def limited(retry_after_s: float) -> list[ProviderError]:
        return [RateLimitError("recognizer", "too many", retry_after_s=retry_after_s)]

    for advised_s, opened in ((4.0, ["r1"]), (3_600.0, [])):
        one, two = everything(failures=limited(advised_s)), everything(failures=limited(3_600))
        async with session(one, two) as s:
            await asyncio.sleep(3.9)
            assert s.used == []
            await asyncio.sleep(0.2)
            assert s.used == opened
            assert (s.error is None) is bool(opened)


@virtual_time
async def test_a_full_engine_is_passed_over_and_does_not_rest() -> None:
    one = everything(failures=[CapacityError("recognizer", "taken")])
    async with session(one, everything()) as s:
        assert s.used == ["r2"]
        assert s.candidates[0].health.well


@virtual_time
async def test_who_rests_is_not_asked_by_a_new_stream_while_another_is_well() -> None:
    one, two = everything(), everything()
    s = Session(one, two)
    s.candidates[0].failed(LOST)
    task = asyncio.create_task(s.run())
    await asyncio.sleep(0.01)
    assert s.used == ["r2"]
    # When the other fails it is the last resort.
    two.current.fail(LOST)
    await asyncio.sleep(0.01)
    assert s.used == ["r2", "r1"]
    # What it understands shows that it is well again.
    one.current.hear("hello", final=True)
    await asyncio.sleep(0.01)
    assert s.candidates[0].health.well
    task.cancel()
    await asyncio.wait([task])


@virtual_time
async def test_a_stream_stays_where_it_is_when_the_preferred_one_is_well_again() -> None:
    one, two = everything(), everything()
    async with session(one, two) as s:
        one.current.fail(LOST)
        await asyncio.sleep(10)
        s.candidates[0].succeeded(asyncio.get_running_loop().time())
        two.current.hear("hello")
        await s.hear(5)
        assert s.used == ["r1", "r2"]
        # Another language is another stream.
        await s.relay.set_language("fr-FR")
        await asyncio.sleep(0.01)
        assert s.used == ["r1", "r2", "r1"]


@virtual_time
async def test_failures_in_a_row_are_counted_anew_after_a_result() -> None:
    one, two = everything(), everything()
    async with session(one, two) as s:
        for number in range(8):
            now = (one, two)[number % 2]
            now.current.hear("I am here", final=True)
            now.current.fail(LOST)
            await asyncio.sleep(0.01)
        assert s.used == ["r1", "r2"] * 4 + ["r1"]


@virtual_time
async def test_what_may_still_change_is_no_progress() -> None:
    one, two = everything(), everything()
    async with session(one, two) as s:
        for _ in range(20):
            for recognizer in (one, two):
                if recognizer.open:
                    recognizer.current.hear("perhaps")
                    recognizer.current.fail(LOST)
            await asyncio.sleep(0.5)
        assert s.error is LOST
        assert len(s.used) == 2 * (len(REOPEN_DELAYS_S) + 1)
        assert not s.candidates[0].health.well


@virtual_time
async def test_words_show_that_it_is_well_again_when_its_stream_has_held_for_a_while() -> None:
    one = everything()
    async with session(one) as s:
        one.current.fail(LOST)
        await s.hear(2)
        assert not s.candidates[0].health.well
        one.current.hear("perhaps")
        await asyncio.sleep(0.01)
        assert s.candidates[0].health.well


@virtual_time
async def test_a_stream_that_was_long_sound_fails_anew_though_nobody_spoke() -> None:
    one = everything()
    async with session(one) as s:
        for _ in range(6):
            await asyncio.sleep(1_200)
            one.current.fail(LOST)
            await asyncio.sleep(3)
        assert s.error is None
        # But not for ever, if it does not hold.
        for _ in range(len(REOPEN_DELAYS_S)):
            one.current.fail(LOST)
            await asyncio.sleep(3)
        assert s.error is LOST


@virtual_time
async def test_only_who_understands_the_language_is_asked() -> None:
    one, two = everything(), everything()
    one.capabilities = replace(one.capabilities, languages=("en-US",))
    async with session(one, two) as s:
        await s.relay.set_language("fr-FR")
        await asyncio.sleep(0.01)
        assert s.used == ["r1", "r2"]
        with pytest.raises(UnsupportedLanguageError, match="understands en-US, fr-FR"):
            await s.relay.set_language("de-DE")
        assert two.current.options.language == "fr-FR"


@virtual_time
async def test_a_language_that_nobody_understands() -> None:
    s = Session(everything(), options=SttOptions(audio=ULAW_8K, language="de-DE"))
    await s.run()
    assert isinstance(s.error, UnsupportedLanguageError)


@virtual_time
async def test_a_model_is_the_preferred_ones() -> None:
    one, two = everything(), everything()
    async with session(one, two, options=SttOptions(audio=ULAW_8K, model="nova")) as s:
        one.current.fail(LOST)
        await asyncio.sleep(0.01)
        assert one.current.options.model == "nova"
        assert two.current.options.model is None
        assert s.used == ["r1", "r2"]


@virtual_time
async def test_a_model_is_the_preferred_ones_though_that_is_left_out() -> None:
    two = everything()
    candidates = [Candidate[SttProvider]("second", two)]
    relay = Relay(
        Fallback(candidates, ["first", "second"]), SttOptions(audio=ULAW_8K, model="nova")
    )
    task = asyncio.create_task(relay.run(print))
    await asyncio.sleep(0.01)
    assert two.current.options.model is None
    task.cancel()
    await asyncio.wait([task])


@virtual_time
async def test_all_is_recognized_to_the_end_by_whoever_is_left() -> None:
    one, two = everything(), everything(texts=["the end"])
    s = Session(one, two)
    task = asyncio.create_task(s.run())
    await asyncio.sleep(0.01)
    await s.hear(1)
    s.relay.finalize()
    one.current.fail(LOST)
    await s.relay.finish()
    async with asyncio.timeout(5):
        await task
    assert s.error is None
    assert s.events == [Transcript("the end", True, confidence=0.9)]
    assert seconds(two) == {0: 1}


@virtual_time
async def test_what_nobody_hears_to_the_end_is_lost() -> None:
    one = everything(failures=[LOST], opening_s=20)
    async with session(one) as s:
        await s.hear(30)
        assert s.relay.lost_ms == 30_000
        await s.hear(11)
        # There is a stream now: what is lost is what could not be kept.
        assert s.used == ["r1"]
        kept_ms = len(one.current.audio) / 8
        assert s.relay.lost_ms == pytest.approx(41_000 - kept_ms, abs=200)
        lost_ms = s.relay.lost_ms
        one.failures = [LOST] * 9
        one.current.fail(LOST)
        await s.hear(10)
    assert s.relay.lost_ms == pytest.approx(lost_ms + 10_000, abs=200)


@virtual_time
async def test_what_comes_while_another_language_drains_is_heard_to_the_end() -> None:
    one = everything(texts=["words"], delay_s=1)
    async with session(one) as s:
        await s.hear(1)
        s.relay.finalize()
        await s.relay.set_language("fr-FR")
        s.relay.feed(bytes([7]) * 800, s.relay.fed_ms + 100)
        await s.relay.finish()
        await asyncio.sleep(3)
        assert [stream.options.language for stream in one.streams] == ["en-US", "fr-FR"]
        assert bytes(one.current.audio).count(7) == 800
        assert not one.open


@virtual_time
async def test_phrases_that_a_failing_stream_refuses_are_the_next_ones() -> None:
    one = everything()
    async with session(one) as s:
        one.deaf = True
        s.relay.expect(["yes"])
        one.deaf = False
        one.current.fail(LOST)
        await asyncio.sleep(0.01)
        assert one.current.options.phrases == ("yes",)


@virtual_time
async def test_times_on_the_speakers_clock() -> None:
    one, two = everything(), everything()
    async with session(one, two) as s:
        await s.hear(2)
        one.current.hear("one", final=True, end_ms=1_000)
        one.current.fail(LOST)
        await s.hear(1)
        word = Word("two", 0, 400, 0.9)
        two.current.events.put_nowait(Transcript("two", True, 0, 400, words=(word,)))
        await asyncio.sleep(0.01)
        event = s.relay.on_clock(s.events[-1])
        assert isinstance(event, Transcript)
        # It begins with the stream.
        assert (event.start_ms, event.end_ms) == (1_000, 1_400)
        assert event.words == (Word("two", 1_000, 1_400, 0.9),)
        unknown = Transcript("two", True)
        assert s.relay.on_clock(unknown) == unknown
        assert s.relay.on_clock(EndOfTurn(400)) == EndOfTurn(1_400)
        assert s.relay.on_clock(EndOfTurn()) == EndOfTurn()


@virtual_time
async def test_audio_of_any_rate() -> None:
    wide = AudioFormat(Encoding.PCM16, 48_000)
    one = Recognizer(utterances=False, texts=["words"])
    async with session(one, options=SttOptions(audio=wide)) as s:
        for _ in range(10):
            s.relay.feed(wide.silence(100), s.relay.fed_ms + 100)
        s.relay.finalize()
        # To the last sample: a resampler keeps some back.
        assert len(one.current.audio) == 32_000


@virtual_time
async def test_an_answer_covers_all_before_it_and_a_turns_own_transcript_does_not() -> None:
    one, two = everything(texts=[None, None]), everything(texts=[None])
    for recognizer in (one, two):
        recognizer.capabilities = replace(
            recognizer.capabilities, end_of_turn=True, boundary="word"
        )
    async with session(one, two) as s:
        await s.hear(1)
        s.relay.finalize()
        one.current.hear("answer", final=True, end_ms=400)
        await asyncio.sleep(0.01)
        assert s.relay.covered_ms == 1_000
        await s.hear(1)
        s.relay.finalize()
        one.current.hear("a turn", final=True, end_ms=1_400)
        one.current.end_turn()
        await asyncio.sleep(0.01)
        assert s.relay.covered_ms == 1_400
        # The end was not answered: the next one is asked for it.
        one.current.fail(LOST)
        await asyncio.sleep(0.01)
        assert two.current.finalized == 1
        assert seconds(two) == {1: 0.6}
