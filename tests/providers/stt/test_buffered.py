"""A recognizer of recordings, used as a stream."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import numpy as np
import pytest

from media.audio import PCM16_8K, PCM16_16K, ULAW_8K, pcm_to_bytes
from media.files import read_wav_header
from providers.errors import (
    AuthenticationError,
    DeadlineError,
    ProviderError,
    UnavailableError,
    UnsupportedFormatError,
    UnsupportedLanguageError,
)
from providers.results import AudioData, Container, TranscriptionResult, Word
from providers.stt.buffered import BufferedStream, BufferedStt
from providers.types import SttCapabilities, SttOptions, Transcript
from tests.virtual_time import virtual_time

SAID = ("a", "journey", "of", "a", "thousand", "miles", "begins", "with", "a", "single", "step")
WORD_MS, GAP_MS = 300, 100
PIECE = PCM16_16K.byte_count(100)


def recording() -> bytes:
    """A noise for each word, all different, and a hush between them."""
    random = np.random.default_rng(1)
    parts = []
    for _ in SAID:
        parts.append(random.normal(0, 3000, WORD_MS * 16))
        parts.append(random.normal(0, 20, GAP_MS * 16))
    return pcm_to_bytes(np.concatenate(parts).astype(np.int16))


AUDIO = recording()
WORDS = [
    Word(text, at * (WORD_MS + GAP_MS), at * (WORD_MS + GAP_MS) + WORD_MS, 0.9)
    for at, text in enumerate(SAID)
]


@dataclass
class Door:
    """Knows the recording, and reads what is said in a piece of it.

    Attributes:
        asked: the pieces that it got, each with the options.
        takes_s: how long it takes.
        errors: raised, one for each piece; None is none.
        times: whether it tells when words were said.
    """

    takes_s: float = 0.1
    times: bool = True
    containers: tuple[Container, ...] = ("wav",)
    errors: list[ProviderError | None] = field(default_factory=list)
    asked: list[tuple[AudioData, SttOptions]] = field(default_factory=list)
    running: int = 0
    name: str = "door"
    max_bytes: int = 1 << 20
    max_ms: float | None = None

    @property
    def capabilities(self) -> SttCapabilities:
        options = frozenset({"key_terms", "diarization"})
        return SttCapabilities(
            languages=("en", "ar"), audio=(PCM16_16K,), word_times=self.times, options=options
        )

    async def transcribe(self, audio: AudioData, options: SttOptions) -> TranscriptionResult:
        assert not self.running
        self.asked.append((audio, options))
        self.running += 1
        try:
            await asyncio.sleep(self.takes_s)
        finally:
            self.running -= 1
        if self.errors and (error := self.errors.pop(0)) is not None:
            raise error
        data = audio.data if audio.container == "raw" else audio.data[44:]
        at_ms, ms = AUDIO.find(data[:640]) / 32, len(data) / 32
        words = []
        for word in WORDS if at_ms >= 0 else ():
            begin, end = max(word.start_ms, at_ms), min(word.end_ms, at_ms + ms)
            if end - begin > WORD_MS / 5:
                letters = len(word.text)
                first = round((begin - word.start_ms) / WORD_MS * letters)
                last = round((end - word.start_ms) / WORD_MS * letters)
                text = word.text[first:last] or word.text
                words.append(Word(text, round(begin - at_ms), round(end - at_ms), 0.9))
        text = " ".join(word.text for word in words)
        told = tuple(words) if self.times else ()
        return TranscriptionResult(text, "door", ms, options.language, None, told)

    async def aclose(self) -> None:
        pass


@dataclass
class Heard:
    """What a stream gave."""

    events: list[Transcript] = field(default_factory=list)

    @property
    def finals(self) -> list[str]:
        return [event.text for event in self.events if event.final]

    @property
    def interims(self) -> list[str]:
        return [event.text for event in self.events if not event.final]

    async def listen(self, stream: BufferedStream) -> None:
        async for event in stream:
            assert isinstance(event, Transcript)
            self.events.append(event)


async def speak(stream: BufferedStream, audio: bytes = AUDIO, pace_s: float = 0.1) -> None:
    for at in range(0, len(audio), PIECE):
        stream.send(audio[at : at + PIECE])
        await asyncio.sleep(pace_s)


async def talk(stt: BufferedStt, *utterances: bytes, **options: object) -> Heard:
    """Say these utterances, as fast as people do."""
    heard = Heard()
    asked = SttOptions(**options)  # type: ignore[arg-type]
    async with stt.stream(asked) as stream, asyncio.TaskGroup() as group:
        group.create_task(heard.listen(stream))
        for audio in utterances:
            await speak(stream, audio)
            stream.finalize()
        await stream.finish()
    return heard


@pytest.mark.parametrize("times", [True, False])
@pytest.mark.parametrize("buffer_ms", [400, 1_000, 1_700])
@virtual_time
async def test_an_utterance_is_understood_piece_by_piece(times: bool, buffer_ms: int) -> None:
    door = Door(times=times)
    heard = await talk(BufferedStt(door, buffer_ms, 190), AUDIO)
    assert heard.finals == [" ".join(SAID)]
    assert heard.interims == sorted(heard.interims, key=len)
    assert len(heard.interims) >= 4_400 // buffer_ms - 1
    assert len(door.asked) == pytest.approx(4_400 / buffer_ms, abs=1)
    for audio, _ in door.asked:
        assert audio.container == "wav"
        assert read_wav_header(audio.data).format == PCM16_16K
        assert len(audio.data) <= PCM16_16K.byte_count(buffer_ms + 380 + 100) + 44
    final = heard.events[-1]
    if times:
        assert final.words == tuple(WORDS)
        assert (final.start_ms, final.end_ms, final.confidence) == (0, 4_300, 0.9)
    assert final.language == "en-US"


@virtual_time
async def test_the_next_utterance_has_times_of_the_stream() -> None:
    heard = await talk(BufferedStt(Door()), AUDIO[: PIECE * 12], AUDIO)
    assert heard.finals == ["a journey of", " ".join(SAID)]
    assert heard.events[-1].words[0].start_ms == 1_200


@virtual_time
async def test_who_is_slower_than_speech_gets_longer_pieces() -> None:
    door = Door(takes_s=1.5)
    heard = await talk(BufferedStt(door, 500, 200), AUDIO)
    assert heard.finals == [" ".join(SAID)]
    assert len(door.asked) <= 4


@virtual_time
async def test_silence_is_not_sent() -> None:
    door = Door()
    silence = PCM16_16K.silence(1_500)
    heard = await talk(BufferedStt(door), silence, AUDIO[: PIECE * 20] + silence + silence)
    assert heard.finals == ["", "a journey of a thousand"]
    assert len(door.asked) == 2


@virtual_time
async def test_a_short_rest_is_heard_with_the_piece_before() -> None:
    door = Door()
    heard = await talk(BufferedStt(door), AUDIO[: PIECE * 22])
    assert heard.finals == ["a journey of a thousand mil"]
    lengths_ms = [round((len(audio.data) - 44) / 32) for audio, _ in door.asked]
    assert len(lengths_ms) == 3
    assert lengths_ms[2] == lengths_ms[1] + 200


@virtual_time
async def test_a_probe_is_heard_though_it_is_silent() -> None:
    door = Door()
    async with BufferedStt(door).stream(SttOptions()) as stream:
        stream.send(PCM16_16K.silence(100))
        await stream.finish()
        assert [event async for event in stream] == [Transcript("", True, 0, 100)]
    assert len(door.asked) == 1


@virtual_time
async def test_a_recognizer_that_takes_no_files_gets_samples() -> None:
    door = Door(containers=())
    stt = BufferedStt(door)
    assert stt.capabilities.audio == (PCM16_16K,)
    assert (await talk(stt, AUDIO)).finals == [" ".join(SAID)]
    assert {audio.container for audio, _ in door.asked} == {"raw"}


@virtual_time
async def test_options_reach_the_recognizer() -> None:
    door = Door()
    stt = BufferedStt(door)
    assert stt.capabilities.options == {"key_terms", "interim_results"}
    assert (stt.name, stt.capabilities.utterances) == ("door-files", True)
    heard = await talk(
        stt, AUDIO, key_terms=("miles",), interim_results=False, diarization=True, phrases=("a b",),
        endpointing_ms=500, model="large",
    )  # fmt: skip
    assert heard.interims == []
    asked = door.asked[0][1]
    assert (asked.key_terms, asked.phrases, asked.model) == (("miles",), ("a b",), "large")
    assert not asked.diarization
    assert asked.endpointing_ms is None


@virtual_time
async def test_other_phrases_are_for_the_next_utterance() -> None:
    door = Door()
    async with BufferedStt(door).stream(SttOptions(phrases=("one",))) as stream:
        stream.send(AUDIO[:PIECE])
        stream.expect(["two"])
        stream.finalize()
        stream.send(AUDIO[:PIECE])
        stream.finalize()
        await stream.finish()
        assert len([event async for event in stream]) == 2
    assert [options.phrases for _, options in door.asked] == [("one",), ("two",)]


@pytest.mark.parametrize(
    "error", [UnavailableError("door", "away"), AuthenticationError("door", "no")]
)
@virtual_time
async def test_errors_are_the_streams(error: ProviderError) -> None:
    door = Door(errors=[None, error])
    async with BufferedStt(door).stream(SttOptions()) as stream:
        await speak(stream, AUDIO[: PIECE * 15])
        assert isinstance(await anext(stream), Transcript)
        stream.finalize()
        with pytest.raises(type(error)) as raised:
            await anext(stream)
        assert raised.value is error
        with pytest.raises(type(error)):
            stream.send(AUDIO[:PIECE])


@virtual_time
async def test_a_fault_of_the_recognizer_ends_the_stream() -> None:
    door = Door()
    door.errors = [ValueError("a fault")]  # type: ignore[list-item]
    async with BufferedStt(door).stream(SttOptions()) as stream:
        stream.send(AUDIO)
        with pytest.raises(ProviderError, match="ValueError"):
            await anext(stream)


@virtual_time
async def test_a_piece_has_a_deadline() -> None:
    began_s = asyncio.get_running_loop().time()
    async with BufferedStt(Door(takes_s=1_000)).stream(SttOptions()) as stream:
        stream.send(AUDIO)
        with pytest.raises(DeadlineError) as raised:
            await anext(stream)
    assert raised.value.retryable
    assert asyncio.get_running_loop().time() - began_s == pytest.approx(20, abs=0.1)


@virtual_time
async def test_nobody_waits_for_a_minute_of_speech() -> None:
    async with BufferedStt(Door(takes_s=19)).stream(SttOptions()) as stream:
        for _ in range(14):
            stream.send(AUDIO)
            stream.finalize()
        with pytest.raises(DeadlineError):
            stream.send(AUDIO)


@virtual_time
async def test_who_leaves_waits_for_nothing() -> None:
    door = Door(takes_s=10)
    async with BufferedStt(door).stream(SttOptions()) as stream:
        stream.send(AUDIO)
        await asyncio.sleep(1)
        assert door.running == 1
    assert door.running == 0
    with pytest.raises(UnavailableError):
        stream.send(AUDIO)
    await stream.finish()


@virtual_time
async def test_a_provider_that_is_closed_fails_its_streams() -> None:
    stt = BufferedStt(Door())
    await stt.start()
    async with stt.stream(SttOptions()) as stream:
        await stt.aclose()
        with pytest.raises(UnavailableError):
            await anext(stream)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (SttOptions(language="de"), UnsupportedLanguageError),
        (SttOptions(audio=ULAW_8K), UnsupportedFormatError),
    ],
)
async def test_what_is_not_on_offer(options: SttOptions, error: type[ProviderError]) -> None:
    with pytest.raises(error):
        async with BufferedStt(Door()).stream(options):
            pass


async def test_telephone_audio_goes_as_it_is() -> None:
    assert BufferedStt(Door()).capabilities.audio == (PCM16_16K, PCM16_8K)


async def test_half_a_sample_is_refused() -> None:
    async with BufferedStt(Door()).stream(SttOptions()) as stream:
        stream.send(b"")
        with pytest.raises(ValueError, match="multiple"):
            stream.send(b"abc")
