"""PocketSphinx for real: it hears recorded speech."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import jiwer
import pytest
import pytest_asyncio

from media.audio import AudioFormat, Encoding, ulaw_to_pcm
from media.resample import upsample
from providers.catalog import build_stt
from providers.errors import (
    DeadlineError,
    MissingKeyError,
    ProviderError,
    UnavailableError,
    UnsupportedError,
)
from providers.stt import local_pool, local_stream, pocketsphinx
from providers.stt.local_pool import cores
from providers.stt.pocketsphinx import PocketSphinx, PocketSphinxStream
from providers.types import SttOptions, SttProvider, Transcript
from tests.background import until

pytest.importorskip("pocketsphinx")
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.long]

SILENCE = bytes(32_000)
BOOKING = (
    "I would like to book an appointment",
    "on Friday, please",
    "at 10 in the morning",
    "at 3 in the afternoon",
    "yes please",
    "no thank you",
    "monday",
    "tomorrow",
    "i want to cancel",
    "speak to a person",
    "good bye",
)
CARDS = (
    "Ten of clubs!",
    "8 of spades, 4 of clubs, 7 of hearts",
    "go forward 10 meters",
    "go somewhere and do something",
    "two of diamonds",
    "queen of hearts",
    "turn left",
    "stop now",
    "go back 5 meters",
    "ask Zyxwyck",
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stt() -> AsyncIterator[PocketSphinx]:
    provider = PocketSphinx(processes=1)
    await provider.start()
    yield provider
    await provider.aclose()


def speech(recordings: Path, name: str, most_ms: int | None = None) -> bytes:
    """A recording, or how it begins, as PCM16 at 16 kHz."""
    recorded = (recordings / f"{name}.ulaw").read_bytes()
    return upsample(ulaw_to_pcm(recorded[: most_ms and 8 * most_ms])).tobytes()


def say(stream: PocketSphinxStream, audio: bytes) -> None:
    for start in range(0, len(audio), 3_200):
        stream.send(audio[start : start + 3_200])
    stream.finalize()


async def finals(stream: PocketSphinxStream) -> list[Transcript]:
    events = [event async for event in stream]
    return [event for event in events if isinstance(event, Transcript) and event.final]


async def hear(
    provider: PocketSphinx, utterances: Iterable[bytes], phrases: tuple[str, ...] = ()
) -> list[Transcript]:
    async with asyncio.timeout(30), provider.stream(SttOptions(phrases=phrases)) as stream:
        for audio in utterances:
            say(stream, audio)
        await stream.finish()
        return await finals(stream)


async def decoded(stream: PocketSphinxStream) -> None:
    """Until all but the last moment of what was sent is decoded."""
    await until(lambda: stream._lag < 9_600)


async def test_it_is_in_the_catalogue() -> None:
    provider: SttProvider = build_stt("pocketsphinx", processes=1)
    assert provider.name == "pocketsphinx"
    assert provider.capabilities.utterances
    assert "phrases" in provider.capabilities.options
    assert provider.capabilities.word_times
    assert provider.capacity == 1
    assert build_stt("pocketsphinx").capacity == max(2, 2 * cores())


async def test_it_hears_words_and_when_they_were_said(stt: PocketSphinx, recordings: Path) -> None:
    (final,) = await hear(stt, [speech(recordings, "go_somewhere")])
    assert final.text == "go somewhere and do something"
    assert [word.text for word in final.words] == final.text.split()
    assert final.language == "en-US"
    assert final.confidence is not None
    assert 0.5 < final.confidence <= 1
    assert 300 < final.words[0].start_ms < 550  # where the recording's speech begins
    assert all(a.end_ms <= b.start_ms for a, b in zip(final.words, final.words[1:], strict=False))
    assert (final.start_ms, final.end_ms) == (final.words[0].start_ms, final.words[-1].end_ms)


async def test_it_hears_the_same_however_audio_is_cut(stt: PocketSphinx, recordings: Path) -> None:
    audio = speech(recordings, "card_ten_of_clubs")
    heard = []
    for size in (640, 32_000):
        async with asyncio.timeout(30), stt.stream(SttOptions()) as stream:
            for start in range(0, len(audio), size):
                stream.send(audio[start : start + size])
            await stream.finish()
            heard.append(await finals(stream))
    assert heard[0][0].words
    assert heard[0] == heard[1]


async def test_every_utterance_of_a_stream_has_its_own_final(
    stt: PocketSphinx, recordings: Path
) -> None:
    ten, go = speech(recordings, "card_ten_of_clubs"), speech(recordings, "go_forward_ten_meters")
    sentence = speech(recordings, "austen_0930")
    first, nothing, second, third = await hear(stt, [ten, SILENCE, go, sentence])
    assert first.text == "ten of clubs"
    assert (nothing.text, nothing.final, nothing.words) == ("", True, ())
    assert second.text == "go forward ten meters"
    after_ms = (len(ten) + len(SILENCE)) // 32
    assert after_ms < second.words[0].start_ms < second.words[-1].end_ms < after_ms + 2_800
    # As well as it understands whole files.
    assert jiwer.wer("he might even have been made amiable himself", third.text) < 0.35


async def test_nothing_of_a_call_stays_for_the_next(stt: PocketSphinx, recordings: Path) -> None:
    audio = speech(recordings, "austen_0930", 1_000)
    (fresh,) = await hear(stt, [audio])
    await hear(stt, [speech(recordings, "prompt_vm-intro", 1_000)], phrases=BOOKING)
    assert await hear(stt, [audio]) == [fresh]


async def test_an_utterance_of_no_audio_is_empty(stt: PocketSphinx) -> None:
    assert [final.text for final in await hear(stt, [b"", SILENCE[:640]])] == ["", ""]


async def test_interims_come_while_one_speaks_and_only_if_wanted(
    stt: PocketSphinx, recordings: Path
) -> None:
    audio = speech(recordings, "austen_0890", 1_500)
    for wanted in (True, False):
        interims: list[str] = []
        async with stt.stream(SttOptions(interim_results=wanted)) as stream:
            for start in range(0, len(audio), 9_600):
                stream.send(audio[start : start + 9_600])
                await decoded(stream)  # a decoder that lags gives none
            stream.finalize()
            async for event in stream:
                assert isinstance(event, Transcript)
                if event.final:
                    break
                interims.append(event.text)
        assert bool(interims) is wanted
        assert all(interims)


async def test_finishing_finalizes_what_was_said_last(stt: PocketSphinx, recordings: Path) -> None:
    async with stt.stream(SttOptions()) as stream:
        stream.send(speech(recordings, "go_somewhere"))
        await stream.finish()
        await stream.finish()
        (final,) = await finals(stream)
        assert final.text == "go somewhere and do something"
        with pytest.raises(UnavailableError, match="over"):
            stream.send(SILENCE)
    assert await finals(stream) == []


@pytest.mark.parametrize(
    ("name", "phrase"),
    [
        ("card_ten_of_clubs", "Ten of clubs!"),
        ("card_three_cards", "8 of spades, 4 of clubs, 7 of hearts"),
        ("go_forward_ten_meters", "go forward 10 meters"),
        ("go_somewhere", "go somewhere and do something"),
    ],
)
async def test_an_expected_phrase_is_heard_as_it_was_written(
    stt: PocketSphinx, recordings: Path, name: str, phrase: str
) -> None:
    (final,) = await hear(stt, [speech(recordings, name)], phrases=CARDS)
    assert final.text == phrase
    assert not final.rejected
    assert final.confidence is not None
    assert final.confidence > 0.7
    assert final.words[0].text in {"ten", "eight", "go"}


@pytest.mark.parametrize(
    ("name", "phrases"),
    [
        ("austen_0870", BOOKING),
        ("austen_0890", CARDS),
        ("austen_0930", BOOKING),
        ("prompt_vm-intro", CARDS),
    ],
)
async def test_what_was_not_expected_is_rejected_with_its_free_transcript(
    stt: PocketSphinx, recordings: Path, name: str, phrases: tuple[str, ...]
) -> None:
    # Not too long for a phrase: that alone would be a reason.
    (final,) = await hear(stt, [speech(recordings, name, 1_200)], phrases=phrases)
    assert final.rejected
    assert final.text
    assert final.text not in phrases


async def test_a_longer_utterance_than_any_phrase_is_rejected(
    stt: PocketSphinx, recordings: Path
) -> None:
    (final,) = await hear(
        stt, [speech(recordings, "austen_0870", 2_200)], phrases=("yes", "no", "…")
    )
    assert final.rejected


async def test_new_expectations_count_from_the_next_utterance_on(
    stt: PocketSphinx, recordings: Path
) -> None:
    audio = speech(recordings, "card_ten_of_clubs")
    async with asyncio.timeout(30), stt.stream(SttOptions(phrases=CARDS)) as stream:
        stream.send(audio)
        stream.expect(BOOKING)
        stream.finalize()
        say(stream, audio)
        stream.expect(())
        say(stream, audio)
        stream.expect(["ten of clubs", "...", "yes"])
        say(stream, audio)
        await stream.finish()
        cards, booking, free, again = await finals(stream)
    assert (cards.text, cards.rejected) == ("Ten of clubs!", False)
    assert booking.rejected
    assert not free.rejected
    assert (again.text, again.rejected) == ("ten of clubs", False)


async def test_audio_that_is_not_decoded_is_bounded(
    stt: PocketSphinx, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The process that is so far behind is replaced: on a busy machine that takes its time.
    monkeypatch.setattr(local_pool, "LEASE_DEADLINE_S", 25.0)
    async with stt.stream(SttOptions()) as stream:
        stream.send(SILENCE * 29)
        with pytest.raises(DeadlineError, match="lags 30 s behind") as refusal:
            stream.send(SILENCE * 2)
        assert refusal.value.retryable
        with pytest.raises(DeadlineError, match="lags 30 s behind"):
            await finals(stream)  # so that another recognizer takes over
    assert await hear(stt, [b""])


async def test_transcripts_that_nobody_reads_are_bounded(
    stt: PocketSphinx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_stream, "MAX_WAITING_EVENTS", 3)
    async with asyncio.timeout(10), stt.stream(SttOptions()) as stream:
        for _ in range(4):
            stream.finalize()
        await until(lambda: stream._error is not None)
        with pytest.raises(ProviderError, match="nobody reads"):
            stream.finalize()


async def test_leaving_the_context_ends_whoever_waits_for_events(stt: PocketSphinx) -> None:
    async with stt.stream(SttOptions()) as stream:
        waiting = asyncio.create_task(finals(stream))
        await asyncio.sleep(0)
        assert not waiting.done()
    async with asyncio.timeout(5):
        assert await waiting == []


async def test_half_a_sample_is_refused(stt: PocketSphinx) -> None:
    async with stt.stream(SttOptions()) as stream:
        with pytest.raises(ValueError, match="3 bytes"):
            stream.send(b"abc")


@pytest.mark.parametrize(
    "options",
    [SttOptions(language="de-DE"), SttOptions(audio=AudioFormat(Encoding.ULAW, 8_000))],
)
async def test_what_it_cannot_do_is_refused_with_advice(
    stt: PocketSphinx, options: SttOptions
) -> None:
    with pytest.raises(UnsupportedError) as refusal:
        async with stt.stream(options):
            pass
    assert refusal.value.hint


async def test_it_says_which_extra_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pocketsphinx, "find_spec", lambda name: None)
    with pytest.raises(MissingKeyError, match=r"parley\[pocketsphinx\]"):
        PocketSphinx()


async def test_the_number_of_processes_must_make_sense() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        PocketSphinx(processes=0)
