"""Whole recordings understood: by doors, in pieces, as streams, and by who is left."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from media.audio import (
    PCM16_8K,
    PCM16_16K,
    ULAW_8K,
    AudioFormat,
    Encoding,
    pcm_to_ulaw,
    ulaw_to_pcm,
)
from media.files import write_wav
from providers.audio import Limits, OpenAudio, open_audio
from providers.ears import Ears
from providers.errors import (
    AudioTooLargeError,
    AuthenticationError,
    FileError,
    InvalidAudioError,
    UnavailableError,
    UnsupportedLanguageError,
)
from providers.fallback import Candidate, Fallback
from providers.health import REST_S
from providers.library import transcription
from providers.library.transcription import AsStream, ByDoor, Transcriber, transcribe_by_one_of
from providers.options import SttOptions
from providers.results import TranscriptionResult
from providers.types import SttProvider
from tests.bot.engines import Recognizer, RecognizerStream, tone
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.recordings import computed_script
from tests.virtual_time import virtual_time, virtual_time_on_sockets

from .hearing import SCRIPT, OracleDoor, Timed, ears, remote, said_in, soniox

LONG = computed_script([f"Sentence number {word}." for word in ["one", "two", "three", "four"]])
"""Ten seconds, with a second between sentences."""

Opened = Callable[[], AbstractAsyncContextManager[OpenAudio]]


async def hearing() -> Ears:
    return ears()


def opened(audio: bytes, name: str = "call.ulaw", limits: Limits | None = None) -> Opened:
    """A recording, as it is opened for each who tries."""
    return lambda: open_audio(audio, limits=limits or Limits(), name=name)


def words(result: TranscriptionResult) -> list[Timed]:
    return [(word.text, word.start_ms, word.end_ms) for word in result.words]


async def transcribe(
    *transcribers: Transcriber,
    audio: Opened | None = None,
    told: list[tuple[float, float | None]] | None = None,
    language: str = "en-US",
    model: str | None = None,
    diarization: bool = False,
) -> TranscriptionResult:
    told = [] if told is None else told
    return await transcribe_by_one_of(
        transcribers,
        audio or opened(SCRIPT.audio),
        SttOptions(language=language, model=model, diarization=diarization),
        lambda done_ms, whole_ms: told.append((done_ms, whole_ms)),
    )


def by_door(door: OracleDoor) -> ByDoor:
    return ByDoor(Candidate(door.name, door))


@virtual_time
async def test_a_door_gets_a_recording_at_once() -> None:
    door, told = OracleDoor(), list[tuple[float, float | None]]()
    result = await transcribe(by_door(door), told=told)
    assert words(result) == said_in(SCRIPT)
    duration_ms = ULAW_8K.duration_ms(len(SCRIPT.audio))
    assert (result.provider, result.duration_ms, result.language) == ("door", duration_ms, "en-US")
    assert [(audio.container, audio.format) for audio in door.taken] == [("wav", PCM16_8K)]
    ((done_ms, whole_ms),) = told
    assert done_ms == pytest.approx(duration_ms, abs=1_500)
    assert whole_ms == duration_ms


@virtual_time
async def test_long_recordings_are_cut_where_nobody_speaks_and_their_times_put_right() -> None:
    door = OracleDoor(LONG, max_ms=4_000)
    result = await transcribe(by_door(door), audio=opened(LONG.audio))
    assert len(door.taken) > 2
    assert words(result) == said_in(LONG)
    assert result.text == LONG.text
    by_size = OracleDoor(LONG, max_bytes=2 * 8 * 4_000 + 44)
    result = await transcribe(by_door(by_size), audio=opened(LONG.audio))
    assert [len(audio.data) for audio in by_size.taken] == [len(a.data) for a in door.taken]
    assert words(result) == said_in(LONG)


@pytest.mark.parametrize(("diarization", "pieces"), [(False, 4), (True, 1)])
@virtual_time
async def test_who_waits_sees_that_it_goes_on(
    monkeypatch: pytest.MonkeyPatch, diarization: bool, pieces: int
) -> None:
    monkeypatch.setattr(transcription, "PIECE_MS", 4_000)
    door, told = OracleDoor(LONG), list[tuple[float, float | None]]()
    await transcribe(by_door(door), audio=opened(LONG.audio), told=told, diarization=diarization)
    assert len(door.taken) == len(told) == pieces
    assert told == sorted(told)


@virtual_time
async def test_the_same_recording_cut_blindly_is_not_understood() -> None:
    # The control for the test above: the oracle does miss words that are cut.
    door = OracleDoor(LONG)
    half = len(LONG.audio) // 2 + 6_000
    parts = [LONG.audio[:half], LONG.audio[half:]]
    heard = [await transcribe(by_door(door), audio=opened(part)) for part in parts]
    assert sum(len(words(result)) for result in heard) < len(said_in(LONG))


@virtual_time
async def test_doors_get_what_they_take() -> None:
    telephone = OracleDoor(containers=(), raw=(AudioFormat(Encoding.ULAW, 8_000), PCM16_16K))
    assert words(await transcribe(by_door(telephone))) == said_in(SCRIPT)
    assert [(audio.container, audio.format) for audio in telephone.taken] == [("raw", PCM16_16K)]
    file = io.BytesIO()
    write_wav(file, ulaw_to_pcm(SCRIPT.audio), 8_000)
    door = OracleDoor()
    result = await transcribe(by_door(door), audio=opened(file.getvalue(), name=""))
    assert words(result) == said_in(SCRIPT)


@virtual_time
async def test_silence_costs_nothing() -> None:
    door = OracleDoor()
    result = await transcribe(by_door(door), audio=opened(ULAW_8K.silence(3_000)))
    assert (result.text, result.duration_ms, door.taken) == ("", 3_000, [])


@virtual_time_on_sockets
async def test_who_has_no_door_gets_a_stream() -> None:
    told: list[tuple[float, float | None]] = []
    loop = asyncio.get_running_loop()
    async with soniox() as (standin, stt):
        began_s = loop.time()
        result = await transcribe(AsStream(stt, hearing), told=told)
        assert words(result) == said_in(SCRIPT)
        assert loop.time() - began_s > 4  # as it is spoken, about
        assert len(standin.stt) == 1
    duration_ms = ULAW_8K.duration_ms(len(SCRIPT.audio))
    assert (result.provider, result.duration_ms) == ("soniox", duration_ms)
    assert told[-1] == (duration_ms, duration_ms)
    assert told == sorted(told)


@virtual_time_on_sockets
async def test_a_stream_goes_on_with_another_recognizer() -> None:
    fault = Fault("error", "word", 2_500, code=402, error_type="quota")
    async with soniox(fault) as (_, one), soniox() as (second, _):
        stt = Fallback([*one.candidates, Candidate("second", remote(second).provider)])
        result = await transcribe(AsStream(stt, hearing))
    assert (words(result), result.provider) == (said_in(SCRIPT), "second")


@virtual_time
async def test_the_next_one_hears_all_of_it_when_a_door_fails() -> None:
    broken = OracleDoor(name="broken", failures=[UnavailableError("broken", "down")])
    door = OracleDoor()
    first = by_door(broken)
    with capture_logs() as logs:
        result = await transcribe(first, by_door(door))
    assert (result.provider, words(result)) == ("door", said_in(SCRIPT))
    assert [log["event"] for log in logs] == ["provider rests", "recording was not understood"]
    assert not first.well
    # Who rests is asked last, until it has rested.
    result = await transcribe(first, by_door(door))
    assert (result.provider, len(broken.taken)) == ("door", 1)
    await asyncio.sleep(REST_S[0])
    assert first.well
    assert (await transcribe(first, by_door(door))).provider == "broken"
    assert first.candidate.health.well


@virtual_time
async def test_a_model_is_the_preferred_ones() -> None:
    one = OracleDoor(name="one", failures=[AuthenticationError("one", "the key was refused")] * 2)
    two = OracleDoor(name="two", failures=[UnavailableError("two", "down")] * 2)
    engine = Recognizer(["hello"] * 2)
    stream = AsStream(Fallback([Candidate[SttProvider](engine.name, engine)]), hearing)
    doors = by_door(one), by_door(two)
    audio = opened(pcm_to_ulaw(tone(1_000)))
    with capture_logs() as logs:
        for _ in range(2):
            result = await transcribe(*doors, stream, audio=audio, model="nova-3")
            assert (result.text, result.provider) == ("hello", "recognizer")
    assert one.models == ["nova-3"] * len(one.models)
    assert two.models == [None] * len(two.models)
    assert [one.options.model for one in engine.streams] == [None, None]
    said = [log for log in logs if "preferred provider alone" in log["event"]]
    assert [(log["provider"], log["options"]) for log in said] == [
        ("two", ["model"]),
        ("recognizer", ["model"]),
    ]
    assert (await transcribe(stream, audio=audio, model="tiny")).text == ""
    assert engine.streams[-1].options.model == "tiny"


@virtual_time
async def test_when_all_fail_the_first_ones_reason_is_told() -> None:
    refused = AuthenticationError("one", "the key was refused")
    one = OracleDoor(name="one", failures=[refused])
    two = OracleDoor(name="two", failures=[UnavailableError("two", "down")])
    with pytest.raises(AuthenticationError):
        await transcribe(by_door(one), by_door(two))


@virtual_time
async def test_a_recording_that_cannot_be_read_is_nobodys_fault(tmp_path: Path) -> None:
    door = OracleDoor()
    transcriber = by_door(door)
    for audio, kind in (
        (opened(b"no audio", name="a.mp3"), InvalidAudioError),
        (lambda: open_audio(tmp_path / "none.wav"), FileError),
        (opened(SCRIPT.audio, limits=Limits(max_duration_s=2)), AudioTooLargeError),
    ):
        with pytest.raises(kind):
            await transcribe(transcriber, by_door(OracleDoor(name="other")), audio=audio)
    assert transcriber.well


@virtual_time
async def test_a_language_that_nobody_understands() -> None:
    engine: SttProvider = Recognizer()
    stream = AsStream(Fallback([Candidate(engine.name, engine)]), hearing)
    with pytest.raises(UnsupportedLanguageError, match="language 'tlh' is not on offer"):
        await transcribe(by_door(OracleDoor()), stream, language="tlh")
    assert stream.well


@virtual_time
async def test_what_may_still_change_is_no_part_of_it() -> None:
    class Hasty(Recognizer):
        """Gives interim results whether they are wanted or not."""

        @asynccontextmanager
        async def stream(self, options: SttOptions) -> AsyncIterator[RecognizerStream]:
            async with super().stream(options) as stream:
                stream.hear("hel")
                yield stream

    engine: SttProvider = Hasty(["hello"])
    stream = AsStream(Fallback([Candidate(engine.name, engine)]), hearing)
    assert (await transcribe(stream, audio=opened(pcm_to_ulaw(tone(1_000))))).text == "hello"
