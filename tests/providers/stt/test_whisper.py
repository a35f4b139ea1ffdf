"""Whisper for real, on a model of random weights: streams of utterances through its process."""

from __future__ import annotations

import asyncio
import math
import os
import signal
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from media.audio import PCM16_16K, ULAW_8K
from providers.catalog import build_files_beside, build_stt
from providers.config import read_config
from providers.errors import (
    CapacityError,
    DeadlineError,
    MissingKeyError,
    ProviderError,
    UnavailableError,
    UnsupportedError,
)
from providers.fallback import Candidate, Fallback
from providers.library.chosen import Chosen
from providers.results import AudioData
from providers.stt import local_pool, whisper_pool, whisper_stream
from providers.stt.relay import Relay
from providers.stt.whisper import Whisper
from providers.stt.whisper_stream import WhisperStream
from providers.types import SttEvent, SttOptions, SttProvider, Transcript
from tests.background import running, until
from tests.bot.engines import Recognizer
from tests.providers.stt.whisper_model import make_model, pcm

pytest.importorskip("faster_whisper")
pytestmark = pytest.mark.asyncio(loop_scope="module")

SILENCE = bytes(32_000)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_model(tmp_path_factory.mktemp("whisper")))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stt(model: str) -> AsyncIterator[Whisper]:
    provider = Whisper(model=model, device="cpu")
    await provider.start()
    yield provider
    await provider.aclose()


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drafts are made even where they take long, as on a busy machine."""
    monkeypatch.setattr(whisper_stream, "DRAFT_SHARE", math.inf)


def say(stream: WhisperStream, audio: bytes) -> None:
    for start in range(0, len(audio), 3_200):
        stream.send(audio[start : start + 3_200])
    stream.finalize()


async def finals(stream: WhisperStream) -> list[Transcript]:
    events = [event async for event in stream]
    return [event for event in events if isinstance(event, Transcript) and event.final]


async def hear(provider: Whisper, utterances: Iterable[bytes], **options: Any) -> list[Transcript]:
    async with asyncio.timeout(30), provider.stream(SttOptions(**options)) as stream:
        for audio in utterances:
            say(stream, audio)
        await stream.finish()
        return await finals(stream)


async def decoded(provider: Whisper) -> None:
    """Until nothing is left to do of what was sent."""
    for _ in range(3):
        await asyncio.sleep(0)  # what was sent is looked at
    await until(lambda: provider._decoders.spare)


async def test_it_is_in_the_catalogue(model: str) -> None:
    provider: SttProvider = build_stt("whisper", model=model, processes=3)
    assert provider.name == "whisper"
    assert provider.capabilities.utterances
    assert provider.capabilities.word_times
    assert provider.capabilities.understands("de-CH")
    assert provider.capabilities.understands("auto")
    assert provider.capacity == 12


async def test_recordings_go_through_the_same_processes(stt: Whisper, recordings: Path) -> None:
    files = build_files_beside(stt)
    audio = AudioData(SILENCE + pcm(recordings, "austen_0890"), PCM16_16K)
    pids = stt.pids
    assert (await files.transcribe(audio, SttOptions())).text
    assert stt.pids == pids
    assert len(pids) == 1


async def test_the_library_loads_the_model_once(
    model: str, recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pools: list[object] = []
    loads = whisper_pool.Decoders.start

    async def start(decoders: whisper_pool.Decoders) -> None:
        pools.append(decoders)
        await loads(decoders)

    monkeypatch.setattr(whisper_pool.Decoders, "start", start)
    chosen = Chosen(read_config({"whisper": {"model": model}}, env={}), stt=("whisper",))
    door = chosen.door("whisper")
    assert door is not None
    audio = AudioData(pcm(recordings, "austen_0890"), PCM16_16K)
    try:
        await door.provider.transcribe(audio, SttOptions())
        await chosen.recognizer("whisper").provider.start()
    finally:
        await chosen.aclose()
    assert len(pools) == 2
    assert pools[0] is pools[1]


async def test_every_utterance_has_its_own_final(stt: Whisper, recordings: Path) -> None:
    ten, go = pcm(recordings, "card_ten_of_clubs"), pcm(recordings, "go_somewhere")
    first, nothing, second, again = await hear(stt, [ten, SILENCE, go, ten])
    assert first.text
    assert second.text not in ("", first.text)
    assert (nothing.text, nothing.words, nothing.language) == ("", (), None)
    assert again.text == first.text
    shift_ms = again.start_ms - first.start_ms
    assert shift_ms == (len(ten) + len(SILENCE) + len(go)) // 32
    assert first.language == "en"
    assert first.confidence is not None
    assert " ".join(word.text for word in first.words) == first.text
    assert (first.start_ms, first.end_ms) == (first.words[0].start_ms, first.words[-1].end_ms)


async def test_what_cannot_be_speech_is_not_even_decoded(
    stt: Whisper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stt._decoders, "decode", None)
    click = b"\xff\x7f" * 320
    heard = await hear(stt, [b"", SILENCE[:6_400], click, SILENCE * 40])
    assert [final.text for final in heard] == ["", "", "", ""]
    assert (heard[-1].start_ms, heard[-1].end_ms) == (220, 40_220)


async def spoken(provider: Whisper, audio: bytes, **options: Any) -> list[Transcript]:
    """What is given of an utterance that is spoken no faster than it is decoded."""
    async with asyncio.timeout(30), provider.stream(SttOptions(**options)) as stream:
        events: list[Transcript] = []

        async def listen() -> None:
            events.extend([event async for event in stream if isinstance(event, Transcript)])

        async with asyncio.TaskGroup() as group:
            group.create_task(listen())
            for start in range(0, len(audio), 9_600):
                stream.send(audio[start : start + 9_600])
                await decoded(provider)
            stream.finalize()
            await stream.finish()
    return events


@pytest.mark.usefixtures("eager")
async def test_interims_come_while_one_speaks_and_the_last_is_withdrawn(
    stt: Whisper, recordings: Path
) -> None:
    *interims, final = await spoken(stt, pcm(recordings, "austen_0890"))
    assert final.final
    assert final.text
    assert not any(event.final for event in interims)
    drafts = [event.text for event in interims]
    assert len(drafts) >= 3
    assert all(drafts[:-1])
    assert drafts[-1] == ""
    ends = [event.end_ms for event in interims]
    assert ends == sorted(ends)


@pytest.mark.usefixtures("eager")
async def test_there_are_no_interims_if_none_are_wanted(stt: Whisper, recordings: Path) -> None:
    (final,) = await spoken(stt, pcm(recordings, "austen_0890"), interim_results=False)
    assert final.final


@pytest.mark.usefixtures("eager")
async def test_drafts_are_made_ever_more_rarely(stt: Whisper, recordings: Path) -> None:
    audio = pcm(recordings, "austen_0870") * 3
    drafts: list[float] = []
    decode = stt._decoders.decode

    async def decode_and_note(samples: Any, task: Any, **patience: float) -> Any:
        if task.draft:
            drafts.append(len(samples) / 16)
        return await decode(samples, task, **patience)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stt._decoders, "decode", decode_and_note)
        async with stt.stream(SttOptions()) as stream:
            for start in range(0, len(audio), 3_200):
                stream.send(audio[start : start + 3_200])
                await decoded(stt)
    assert 5 <= len(drafts) <= 9  # of 21 s


async def test_where_drafts_take_long_there_are_none(
    stt: Whisper, recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stt._decoders, "took_s", 2.0)
    (final,) = await spoken(stt, pcm(recordings, "austen_0890"))
    assert final.text


@pytest.mark.usefixtures("eager")
async def test_what_is_for_good_does_not_wait_for_a_draft(stt: Whisper, recordings: Path) -> None:
    await decoded(stt)
    (pid,) = stt.pids
    async with asyncio.timeout(30), stt.stream(SttOptions()) as stream:
        os.kill(pid, signal.SIGSTOP)
        stream.send(pcm(recordings, "austen_0890"))
        await until(lambda: stream._drafting is not None)
        stream.finalize()
        await until(lambda: stream._drafting is None)
        os.kill(pid, signal.SIGCONT)
        await stream.finish()
        (event,) = [event async for event in stream]
    assert isinstance(event, Transcript)
    assert event.final


@pytest.mark.usefixtures("eager")
async def test_an_utterance_may_end_while_a_draft_is_being_given_up(
    stt: Whisper, recordings: Path
) -> None:
    await decoded(stt)
    (pid,) = stt.pids
    async with asyncio.timeout(30), stt.stream(SttOptions()) as stream:
        os.kill(pid, signal.SIGSTOP)
        stream.send(pcm(recordings, "austen_0890"))
        await until(lambda: stream._drafting is not None)
        stream.finalize()
        await asyncio.sleep(0)
        stream.finalize()
        os.kill(pid, signal.SIGCONT)
        await stream.finish()
        assert len(await finals(stream)) == 2


@pytest.mark.usefixtures("eager")
async def test_a_process_that_hangs_in_a_draft_costs_no_final(
    model: str, recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The clocks are put forward by as much: what is left is the time to load another process.
    forward_s = whisper_pool.CLOSE_DEADLINE_S - 0.05
    monkeypatch.setattr(whisper_pool, "CLOSE_DEADLINE_S", 0.05)
    monkeypatch.setattr(whisper_stream, "PATIENCE_S", whisper_stream.PATIENCE_S - forward_s)
    monkeypatch.setattr(local_pool, "LEASE_DEADLINE_S", 0.0)
    provider = Whisper(model=model, device="cpu")
    await provider.start()
    (pid,) = provider.pids
    async with asyncio.timeout(30), provider.stream(SttOptions()) as stream:
        os.kill(pid, signal.SIGSTOP)
        stream.send(pcm(recordings, "austen_0890"))
        await until(lambda: stream._drafting is not None)
        await stream.finish()
        (final,) = await finals(stream)
    assert final.text
    assert provider.pids != [pid]
    await provider.aclose()


async def test_a_long_utterance_is_decoded_in_pieces_and_is_one_final(
    stt: Whisper, recordings: Path
) -> None:
    audio = pcm(recordings, "austen_0890") * 12  # a minute
    (final,) = await hear(stt, [audio], interim_results=False)
    assert final.words[0].start_ms < 28_000
    assert 36_000 < final.words[-1].start_ms < len(audio) // 32


async def test_the_language_is_found_out(stt: Whisper, recordings: Path) -> None:
    audio = pcm(recordings, "card_ten_of_clubs")
    (found,) = await hear(stt, [audio], language="auto")
    (asked,) = await hear(stt, [audio], language="cy-GB")
    assert found.language in stt.capabilities.languages
    assert asked.language == "cy"


async def test_terms_are_leant_to_and_phrases_are_not(stt: Whisper, recordings: Path) -> None:
    audio = pcm(recordings, "card_ten_of_clubs")
    (free,) = await hear(stt, [audio])
    (leaning,) = await hear(stt, [audio], key_terms=("bagu", "dafe"))
    assert leaning.text != free.text
    async with asyncio.timeout(30), stt.stream(SttOptions(phrases=("bagu dafe",))) as stream:
        stream.expect(["dafe bagu"])
        say(stream, audio)
        await stream.finish()
        assert await finals(stream) == [free]


async def test_terms_left_out_are_counted_in_the_log(stt: Whisper) -> None:
    with capture_logs() as logs:
        await hear(stt, [SILENCE], key_terms=("secret",) * 21)
    (said,) = logs
    assert (said["event"], said["count"]) == ("key terms left out", 1)
    assert "secret" not in str(said)


async def test_finishing_finalizes_what_was_said_last(stt: Whisper, recordings: Path) -> None:
    async with stt.stream(SttOptions()) as stream:
        stream.send(pcm(recordings, "card_ten_of_clubs"))
        await stream.finish()
        await stream.finish()
        (final,) = await finals(stream)
        assert final.text
        with pytest.raises(UnavailableError, match="over"):
            stream.send(SILENCE)
    assert await finals(stream) == []


async def test_calls_take_turns(stt: Whisper, recordings: Path) -> None:
    audio = pcm(recordings, "card_ten_of_clubs")
    heard: list[int] = []

    async def call(number: int) -> None:
        async with stt.stream(SttOptions(interim_results=False)) as stream:
            for _ in range(3):
                say(stream, audio)
            await stream.finish()
            async for _ in stream:
                heard.append(number)

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        for number in range(4):
            group.create_task(call(number))
    assert [sorted(heard[at : at + 4]) for at in (0, 4, 8)] == [[0, 1, 2, 3]] * 3


async def test_there_are_no_more_calls_than_can_be_served(stt: Whisper) -> None:
    assert stt.capacity == 4
    opened = [stt.stream(SttOptions()) for _ in range(4)]
    streams = [await stream.__aenter__() for stream in opened]
    with pytest.raises(CapacityError, match="WHISPER_PROCESSES") as refusal:
        async with stt.stream(SttOptions()):
            pass
    assert refusal.value.retryable
    for stream in opened:
        await stream.__aexit__(None, None, None)
    assert len(streams) == len(await hear(stt, [SILENCE] * 4))


async def test_speech_that_waits_is_bounded(
    stt: Whisper, recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whisper_stream, "MAX_LAG_MS", 3_000)
    audio = pcm(recordings, "austen_0890")
    async with stt.stream(SttOptions()) as stream:
        say(stream, audio)
        stream.send(b"")  # nothing of it is lost
        with pytest.raises(DeadlineError, match="lags 3 s behind") as refusal:
            stream.send(audio)
        assert refusal.value.retryable
        with pytest.raises(DeadlineError, match="lags 3 s behind"):
            await finals(stream)
    assert await hear(stt, [SILENCE])


async def test_who_takes_over_from_one_that_lags_hears_all_of_the_utterance(
    stt: Whisper, recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first piece of a long utterance waits, and then the rest of it is not taken.
    monkeypatch.setattr(whisper_stream, "MAX_LAG_MS", 3_000)
    monkeypatch.setattr(whisper_stream, "PIECE_MS", 8_000)
    audio = pcm(recordings, "austen_0890") * 3
    other = Recognizer(texts=["the words"])
    recognizers = [Candidate[SttProvider]("whisper", stt), Candidate[SttProvider]("other", other)]
    relay = Relay(Fallback(recognizers), SttOptions(audio=PCM16_16K, interim_results=False))
    await decoded(stt)
    (pid,) = stt.pids
    os.kill(pid, signal.SIGSTOP)
    events: list[SttEvent] = []
    async with running(relay.run(events.append)):
        await until(lambda: relay.utterances)
        relay.speech_started(0)
        for start in range(0, len(audio), 3_200):
            relay.feed(audio[start : start + 3_200], start / 32 + 100)
        relay.finalize()
        await until(lambda: events)
    os.kill(pid, signal.SIGCONT)
    assert events == [Transcript("the words", True, confidence=0.9)]
    assert bytes(other.current.audio) == audio
    assert relay.lost_ms == 0


async def test_a_fault_of_ours_ends_the_stream(
    stt: Whisper, recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stt._decoders, "decode", None)
    async with asyncio.timeout(5), stt.stream(SttOptions(interim_results=False)) as stream:
        say(stream, pcm(recordings, "card_ten_of_clubs"))
        with pytest.raises(ProviderError, match="TypeError") as failure:
            await finals(stream)
    assert not failure.value.retryable


async def test_half_a_sample_is_refused(stt: Whisper) -> None:
    async with stt.stream(SttOptions()) as stream:
        with pytest.raises(ValueError, match="size"):
            stream.send(b"abc")


@pytest.mark.parametrize("options", [{"language": "tlh"}, {"audio": ULAW_8K}])
async def test_what_it_cannot_do_is_refused_with_advice(
    stt: Whisper, options: dict[str, Any]
) -> None:
    with pytest.raises(UnsupportedError) as refusal:
        async with stt.stream(SttOptions(**options)):
            pass
    assert refusal.value.hint


async def test_leaving_ends_whoever_waits_and_frees_the_process(
    stt: Whisper, recordings: Path
) -> None:
    tasks = asyncio.all_tasks()
    async with stt.stream(SttOptions()) as stream:
        waiting = asyncio.create_task(finals(stream))
        say(stream, pcm(recordings, "austen_0890"))
        await until(lambda: not stt._decoders.spare)
    async with asyncio.timeout(5):
        assert await waiting == []
    assert asyncio.all_tasks() == tasks
    await until(lambda: stt._decoders.spare)


async def test_a_killed_process_costs_no_word(stt: Whisper, recordings: Path) -> None:
    audio = pcm(recordings, "card_ten_of_clubs")
    (expected,) = await hear(stt, [audio], interim_results=False)
    await decoded(stt)
    (pid,) = stt.pids
    os.kill(pid, signal.SIGSTOP)
    async with asyncio.timeout(30), stt.stream(SttOptions(interim_results=False)) as stream:
        say(stream, audio)
        await until(lambda: not stt._decoders.spare)
        os.kill(pid, signal.SIGKILL)
        await stream.finish()
        assert await finals(stream) == [expected]
    assert stt.pids != [pid]


async def test_a_process_that_hangs_is_reported_and_replaced(
    stt: Whisper, recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whisper_stream, "DEADLINE_S", 0.05)
    await decoded(stt)
    (pid,) = stt.pids
    os.kill(pid, signal.SIGSTOP)
    async with stt.stream(SttOptions(interim_results=False)) as stream:
        say(stream, pcm(recordings, "card_ten_of_clubs"))
        with pytest.raises(DeadlineError, match="took longer than") as failure:
            await finals(stream)
        with pytest.raises(DeadlineError):
            stream.finalize()
    assert failure.value.retryable
    await until(lambda: stt.pids not in ([], [pid]))
    await until(lambda: stt._decoders.spare)


async def test_closing_ends_the_processes_and_fails_open_streams(model: str) -> None:
    provider = Whisper(model=model)
    with pytest.raises(UnavailableError, match="start"):
        async with provider.stream(SttOptions()):
            pass
    tasks = asyncio.all_tasks()
    await provider.start()
    await provider.start()
    (pid,) = provider.pids
    async with provider.stream(SttOptions()) as stream:
        await provider.aclose()
        with pytest.raises(UnavailableError, match="closed"):
            await anext(aiter(stream))
    assert not os.path.exists(f"/proc/{pid}")  # noqa: ASYNC240 - no file: the kernel answers
    assert asyncio.all_tasks() == tasks
    with pytest.raises(UnavailableError, match="start"):
        async with provider.stream(SttOptions()):
            pass


async def test_a_model_that_is_not_there_is_told_at_the_start() -> None:
    provider = Whisper(model="/nowhere")
    with pytest.raises(MissingKeyError, match="there is no directory '/nowhere'") as refusal:
        await provider.start()
    assert not refusal.value.retryable
    assert provider.pids == []


async def test_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingKeyError, match="WHISPER_MODEL is not set"):
        Whisper()
    with pytest.raises(ValueError, match="at least 1"):
        Whisper(model="small", processes=0)
    monkeypatch.setattr(whisper_pool, "find_spec", lambda name: None)
    with pytest.raises(MissingKeyError, match=r"parley\[whisper\]"):
        Whisper(model="small")
