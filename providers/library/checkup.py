"""Whether a provider does what it should, and how fast: found out by a small real request."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from media.audio import PCM16_16K

from ..audio import Target, encode_samples
from ..errors import DeadlineError, ProviderError
from ..facts import Kind
from ..fallback import Candidate
from ..results import AudioData, Container
from ..stt.trial import try_out as try_recognizer
from ..tts.trial import try_out as try_synthesizer
from ..types import (
    FileRecognizer,
    SttCapabilities,
    SttOptions,
    SttProvider,
    TtsCapabilities,
    TtsOptions,
    TtsProvider,
)
from .chosen import Chosen

__all__ = ["Checkup", "check"]

DEADLINE_S = 20.0
SILENCE_SAMPLES = 16_000


@dataclass(frozen=True, slots=True)
class Checkup:
    """What was found.

    Attributes:
        latency_ms: how long the answer took: the end of a stream of silence, the first audio of a
            word, the transcript of a second of silence; None when there was none.
        error: what went wrong, without any key; empty when all is well.
        hint: what to do about it.
    """

    kind: Kind
    provider: str
    healthy: bool
    latency_ms: float | None = None
    error: str = ""
    hint: str = ""


async def check(chosen: Chosen, providers: Sequence[tuple[Kind, str]]) -> list[Checkup]:
    """Check several, all at the same time. One that fails rests."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_check(chosen, kind, name)) for kind, name in providers]
    return [task.result() for task in tasks]


async def _check(chosen: Chosen, kind: Kind, name: str) -> Checkup:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(DEADLINE_S):
            ask = await _ready(chosen, kind, name)
            began_s = loop.time()
            await ask
    except TimeoutError:
        late = f"no answer within {DEADLINE_S:g} s"
        return Checkup(kind, name, False, error=late, hint=DeadlineError.default_hint)
    except ProviderError as error:
        _candidate(chosen, kind, name).fell_ill(error)
        code = f" ({error.code})" if error.code else ""
        return Checkup(kind, name, False, error=error.reason + code, hint=error.hint)
    _candidate(chosen, kind, name).succeeded(began_s)
    return Checkup(kind, name, True, latency_ms=(loop.time() - began_s) * 1000)


def _candidate(
    chosen: Chosen, kind: Kind, name: str
) -> Candidate[SttProvider] | Candidate[TtsProvider] | Candidate[FileRecognizer]:
    if kind == "tts":
        return chosen.synthesizer(name)
    door = chosen.door(name) if kind == "files" else None
    return door or chosen.recognizer(name)


async def _ready(chosen: Chosen, kind: Kind, name: str) -> Coroutine[Any, Any, None]:
    """A provider, started; what is left to do is to ask it."""
    if kind == "tts":
        synthesizer = chosen.synthesizer(name).provider
        await synthesizer.start()
        return try_synthesizer(
            synthesizer, TtsOptions(language=_language(synthesizer.capabilities))
        )
    if (door := chosen.door(name)) is not None and kind == "files":
        return _hear_a_file(door.provider)
    recognizer = chosen.recognizer(name).provider
    await recognizer.start()
    capabilities = recognizer.capabilities
    options = SttOptions(language=_language(capabilities), audio=capabilities.audio[0])
    return try_recognizer(recognizer, options)


async def _hear_a_file(provider: FileRecognizer) -> None:
    container: Container = "wav" if "wav" in provider.containers else "raw"
    target = Target(container, PCM16_16K)
    data = await encode_samples(np.zeros(SILENCE_SAMPLES, np.int16), target)
    options = SttOptions(language=_language(provider.capabilities))
    await provider.transcribe(AudioData(data, PCM16_16K, container), options)


def _language(capabilities: SttCapabilities | TtsCapabilities) -> str:
    """English if it is on offer, else what is."""
    offered = capabilities.languages
    english = (tag for tag in offered if tag.partition("-")[0].lower() == "en")
    return next(english, offered[0])
