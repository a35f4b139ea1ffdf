"""Whatever happens to a recording that is sent at once, it is understood, or it is an error."""

from __future__ import annotations

import asyncio

import pytest

from media.audio import AudioFormat, Encoding
from providers.catalog import FILES, build_file_stt
from providers.errors import (
    DeadlineError,
    InvalidAudioError,
    InvalidResponseError,
    NetworkError,
    ProviderError,
    UnavailableError,
)
from providers.results import AudioData, TranscriptionResult
from providers.types import FileRecognizer, SttOptions
from tests.vendors.speech.faults import Fault
from tests.virtual_time import virtual_time_on_sockets

from .caller import said_in, words_of
from .failures import REFUSED, check_refused, fault_id
from .reach import SCRIPT, reached, remote, since

RECOGNIZERS = remote(FILES)
ROUNDING_MS = 10
LONGEST_S = 40.0
"""What a recording of five seconds may take, or its error."""

HARMLESS = [Fault("behave"), Fault("slow", delay_ms=900)]
FAILED: list[tuple[Fault, type[ProviderError]]] = [
    (Fault("refuse"), NetworkError),
    (Fault("busy"), UnavailableError),
    (Fault("reset"), NetworkError),
    (Fault("reset", at_bytes=10), NetworkError),
    (Fault("close"), NetworkError),
    (Fault("close", at_bytes=10), NetworkError),
    (Fault("stall"), DeadlineError),
    (Fault("stall", at_bytes=10), DeadlineError),
    (Fault("deaf"), DeadlineError),
    *((Fault("garbage", garbage=kind), InvalidResponseError) for kind in ("text", "types", "list")),
]


async def transcribe(
    recognizer: FileRecognizer, audio_format: AudioFormat | None = None
) -> TranscriptionResult:
    """Have it understand what the stand-ins do, in the format that it takes best."""
    audio_format = audio_format or recognizer.capabilities.audio[0]
    audio = AudioData(SCRIPT.audio_in(audio_format), audio_format)
    return await recognizer.transcribe(audio, SttOptions())


def check_result(result: TranscriptionResult, recognizer: FileRecognizer) -> None:
    """See that all was understood, and when it was said, if the vendor tells that."""
    assert words_of(result.text) == said_in(SCRIPT)
    assert (result.provider, result.final) == (recognizer.name, True)
    duration_ms = SCRIPT.format.duration_ms(len(SCRIPT.audio))
    assert result.duration_ms == pytest.approx(duration_ms, abs=ROUNDING_MS)
    if recognizer.capabilities.word_times:
        times = [(word.start_ms, word.end_ms) for word in result.words]
        said = [(word.start_ms, word.end_ms) for word in SCRIPT.words]
        assert times == [pytest.approx(pair, abs=ROUNDING_MS) for pair in said]


@pytest.mark.parametrize("fault", HARMLESS, ids=fault_id)
@pytest.mark.parametrize("name", RECOGNIZERS)
@virtual_time_on_sockets
async def test_a_recording_is_understood(name: str, fault: Fault) -> None:
    async with reached(build_file_stt, name, fault) as files:
        check_result(await transcribe(files.provider), files.provider)


@pytest.mark.parametrize("name", RECOGNIZERS)
@virtual_time_on_sockets
async def test_a_recording_is_understood_in_every_format(name: str) -> None:
    async with reached(build_file_stt, name) as files:
        for taken in filter(SCRIPT.knows, files.provider.capabilities.audio):
            check_result(await transcribe(files.provider, taken), files.provider)


@pytest.mark.parametrize("fault", REFUSED, ids=fault_id)
@pytest.mark.parametrize("name", RECOGNIZERS)
@virtual_time_on_sockets
async def test_a_refusal_is_told(name: str, fault: Fault) -> None:
    async with reached(build_file_stt, name, fault) as files:
        with pytest.raises(ProviderError) as raised:
            await transcribe(files.provider)
        check_refused(raised.value, name, fault)
        assert len(files.records) == 1


@pytest.mark.parametrize(("fault", "error"), FAILED, ids=fault_id)
@pytest.mark.parametrize("name", RECOGNIZERS)
@virtual_time_on_sockets
async def test_a_failure_is_told_in_time(
    name: str, fault: Fault, error: type[ProviderError]
) -> None:
    async with reached(build_file_stt, name, fault) as files:
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(error) as raised:
            await transcribe(files.provider)
        assert since(began_s) < LONGEST_S
        assert raised.value.provider == name
        assert words_of((await transcribe(files.provider)).text) == said_in(SCRIPT)


@pytest.mark.parametrize("name", RECOGNIZERS)
@virtual_time_on_sockets
async def test_half_a_sample_is_not_even_sent(name: str) -> None:
    async with reached(build_file_stt, name) as files:
        taken = files.provider.capabilities.audio
        linear = next(format for format in taken if format.encoding is Encoding.PCM16)
        with pytest.raises(InvalidAudioError):
            await files.provider.transcribe(AudioData(bytes(321), linear), SttOptions())
        assert files.records == []
