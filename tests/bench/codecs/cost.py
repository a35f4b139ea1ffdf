"""What a vendor's codec takes for each frame of 20 ms."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from time import perf_counter_ns

from media.audio import ULAW_8K, ulaw_to_pcm
from media.resample import Upsampler
from providers.catalog import class_of, run
from providers.facts import Kind
from providers.options import SttOptions, TtsOptions
from tests.providers.conformance.caller import call, telephone_format, utterances
from tests.providers.conformance.reach import access_to
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.recordings import computed_script
from tests.virtual_time import virtual_time_on_sockets

from .timed import Stopwatch, Timed

__all__ = ["SENTENCES", "codec_us", "decoding_us"]

FRAME_MS = 20
FRAMES = 2_000
SENTENCES = (
    "I would like to book a table for four people on friday at eight.",
    "My name is Parley, and my telephone number begins with a five.",
    "Is there a place near the window, and may I bring a dog along?",
    "Thank you very much, that would be all for now, goodbye.",
)


def codec_us(kind: Kind, name: str, sentences: tuple[str, ...] = SENTENCES) -> float:
    """What the codec of a recognizer of streams, or a synthesizer, takes for a frame, in µs.

    Args:
        kind: `stt` or `tts`.
        name: the catalogue's.
        sentences: what is said in the conversation that is measured.
    """
    stopwatch = Stopwatch()
    heard_ms = 0.0

    @virtual_time_on_sockets
    async def talk() -> None:
        nonlocal heard_ms
        converse = _hear if kind == "stt" else _speak
        heard_ms = await converse(name, sentences, stopwatch)

    talk()
    return stopwatch.ns / 1_000 / (heard_ms / FRAME_MS)


async def _hear(name: str, sentences: tuple[str, ...], stopwatch: Stopwatch) -> float:
    """Have it understand all of them; how long they last, in ms."""
    script = computed_script(sentences, pause_ms=800)
    access = access_to(name)
    async with access.standin(OracleHearing(script)) as standin:
        vendor = Timed(class_of("stt", name)(**access.settings(standin)), stopwatch)
        provider = run("stt", vendor)
        audio_format = telephone_format(provider)
        parts = utterances(script, audio_format)
        understood = await call(provider, parts, SttOptions(audio=audio_format))
        await provider.aclose()
    assert len(understood.words) == len(script.words)
    return audio_format.duration_ms(sum(map(len, parts)))


async def _speak(name: str, sentences: tuple[str, ...], stopwatch: Stopwatch) -> float:
    """Have it say all of them; how long that lasts, in ms."""
    access = access_to(name)
    spoken_ms = 0.0
    async with access.standin(OracleHearing(computed_script(["Hello."], pause_ms=500))) as standin:
        vendor = Timed(class_of("tts", name)(**access.settings(standin)), stopwatch)
        provider = run("tts", vendor)
        for sentence in sentences:
            async with aclosing(provider.synthesize(sentence, TtsOptions())) as chunks:
                async for chunk in chunks:
                    spoken_ms += provider.format.duration_ms(len(chunk.audio))
        await provider.aclose()
    return spoken_ms


def decoding_us() -> float:
    """What decoding a frame of the telephone's and resampling it to 16 kHz takes, in µs."""
    return _least(_decode) / FRAMES


def _decode() -> None:
    upsampler, frame = Upsampler(), ULAW_8K.silence(FRAME_MS)
    for _ in range(FRAMES):
        upsampler.process(ulaw_to_pcm(frame))


def _least(work: Callable[[], None], rounds: int = 5) -> float:
    times_us = []
    for _ in range(rounds):
        began_ns = perf_counter_ns()
        work()
        times_us.append((perf_counter_ns() - began_ns) / 1_000)
    return min(times_us)
