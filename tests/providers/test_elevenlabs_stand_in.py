"""ElevenLabs' providers on its stand-in: what this vendor has that others have not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import Any

import pytest

from media.audio import PCM16_8K, PCM16_16K, ULAW_8K, Encoding, encode
from media.files import wav_header
from providers.catalog import build_file_stt, build_stt, build_tts
from providers.errors import (
    ApiError,
    AuthenticationError,
    ProviderError,
    QuotaError,
    RateLimitError,
    UnsupportedError,
)
from providers.results import AudioData
from providers.types import (
    SttOptions,
    SynthesisChunk,
    Transcript,
    TtsOptions,
    TtsProvider,
    WordPosition,
)
from tests.providers.stt.streaming import Listener, attended, said_in, speak
from tests.vendors.elevenlabs.access import ACCESS
from tests.vendors.elevenlabs.limits import Limits
from tests.vendors.elevenlabs.offer import DEFAULT_VOICE, VOICES
from tests.vendors.elevenlabs.standin import ElevenLabsStandIn
from tests.vendors.speech.faults import Fault, When
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.script import Script
from tests.vendors.speech.voices import CHARACTER_MS, tones
from tests.virtual_time import virtual_time_on_sockets

TEXT = "How may I help you today?"
ULAW = SttOptions(audio=ULAW_8K)


@asynccontextmanager
async def served(script: Script, **options: Any) -> AsyncIterator[ElevenLabsStandIn]:
    async with ElevenLabsStandIn(OracleHearing(script), **options) as standin:
        yield standin


def listening(
    standin: ElevenLabsStandIn, options: SttOptions = ULAW
) -> AbstractAsyncContextManager[Listener]:
    """A stream, and somebody who iterates it."""
    provider = build_stt("elevenlabs", **ACCESS.settings(standin))
    return attended(provider.stream(options))


async def understood(
    standin: ElevenLabsStandIn, audio: bytes, options: SttOptions = ULAW, piece_ms: int = 100
) -> Listener:
    async with listening(standin, options) as listener:
        size = options.audio.byte_count(piece_ms)
        for at in range(0, len(audio), size):
            listener.stream.send(audio[at : at + size])
            await asyncio.sleep(piece_ms / 1000)
        await listener.stream.finish()
        await listener.end()
    return listener


@asynccontextmanager
async def speaking(
    script: Script, name: str = "elevenlabs", **options: Any
) -> AsyncIterator[tuple[TtsProvider, ElevenLabsStandIn]]:
    async with served(script, **options) as standin:
        tts = build_tts(name, **ACCESS.settings(standin))
        try:
            yield tts, standin
        finally:
            await tts.aclose()


async def chunks(
    tts: TtsProvider, text: str = TEXT, options: TtsOptions | None = None
) -> list[SynthesisChunk]:
    async with asyncio.timeout(60), aclosing(tts.synthesize(text, options or TtsOptions())) as all_:
        return [chunk async for chunk in all_]


def joined(pieces: Iterable[SynthesisChunk]) -> bytes:
    return b"".join(piece.audio for piece in pieces)


def ulaw(text: str) -> bytes:
    """What the stand-in says for a text."""
    return encode(tones(text, 8_000), Encoding.ULAW)


@pytest.mark.parametrize("audio_format", [ULAW_8K, PCM16_16K, PCM16_8K], ids=str)
@virtual_time_on_sockets
async def test_a_stream_is_understood(script: Script, audio_format: Any) -> None:
    async with served(script) as standin:
        options = SttOptions(audio=audio_format)
        listener = await understood(standin, script.audio_in(audio_format), options)
        assert (listener.error, listener.words) == (None, said_in(script))
        (record,) = standin.records["stt"]
        assert record.complaints == []
        assert record.query["language_code"] == ["en"]


@virtual_time_on_sockets
async def test_each_finalization_is_answered_once(script: Script) -> None:
    half = len(script.audio) // 2
    async with served(script) as standin, listening(standin) as listener:
        for part in (script.audio[:half], script.audio[half:], b"", ULAW_8K.silence(100)):
            await speak(listener.stream, part)
            listener.stream.finalize()
        await listener.stream.finish()
        await listener.end()
        kinds = [answer["message_type"] for answer in standin.records["stt"][0].answers]
        assert "commit_throttled" not in kinds
    assert listener.error is None
    texts = [transcript.text for transcript in listener.finals]
    assert texts == ["Hello, this is Parley.", "How may I help you today?", "", ""]
    assert listener.words == said_in(script)
    interims = [e.text for e in listener.events if isinstance(e, Transcript) and not e.final]
    assert "How may" in interims


PLACES: list[tuple[When, float]] = [
    ("word", 1_200),
    ("interim", 500),
    ("final", 0),
    ("finish", 0),
    ("audio", 4_000),
]


@pytest.mark.parametrize("kind", ["reset", "close", "session_time_limit_exceeded"])
@pytest.mark.parametrize(("when", "at_ms"), PLACES)
@virtual_time_on_sockets
async def test_no_word_is_lost_with_a_session(
    script: Script, kind: Any, when: When, at_ms: float
) -> None:
    if kind in ("reset", "close"):
        fault = Fault(kind, when, at_ms)
    else:
        fault = Fault("error", when, at_ms, code=400, error_type=kind)
    half = len(script.audio) // 2
    async with served(script, faults={"stt": [fault]}) as standin, listening(standin) as listener:
        for part in (script.audio[:half], script.audio[half:]):
            await speak(listener.stream, part)
            listener.stream.finalize()
        await listener.stream.finish()
        await listener.end()
        assert len(standin.records["stt"]) == 2
    assert (listener.error, listener.words) == (None, said_in(script))
    assert len(listener.finals) == 2


@virtual_time_on_sockets
async def test_a_line_without_audio_is_kept(script: Script) -> None:
    async with served(script) as standin, listening(standin) as listener:
        await speak(listener.stream, script.audio[:24_000])
        await asyncio.sleep(60)
        await speak(listener.stream, script.audio[24_000:])
        await listener.stream.finish()
        await listener.end()
        # The silence of ours is nowhere in the times.
        assert (listener.error, listener.words) == (None, said_in(script))
        assert len(standin.records["stt"]) == 1


@virtual_time_on_sockets
async def test_a_line_that_is_silent_for_long_is_committed_by_us(script: Script) -> None:
    """So little is sent again when the session is lost, and nothing is an answer to nobody."""
    lost = Fault("reset", "audio", 65_000)
    async with served(script, faults={"stt": [lost]}) as standin, listening(standin) as listener:
        await speak(listener.stream, ULAW_8K.silence(66_000))
        await speak(listener.stream, script.audio)
        listener.stream.finalize()
        await listener.stream.finish()
        await listener.end()
        first, second = standin.records["stt"]
        commits = [message["commit"] for message in first.messages]
        assert commits.count(True) == 3
        # What was looked at and is 2 s old is not sent again.
        assert second.audio_bytes < ULAW_8K.byte_count(8_000) + len(script.audio)
    assert listener.error is None
    assert [word for word, _, _ in listener.words] == script.text.split()
    assert [final.text for final in listener.finals] == [script.text]


@virtual_time_on_sockets
async def test_what_the_vendor_commits_by_itself_is_not_lost(script: Script) -> None:
    limits = Limits(auto_commit_ms=2_000)
    async with served(script, limits=limits) as standin, listening(standin) as listener:
        await speak(listener.stream, script.audio)
        listener.stream.finalize()
        await listener.stream.finish()
        await listener.end()
    assert (listener.error, listener.words) == (None, said_in(script))
    assert [final.text for final in listener.finals] == [script.text]


@virtual_time_on_sockets
async def test_words_whose_times_do_not_come_are_not_waited_for_long(script: Script) -> None:
    half = len(script.audio) // 2
    limits = Limits(timed_commits=1)
    async with served(script, limits=limits) as standin, listening(standin) as listener:
        for part in (script.audio[:half], script.audio[half:]):
            await speak(listener.stream, part)
            listener.stream.finalize()
            await asyncio.sleep(0.6)
        assert [final.text for final in listener.finals] == [
            "Hello, this is Parley.",
            "How may I help you today?",
        ]
        assert len(standin.records["stt"]) == 1


@virtual_time_on_sockets
async def test_no_word_is_lost_where_no_times_come(script: Script) -> None:
    async with served(script, limits=Limits(timed_commits=0)) as standin:
        async with listening(standin) as listener:
            await speak(listener.stream, script.audio)
            # Long enough for commits in the pauses.
            await speak(listener.stream, ULAW_8K.silence(45_000))
            await speak(listener.stream, script.audio)
            began_s = asyncio.get_running_loop().time()
            await listener.stream.finish()
            await listener.end()
            assert asyncio.get_running_loop().time() - began_s < 1
        assert (listener.error, len(standin.records["stt"])) == (None, 1)
    assert " ".join(final.text for final in listener.finals) == f"{script.text} {script.text}"


@virtual_time_on_sockets
async def test_times_are_waited_for_from_the_text_on(script: Script) -> None:
    options = {"faults": {"stt": [Fault("trickle", delay_ms=450)]}}
    limits = Limits(times_after_s=0.3)
    async with (
        served(script, limits=limits, **options) as standin,
        listening(standin) as listener,
    ):
        await speak(listener.stream, script.audio)
        listener.stream.finalize()
        await asyncio.sleep(1)
        assert (listener.error, listener.words) == (None, said_in(script))


@virtual_time_on_sockets
async def test_terms_and_languages_are_told(script: Script) -> None:
    options = SttOptions(
        audio=ULAW_8K, language="auto", languages=("de",), key_terms=("Winterbottom", "x" * 21)
    )
    async with served(script) as standin:
        listener = await understood(standin, script.audio, options)
        assert (listener.error, {final.language for final in listener.finals}) == (None, {"en"})
        query = standin.records["stt"][0].query
        assert (query["keyterms"], query["secondary_languages"]) == (["Winterbottom"], ["de"])


@pytest.mark.parametrize("way", ["upgrade", "message"])
@pytest.mark.parametrize("name", ["stt", "elevenlabs", "elevenlabs-http"])
@virtual_time_on_sockets
async def test_a_wrong_key_is_told(script: Script, name: str, way: Any) -> None:
    async with served(script, api_key="another", wrong_key=way) as standin:
        settings = {**ACCESS.settings(standin), "api_key": "wrong-key"}
        if name == "stt":
            with pytest.raises(AuthenticationError, match="ELEVENLABS_API_KEY") as raised:
                await build_stt("elevenlabs", **settings).start()
        else:
            tts = build_tts(name, **settings)
            with pytest.raises(AuthenticationError, match="ELEVENLABS_API_KEY") as raised:
                await chunks(tts)
            await tts.aclose()
        assert "wrong-key" not in str(raised.value)


REFUSALS: list[tuple[Fault, type[ProviderError]]] = [
    (Fault("quota"), QuotaError),
    (Fault("error", "open", code=402), QuotaError),
    (Fault("error", "open", code=400), ApiError),
    (Fault("denied"), AuthenticationError),
]


@pytest.mark.parametrize(("fault", "kind"), REFUSALS)
@virtual_time_on_sockets
async def test_refusals(script: Script, fault: Fault, kind: type[ProviderError]) -> None:
    services = ("stt", "tts", "tts-http", "files")
    async with served(script, faults={service: [fault] * 9 for service in services}) as standin:
        settings = ACCESS.settings(standin)
        with pytest.raises(kind):
            await build_stt("elevenlabs", **settings).start()
        for name in ACCESS.tts:
            tts = build_tts(name, **settings)
            with pytest.raises(kind):
                await chunks(tts)
            await tts.aclose()
        files = build_file_stt("elevenlabs", **settings)
        with pytest.raises(kind):
            await files.transcribe(AudioData(script.audio, ULAW_8K), SttOptions())
        await files.aclose()


@virtual_time_on_sockets
async def test_one_too_many_is_told_with_the_wait(script: Script) -> None:
    limit = Fault("limited", retry_after_s=2)
    async with speaking(script, "elevenlabs-http", faults={"tts-http": [limit, limit]}) as (tts, _):
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(RateLimitError):
            await chunks(tts)
        assert asyncio.get_running_loop().time() - began_s == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("name", ["elevenlabs", "elevenlabs-http"])
@virtual_time_on_sockets
async def test_a_text_is_spoken(script: Script, name: str) -> None:
    async with speaking(script, name) as (tts, standin):
        await tts.start()
        assert tts.reached
        assert joined(await chunks(tts)) == ulaw(TEXT)
        options = TtsOptions(speed=1.2, stability=0.5, pronunciations=("d1",))
        faster = joined(await chunks(tts, TEXT, options))
        assert len(faster) == len(encode(tones(TEXT, 8_000, 1.2), Encoding.ULAW))
        for records in standin.records.values():
            assert all(record.complaints == [] for record in records)


@virtual_time_on_sockets
async def test_of_marks_alone_nothing_is_asked_for(script: Script) -> None:
    async with speaking(script) as (tts, standin):
        assert await chunks(tts, "…") == []
        assert standin.records["tts"] == []


@virtual_time_on_sockets
async def test_ssml_is_spoken_whole_or_not_at_all(script: Script) -> None:
    ssml = TtsOptions(ssml=True)
    async with speaking(script) as (tts, standin):
        text = f'<speak>{TEXT} <break time="{"0" * 1_200}1s"/></speak>'
        await chunks(tts, text, ssml)
        (record,) = standin.records["tts"]
        assert [m["text"] for m in record.messages if m.get("flush")] == [f"{text} "]
        with pytest.raises(UnsupportedError, match="SSML"):
            await chunks(tts, f"<speak>{TEXT * 50}</speak>", ssml)


@virtual_time_on_sockets
async def test_words_are_placed_in_the_whole_text(script: Script) -> None:
    sentence = "Please tell me your name, and how I may help you today? "
    text = (sentence * 30).strip()
    async with speaking(script) as (tts, _):
        pieces = await chunks(tts, text)
    assert joined(pieces) == ulaw(text)
    placed = [word for piece in pieces for word in piece.words]
    assert [text[word.start : word.end] for word in placed] == text.split()
    assert placed[1] == WordPosition(7, 11, 7 * CHARACTER_MS)
    assert all(word.at_ms == pytest.approx(word.start * CHARACTER_MS, abs=1) for word in placed)


@pytest.mark.parametrize("kind", ["reset", "close", "stall"])
@pytest.mark.parametrize(("when", "at_ms"), [("audio", 0), ("audio", 480), ("finish", 0)])
@virtual_time_on_sockets
async def test_words_come_once_though_the_connection_is_lost(
    script: Script, kind: Any, when: When, at_ms: float
) -> None:
    fault = Fault(kind, when, at_ms)
    async with speaking(script, faults={"tts": [fault]}, pace=2.0) as (tts, standin):
        pieces = await chunks(tts)
        assert len(standin.records["tts"]) == 2
    assert joined(pieces) == ulaw(TEXT)
    assert [TEXT[w.start : w.end] for piece in pieces for w in piece.words] == TEXT.split()


@virtual_time_on_sockets
async def test_each_voice_has_a_connection_of_its_own(script: Script) -> None:
    hers = TtsOptions(voice=VOICES[1]["voice_id"])
    async with speaking(script) as (tts, standin):
        results = await asyncio.gather(*(chunks(tts, TEXT, o) for o in (TtsOptions(), hers) * 3))
        assert {joined(result) for result in results} == {ulaw(TEXT)}
        spoken_by = [record.params["voice_id"] for record in standin.records["tts"]]
        assert sorted(spoken_by) == sorted([DEFAULT_VOICE, VOICES[1]["voice_id"]])


@virtual_time_on_sockets
async def test_a_voice_takes_the_place_of_one_that_nobody_needs(script: Script) -> None:
    hers = TtsOptions(voice=VOICES[1]["voice_id"])
    async with speaking(script, limits=Limits(at_once=1)) as (tts, standin):
        await chunks(tts)
        assert joined(await chunks(tts, TEXT, hers)) == ulaw(TEXT)
        assert len(standin.records["tts"]) == 3


@virtual_time_on_sockets
async def test_more_texts_than_contexts(script: Script) -> None:
    async with speaking(script, pace=20.0) as (tts, standin):
        results = await asyncio.gather(*(chunks(tts, f"Text {n}") for n in range(9)))
        assert [joined(r) for r in results] == [ulaw(f"Text {n}") for n in range(9)]
        assert len(standin.records["tts"]) == 3


@virtual_time_on_sockets
async def test_a_text_that_is_interrupted_leaves_nothing(script: Script) -> None:
    async with speaking(script, pace=4.0) as (tts, standin):
        for begun in (False, True) * 4:
            async with aclosing(tts.synthesize(TEXT, TtsOptions())) as pieces:
                if begun:
                    await anext(pieces)
                else:
                    with pytest.raises(TimeoutError):
                        async with asyncio.timeout(0.01):
                            await anext(pieces)
        assert joined(await chunks(tts)) == ulaw(TEXT)
        for record in standin.records["tts"]:
            assert record.complaints == []
            closes = [m["context_id"] for m in record.messages if m.get("close_context")]
            assert len(closes) == len(set(closes))


@virtual_time_on_sockets
async def test_a_connection_that_nobody_needs_is_kept(script: Script) -> None:
    async with speaking(script) as (tts, standin):
        await tts.start()
        await asyncio.sleep(600)
        assert joined(await chunks(tts)) == ulaw(TEXT)
        (record,) = standin.records["tts"]
        assert record.complaints == []


@virtual_time_on_sockets
async def test_models_that_are_served_elsewhere(script: Script) -> None:
    v3 = TtsOptions(model="eleven_v3")
    async with speaking(script, "elevenlabs-http") as (tts, standin):
        assert joined(await chunks(tts, TEXT, v3)) == ulaw(TEXT)
        socket = build_tts("elevenlabs", **ACCESS.settings(standin), tts_model="eleven_v3")
        with pytest.raises(UnsupportedError, match="elevenlabs-http"):
            await socket.start()
        with pytest.raises(UnsupportedError, match="elevenlabs-http"):
            await chunks(socket)
        await socket.aclose()


@pytest.mark.parametrize("name", ["elevenlabs", "elevenlabs-http"])
@virtual_time_on_sockets
async def test_a_voice_that_there_is_not(script: Script, name: str) -> None:
    async with speaking(script, name) as (tts, _):
        with pytest.raises(UnsupportedError, match="ELEVENLABS_VOICE_ID"):
            await chunks(tts, TEXT, TtsOptions(voice="nobody"))


@virtual_time_on_sockets
async def test_a_voice_that_there_is_not_is_told_at_the_start(script: Script) -> None:
    async with served(script) as standin:
        tts = build_tts("elevenlabs", **{**ACCESS.settings(standin), "voice_id": "nobody"})
        # The handshake has passed long before.
        with pytest.raises(UnsupportedError, match="ELEVENLABS_VOICE_ID"):
            await tts.start()
        assert not tts.reached
        await tts.aclose()


@pytest.mark.parametrize("name", ["elevenlabs", "elevenlabs-http"])
@virtual_time_on_sockets
async def test_voices_are_listed_page_by_page(script: Script, name: str) -> None:
    many = [{**VOICES[n % 3], "voice_id": f"v{n}"} for n in range(205)]
    async with speaking(script, name, voices=many) as (tts, standin):
        voices = await tts.voices()
        assert [voice.id for voice in voices] == [f"v{n}" for n in range(205)]
        assert {voice.provider for voice in voices} == {name}
        assert len(await tts.voices("de-DE")) == 68
        assert len(standin.records["voices"]) == 6


@pytest.mark.parametrize("audio_format", [ULAW_8K, PCM16_16K, PCM16_8K], ids=str)
@virtual_time_on_sockets
async def test_a_recording_is_understood(script: Script, audio_format: Any) -> None:
    async with served(script) as standin:
        files = build_file_stt("elevenlabs", **ACCESS.settings(standin))
        audio = AudioData(script.audio_in(audio_format), audio_format)
        result = await files.transcribe(audio, SttOptions(diarization=True, key_terms=("Parley",)))
        await files.aclose()
    assert (result.text, result.language) == (script.text, "en")
    assert [(w.text, w.start_ms, w.end_ms) for w in result.words] == said_in(script)
    assert {word.speaker for word in result.words} == {"speaker_0"}
    assert result.duration_ms == pytest.approx(len(script.audio) / 8)


@virtual_time_on_sockets
async def test_a_recording_of_something_else_is_not_understood(script: Script) -> None:
    """Another one, one said to have another rate, and one that is no audio at all."""
    slow = script.audio_in(PCM16_8K)
    wav = wav_header(len(slow), 16_000, 1) + slow
    async with served(script) as standin:
        files = build_file_stt("elevenlabs", **ACCESS.settings(standin))
        for audio in (
            AudioData(bytes(range(256)) * 100, ULAW_8K),
            AudioData(wav, container="wav"),
        ):
            assert (await files.transcribe(audio, SttOptions())).text == ""
        with pytest.raises(ApiError, match="invalid_audio"):
            await files.transcribe(AudioData(b"ID3", container="mp3"), SttOptions())
        await files.aclose()
