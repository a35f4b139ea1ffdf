"""eSpeak NG for real: the library is loaded and speaks."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import pairwise
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.catalog import build_tts
from providers.errors import (
    CapacityError,
    DeadlineError,
    MissingKeyError,
    UnavailableError,
    UnsupportedError,
)
from providers.tts import espeak, espeak_engine
from providers.tts.espeak import MAX_TEXT_CHARACTERS, ESpeak
from providers.tts.espeak_engine import MAX_WAITING
from providers.tts.espeak_segment import SEGMENT_CHARACTERS, segments_of
from providers.types import Encoding, TtsOptions, WordPosition

pytest.importorskip("espeakng_loader")

ENGLISH = TtsOptions()


@pytest.fixture
async def tts() -> AsyncIterator[ESpeak]:
    provider = ESpeak()
    await provider.start()
    yield provider
    await provider.aclose()


async def speak(
    provider: ESpeak, text: str, options: TtsOptions = ENGLISH
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int16]], list[WordPosition]]:
    audio = b""
    words: list[WordPosition] = []
    async for chunk in provider.synthesize(text, options):
        audio += chunk.audio
        words += chunk.words
    return np.frombuffer(audio, "<i2"), words


def seconds(samples: np.ndarray[tuple[int], np.dtype[np.int16]]) -> float:
    return len(samples) / ESpeak.format.sample_rate_hz


def spoken(text: str, words: list[WordPosition]) -> list[str]:
    return [text[word.start : word.end] for word in words]


def nothing_is_left() -> bool:
    """Whether the owner thread ends, once `aclose` has returned."""
    for thread in threading.enumerate():
        if thread.name == "espeak":
            thread.join(5)
    return espeak_threads() == 0


def espeak_threads() -> int:
    return sum(thread.name == "espeak" for thread in threading.enumerate())


async def test_speech_is_loud_and_as_long_as_a_person_would_take(tts: ESpeak) -> None:
    samples, _ = await speak(tts, "Welcome to the clinic, what can I do for you today?")
    assert 2.0 < seconds(samples) < 4.5
    rms = float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))
    assert 1_000 < rms < 10_000
    assert np.abs(samples.astype(np.int32)).max() < 32_767, "nothing is clipped"
    assert tts.format.encoding is Encoding.PCM16
    assert tts.format.sample_rate_hz == 22_050


@pytest.mark.parametrize(
    "text", ['"Quoted," she said.', "Café, please.", "Hello", "Hello...  \n\n", "  \n\n Hello"]
)
async def test_speech_begins_and_ends_without_noticeable_silence(tts: ESpeak, text: str) -> None:
    samples, words = await speak(tts, text)
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 100)
    assert loud[0] / 22_050 < 0.02
    assert (len(samples) - loud[-1]) / 22_050 < 0.15
    assert words[0].at_ms == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello world, how are you?", ["Hello", "world,", "how", "are", "you?"]),
        ("The naïve café: “très bien”, ok", ["The", "naïve", "café:", "“très", "bien”,", "ok"]),
        ("It's 10:30 on Friday.", ["It's", "10:30", "on", "Friday."]),
        ("Your number is 1234567 now", ["Your", "number", "is", "1234567", "now"]),
        ("😀 hi well-known U.S.A. fans", ["😀", "hi", "well-known", "U.S.A.", "fans"]),
        ("One\x01\x00 two\ud800 three", ["One", "two", "three"]),
    ],
)
async def test_word_positions_map_to_the_words(tts: ESpeak, text: str, expected: list[str]) -> None:
    samples, words = await speak(tts, text)
    assert [word.strip("\x00\x01\ud800") for word in spoken(text, words)] == expected
    times = [word.at_ms for word in words]
    assert times == sorted(set(times))
    assert times[-1] < seconds(samples) * 1000


async def test_word_positions_where_no_spaces_are_written(tts: ESpeak) -> None:
    text = "我想预约星期五。"
    _, words = await speak(tts, text, TtsOptions(language="zh-CN"))
    assert spoken(text, words) == list("我想预约星期五")


async def test_a_word_begins_where_its_position_says(tts: ESpeak) -> None:
    """A comma is a pause: the word after it begins where sound comes back."""
    samples, words = await speak(tts, "Ten, ten, ten.")
    level = np.abs(samples.astype(np.int32))
    for word in words[1:]:
        at = int(word.at_ms * 22.05)
        assert level[at - 2_205 : at].mean() < level[at : at + 4_410].mean() / 2


async def test_a_long_text_is_spoken_in_segments_without_a_seam(tts: ESpeak) -> None:
    sentence = "The quick brown fox jumps over the lazy dog, and then runs away. "
    text = sentence * 20
    samples, words = await speak(tts, text)
    assert len(text) > 2 * SEGMENT_CHARACTERS
    assert spoken(text, words) == text.split()
    alone, _ = await speak(tts, sentence)
    assert seconds(samples) == pytest.approx(20 * (seconds(alone) + 0.3), rel=0.1)
    quiet = np.abs(samples.astype(np.int32)).reshape(-1)[: len(samples) // 441 * 441]
    runs = "".join("." if peak < 100 else "x" for peak in quiet.reshape(-1, 441).max(axis=1))
    assert max(map(len, runs.split("x"))) < 25, "no pause of half a second between sentences"


@given(st.text(max_size=2_000))
def test_segments_are_the_text_again(text: str) -> None:
    parts = segments_of(text)
    assert len("".join(parts)) == len(text)
    assert all(len(part) <= SEGMENT_CHARACTERS for part in parts)
    assert not set("".join(parts)) & {"\x00", "\x01", "\ud800"}


def test_segments_end_after_a_sentence_a_clause_a_word_or_anywhere() -> None:
    assert segments_of("One two. " * 50)[0].endswith("two. ")
    assert segments_of("one two, " * 50)[0].endswith("two, ")
    assert segments_of("one two " * 60)[0].endswith(" ")
    assert segments_of("x" * 500) == ["x" * 400, "x" * 100]


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=120))
def test_any_text_is_spoken(text: str) -> None:
    async def run() -> None:
        provider = ESpeak()
        await provider.start()
        try:
            samples, words = await speak(provider, text)
        finally:
            await provider.aclose()
        assert [w.at_ms for w in words] == sorted(w.at_ms for w in words)
        for word, after in pairwise(words):
            assert word.start < word.end <= after.start
        assert not words or len(samples)

    asyncio.run(run())


async def test_nothing_to_say_is_no_audio_to_speak_of(tts: ESpeak) -> None:
    samples, words = await speak(tts, " \n ")
    assert (len(samples), words) == (0, [])


async def test_markup_and_phonemes_are_read_out(tts: ESpeak) -> None:
    bare, _ = await speak(tts, "hello")
    for text in ("<b>hello</b>", "[[h@l'oU]] hello", "&amp; hello"):
        samples, _ = await speak(tts, text)
        assert seconds(samples) > seconds(bare) + 0.5, text


async def test_speed(tts: ESpeak) -> None:
    text = "The quick brown fox jumps over the lazy dog."
    normal, _ = await speak(tts, text)
    fast, _ = await speak(tts, text, TtsOptions(speed=2.0))
    slow, _ = await speak(tts, text, TtsOptions(speed=0.5))
    assert seconds(fast) < 0.65 * seconds(normal)
    assert seconds(slow) > 1.6 * seconds(normal)
    again, _ = await speak(tts, text)
    assert seconds(again) == pytest.approx(seconds(normal), abs=0.02)


@pytest.mark.parametrize("speed", [0.0, 0.4, 2.7, -1.0, float("nan"), float("inf")])
async def test_a_speed_out_of_range(tts: ESpeak, speed: float) -> None:
    with pytest.raises(UnsupportedError, match=r"choose 0\.46 to 2\.57"):
        await speak(tts, "Hello", TtsOptions(speed=speed))


async def test_voices(tts: ESpeak) -> None:
    voices = await tts.voices()
    assert len(voices) > 100
    assert {"en-US", "en-GB", "de", "fr-FR"} <= set(tts.capabilities.languages)
    english = await tts.voices("en")
    assert {"gmw/en-US", "gmw/en"} <= {voice.id for voice in english} < {v.id for v in voices}
    assert {voice.language for voice in await tts.voices("pt-BR")} == {"pt-BR"}
    american = next(voice for voice in voices if voice.id == "gmw/en-US")
    assert (american.name, american.language, american.gender) == (
        "English (America)",
        "en-US",
        "male",
    )


async def test_voices_differ_and_variants_apply(tts: ESpeak) -> None:
    lengths = set()
    for options in (
        TtsOptions(voice="gmw/en-US"),
        TtsOptions(voice="en-us+f3"),
        TtsOptions(voice="gmw/en"),
        TtsOptions(language="de-AT"),
    ):
        samples, _ = await speak(tts, "Good morning, my number is ten.", options)
        lengths.add(len(samples) // 220)
    assert len(lengths) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (TtsOptions(language="xx-YY"), r"unknown language 'xx-YY'; some that exist: en-US, en-GB"),
        (TtsOptions(language=""), "unknown language ''"),
        (TtsOptions(voice="nobody"), "unknown voice 'nobody'; some that exist"),
        (TtsOptions(voice="en-us+nobody"), "unknown voice variant 'nobody'; some that exist: "),
    ],
)
async def test_unknown_languages_and_voices(tts: ESpeak, options: TtsOptions, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        await speak(tts, "Hello", options)


async def test_a_text_too_long(tts: ESpeak) -> None:
    with pytest.raises(
        UnsupportedError, match="of 5001 characters is too long; speak it in pieces"
    ):
        await speak(tts, "x" * (MAX_TEXT_CHARACTERS + 1))


async def test_fifty_at_once_from_two_providers(tts: ESpeak) -> None:
    other = cast(ESpeak, build_tts("espeak"))
    await other.start()
    assert espeak_threads() == 1
    texts = [f"This is text number {index} of many." for index in range(50)]
    results = await asyncio.gather(
        *(speak((tts, other)[index % 2], text) for index, text in enumerate(texts))
    )
    for text, (samples, words) in zip(texts, results, strict=True):
        assert spoken(text, words) == text.split()
        assert 1.2 < seconds(samples) < 4
    await other.aclose()
    assert espeak_threads() == 1, "the first provider still uses the engine"
    assert len((await speak(tts, "Hello"))[0])


async def test_leaving_early_stops_the_synthesis(tts: ESpeak) -> None:
    before, _ = await speak(tts, "Hello world.")
    chunks = tts.synthesize("A long sentence. " * 200, ENGLISH)
    async with aclosing(chunks):
        first = await anext(chunks)
    assert first.audio
    after, words = await speak(tts, "Hello world.")
    assert spoken("Hello world.", words) == ["Hello", "world."]
    assert seconds(after) == pytest.approx(seconds(before), abs=0.02)


async def test_a_slow_listener_delays_nobody(tts: ESpeak) -> None:
    slow = tts.synthesize("I am a long sentence that nobody hears. " * 100, ENGLISH)
    await anext(slow)
    samples, _ = await asyncio.wait_for(speak(tts, "Hello"), 30)
    assert len(samples)
    rest = [chunk async for chunk in slow]
    assert sum(len(chunk.audio) for chunk in rest) > 100 * 22_050 * 2


async def test_closing_while_speaking() -> None:
    provider = ESpeak()
    await provider.start()
    chunks = provider.synthesize("A sentence to be cut. " * 100, ENGLISH)
    await anext(chunks)
    await provider.aclose()
    with pytest.raises(UnavailableError) as caught:
        async for _ in chunks:
            pass
    assert not caught.value.retryable


async def test_start_and_close_are_idempotent_and_unload() -> None:
    provider = ESpeak()
    for _ in range(3):
        await asyncio.gather(provider.start(), provider.start())
        assert espeak_threads() == 1
        assert len((await speak(provider, "Hello"))[0])
        await provider.aclose()
        await provider.aclose()
        assert nothing_is_left()
    with pytest.raises(UnavailableError, match=r"not started; await start\(\) first"):
        await speak(provider, "Hello")
    with pytest.raises(UnavailableError, match="not started"):
        await provider.voices()


async def test_too_many_waiting(tts: ESpeak) -> None:
    engine = espeak_engine.acquire("", "")
    try:
        utterances = [
            espeak_engine.Utterance(
                "word " * 80, voice="gmw/en-US", words_per_minute=80, end_pause=False
            )
            for _ in range(MAX_WAITING * 2)
        ]
        accepted = 0
        with pytest.raises(CapacityError, match="texts are waiting") as caught:  # noqa: PT012
            for utterance in utterances:
                engine.submit(utterance)
                accepted += 1
        assert caught.value.retryable
        assert accepted >= MAX_WAITING
        for utterance in utterances[: accepted - 1]:
            utterance.cancelled = True
        assert [piece async for piece in utterances[accepted - 1].pieces()]
    finally:
        espeak_engine.release()
    assert len((await speak(tts, "Hello"))[0]), "the queue has emptied"


async def test_an_answer_that_never_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeak_engine, "ANSWER_DEADLINE_S", 0.01)
    unheard = espeak_engine.Utterance("x", voice="", words_per_minute=175, end_pause=False)
    with pytest.raises(DeadlineError, match=r"no audio within 0\.01 s") as caught:
        await anext(unheard.pieces())
    assert caught.value.retryable
    assert unheard.cancelled


async def test_a_voice_that_the_library_refuses(tts: ESpeak) -> None:
    engine = espeak_engine.acquire("", "")
    try:
        broken = espeak_engine.Utterance(
            "x", voice="gmw/none", words_per_minute=175, end_pause=False
        )
        engine.submit(broken)
        with pytest.raises(UnavailableError, match="voice gmw/none refused"):
            await anext(broken.pieces())
    finally:
        espeak_engine.release()
    assert len((await speak(tts, "Hello"))[0])


def test_the_listeners_loop_is_gone() -> None:
    async def build() -> espeak_engine.Utterance:
        return espeak_engine.Utterance("x", voice="", words_per_minute=175, end_pause=False)

    utterance = asyncio.run(build())
    utterance.put((b"", []))
    assert utterance.cancelled


@pytest.mark.parametrize("missing", ["library", "data"])
async def test_a_library_that_cannot_be_loaded(missing: str) -> None:
    provider = ESpeak()
    library_path, data_path = provider._paths
    provider._paths = (
        ("/nowhere/lib.so", data_path) if missing == "library" else (library_path, "/nowhere")
    )
    with pytest.raises(MissingKeyError, match=r"pip install 'parley\[espeak\]'"):
        await provider.start()
    assert nothing_is_left()
    provider._paths = (library_path, data_path)
    await provider.start()
    await provider.aclose()


async def test_a_library_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeak, "START_DEADLINE_S", 0.01)
    with espeak_engine._library_lock:
        provider = ESpeak()
        with pytest.raises(DeadlineError, match=r"not loaded in 0\.01 s"):
            await provider.start()
    monkeypatch.undo()
    await provider.start()
    await provider.aclose()
    assert nothing_is_left()


def test_the_extra_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(MissingKeyError, match=r"not installed; pip install 'parley\[espeak\]'"):
        build_tts("espeak")


def test_a_process_may_exit_while_the_engine_speaks() -> None:
    program = """
import asyncio
from providers.tts.espeak import ESpeak
from providers.types import TtsOptions
async def main():
    tts = ESpeak()
    await tts.start()
    for _ in range(100):
        asyncio.ensure_future(anext(tts.synthesize("one two " * 200, TtsOptions())))
    await anext(tts.synthesize("one two " * 200, TtsOptions()))
    print("spoken", flush=True)
asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=False
    )
    assert (done.returncode, done.stdout) == (0, "spoken\n"), done.stderr
