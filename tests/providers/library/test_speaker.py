"""Texts of any length, spoken piece by piece and whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from structlog.testing import capture_logs

from media.audio import PCM16_8K, PCM16_16K, ULAW_8K, bytes_to_pcm, ulaw_to_pcm
from providers.audio import AudioReader, Target
from providers.errors import (
    AudioTooLargeError,
    AuthenticationError,
    CutOffError,
    UnavailableError,
    UnsupportedError,
    UnsupportedFormatError,
    UnsupportedRateError,
)
from providers.fallback import Candidate, Fallback
from providers.library import speaker
from providers.library.speaker import PCM16_24K, speak, speak_whole
from providers.options import TtsOptions
from providers.tts.espeak import ESpeak
from providers.types import SynthesisChunk, TtsProvider
from tests.bot.engines import MS_PER_CHARACTER, Tones
from tests.providers.audio.sounds import pitch_hz
from tests.virtual_time import virtual_time

SENTENCE = "All happy families are alike. "
LONG = SENTENCE * 200
WAV = Target("wav", PCM16_24K)
DOWN = UnavailableError("tones", "down")


def of(*engines: TtsProvider) -> Fallback[TtsProvider]:
    return Fallback([Candidate(engine.name, engine) for engine in engines])


def other(**options: object) -> Tones:
    return replace(Tones(), name="other", **options)  # type: ignore[arg-type]


async def chunks(
    tts: Fallback[TtsProvider], text: str, options: TtsOptions | None = None
) -> list[SynthesisChunk]:
    return [one async for one in speak(tts, text, options or TtsOptions(), PCM16_16K)]


@virtual_time
async def test_a_text_becomes_audio_in_the_format_wanted() -> None:
    audio = b"".join(chunk.audio for chunk in await chunks(of(Tones()), "a word"))
    assert PCM16_16K.duration_ms(len(audio)) == 6 * MS_PER_CHARACTER
    assert pitch_hz(bytes_to_pcm(audio), 16_000) == pytest.approx(440, abs=4)


@virtual_time
async def test_long_texts_are_spoken_in_parts() -> None:
    engine = Tones(chunk_ms=10_000)
    told: list[tuple[float, float | None]] = []
    result = await speak_whole(
        of(engine), LONG, TtsOptions(), WAV, progress=lambda *far: told.append(far)
    )
    assert told[-1] == (len(LONG), len(LONG))
    assert [done for done, _ in told] == [
        sum(map(len, engine.texts[: count + 1])) for count in range(len(engine.texts))
    ]
    assert "".join(engine.texts) == LONG
    assert all(len(text) <= speaker.PART_BYTES for text in engine.texts)
    assert all(text.endswith(". ") for text in engine.texts)
    assert result.duration_ms == len(LONG) * MS_PER_CHARACTER


@virtual_time
async def test_markup_is_not_cut() -> None:
    engine = Tones(chunk_ms=10_000)
    await chunks(of(engine), LONG, TtsOptions(ssml=True))
    assert engine.texts == [LONG]


@virtual_time
async def test_nothing_cannot_be_said() -> None:
    with pytest.raises(UnsupportedError, match="an empty text cannot be spoken"):
        await chunks(of(Tones()), " \n")
    with pytest.raises(UnsupportedError, match="what is no character; it was not decoded"):
        await chunks(of(Tones()), "a\ud800b")


@virtual_time
async def test_a_voice_has_one_channel_and_a_usual_rate() -> None:
    stereo = replace(PCM16_24K, channels=2)
    with pytest.raises(UnsupportedFormatError, match="a voice has one channel"):
        await speak_whole(of(Tones()), "word", TtsOptions(), Target("wav", stereo))
    for audio, kind in (
        (stereo, UnsupportedFormatError),
        (replace(PCM16_24K, sample_rate_hz=1), UnsupportedRateError),
    ):
        with pytest.raises(kind):
            await anext(speak(of(Tones()), "word", TtsOptions(), audio))


async def test_word_positions_are_those_of_the_whole_text() -> None:
    engine = ESpeak()
    try:
        # Two parts, the first almost as long as one may be, and much of it is silence.
        text = "Hello. " + "\n" * (speaker.PART_BYTES - 20) + "\nThis is Parley, who says goodbye."
        spoken = await chunks(of(engine), text)
    finally:
        await engine.aclose()
    words = [word for chunk in spoken for word in chunk.words]
    assert [text[word.start : word.end].strip(".,") for word in words] == (
        ["Hello", "This", "is", "Parley", "who", "says", "goodbye"]
    )
    times = [word.at_ms for word in words]
    assert times == sorted(times)
    whole_ms = PCM16_16K.duration_ms(sum(len(chunk.audio) for chunk in spoken))
    assert 500 < times[1] < times[-1] < whole_ms


@pytest.mark.parametrize("container", ["wav", "mp3", "ogg"])
@virtual_time
async def test_a_whole_text_is_a_file(container: str) -> None:
    target = replace(WAV, container=container)  # type: ignore[arg-type]
    result = await speak_whole(of(Tones()), "twenty characters :-)", TtsOptions(), target)
    assert (result.provider, result.container, result.format) == ("tones", container, PCM16_24K)
    assert result.size == len(result.audio)
    with AudioReader(result.audio) as reader:
        assert reader.info.container == container
        samples = np.concatenate(list(reader.pieces(16_000)))
    assert len(samples) / 16 == pytest.approx(result.duration_ms, abs=60)
    assert pitch_hz(samples, 16_000) == pytest.approx(440, abs=2)


@virtual_time
async def test_a_telephone_gets_its_format() -> None:
    result = await speak_whole(of(Tones()), "word", TtsOptions(), Target("raw", ULAW_8K))
    assert (result.format, result.size) == (ULAW_8K, 8 * 4 * MS_PER_CHARACTER)
    assert pitch_hz(ulaw_to_pcm(result.audio), 8_000) == 440


@virtual_time
async def test_what_nobody_has_heard_is_spoken_anew_by_the_next() -> None:
    broken = Tones(fail={"some words": (2, DOWN)})
    with capture_logs():
        result = await speak_whole(of(broken, other()), "some words", TtsOptions(), WAV)
    assert (result.provider, result.duration_ms) == ("tones,other", 10 * MS_PER_CHARACTER)


@virtual_time
async def test_a_stream_goes_on_at_the_next_sentence() -> None:
    one, two, three = SENTENCE, "Every unhappy family is unhappy in its own way. ", "Read on."
    broken = Tones(chunk_ms=100, fail={two: (2, DOWN)})
    successor = other()
    with capture_logs() as logs:
        spoken = await chunks(of(broken, successor), one + two + three)
    assert (broken.texts, successor.texts) == ([one, two], [three])
    given_ms = PCM16_16K.duration_ms(len(b"".join(chunk.audio for chunk in spoken)))
    assert given_ms == pytest.approx((len(one) + len(three)) * MS_PER_CHARACTER + 200, abs=1)
    assert "a sentence was cut off, the next one is another's" in [log["event"] for log in logs]
    assert [log["event"] for log in logs].count("synthesizer failed") == 1


@virtual_time
async def test_a_stream_whose_last_sentence_is_cut_off_says_so() -> None:
    broken = Tones(chunk_ms=100, fail={"some words": (2, DOWN)})
    stream = speak(of(broken, other()), "some words", TtsOptions(), PCM16_8K)
    with capture_logs():
        given = [(await anext(stream)).audio for _ in range(2)]
        assert PCM16_8K.duration_ms(len(b"".join(given))) == 200
        with pytest.raises(CutOffError):
            await anext(stream)


@virtual_time
async def test_who_is_slow_gets_a_rival() -> None:
    slow, quick = Tones(pace_s=3.0), other()
    with capture_logs():
        spoken = [c async for c in speak(of(slow, quick), "word", TtsOptions(), PCM16_8K, 500)]
        result = await speak_whole(of(Tones(pace_s=3.0), other()), "word", TtsOptions(), WAV, 500)
    assert (len(spoken) > 0, quick.texts, result.provider) == (True, ["word"], "other")


@virtual_time
async def test_when_nobody_can_speak_it_is_said() -> None:
    broken = [Tones(fail={"some words": (2, DOWN)}), other(fail={"some words": (2, DOWN)})]
    with capture_logs(), pytest.raises(CutOffError):
        await speak_whole(of(*broken), "some words", TtsOptions(), WAV)


@virtual_time
async def test_who_does_not_start_is_replaced() -> None:
    class Refused(Tones):
        async def start(self) -> None:
            raise AuthenticationError("tones", "the key was refused")

    refused = Refused(fail={"word": (0, AuthenticationError("tones", "the key was refused"))})
    with capture_logs() as logs:
        result = await speak_whole(of(refused, other()), "word", TtsOptions(), WAV)
    assert result.provider == "other"
    assert logs[0]["event"] == "synthesizer did not start"


@virtual_time
async def test_an_hour_is_too_much_to_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaker, "MAX_WHOLE_MS", 100_000.0)
    engine = Tones(chunk_ms=10_000)
    with pytest.raises(AudioTooLargeError, match="more than an hour; speak it as a stream"):
        await speak_whole(of(engine), LONG, TtsOptions(), WAV)
    assert len(engine.texts) == 2
