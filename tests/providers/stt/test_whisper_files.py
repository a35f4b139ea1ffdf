"""Whole recordings through Whisper, on a model of random weights."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from media.audio import PCM16_16K, ULAW_8K
from media.silence import Splitter
from providers.catalog import build_file_stt
from providers.errors import AudioTooLargeError, UnsupportedFormatError, UnsupportedLanguageError
from providers.options import SttOptions
from providers.results import AudioData
from providers.stt import whisper_files
from providers.stt.whisper_files import WhisperFiles
from providers.stt.whisper_stream import splitter
from providers.types import FileRecognizer
from tests.providers.stt.whisper_model import make_model, pcm

pytest.importorskip("faster_whisper")
pytestmark = pytest.mark.asyncio(loop_scope="module")

SECOND = bytes(32_000)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def files(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WhisperFiles]:
    folder = make_model(tmp_path_factory.mktemp("whisper"))
    recognizer = WhisperFiles(model=str(folder), device="cpu")
    yield recognizer
    await recognizer.aclose()


async def test_it_is_in_the_catalogue() -> None:
    recognizer: FileRecognizer = build_file_stt("whisper", model="small")
    assert recognizer.name == "whisper"
    assert recognizer.capabilities.audio == (PCM16_16K,)
    await recognizer.aclose()


async def test_a_recording_is_understood_piece_by_piece(
    files: WhisperFiles, recordings: Path
) -> None:
    audio = (SECOND + pcm(recordings, "austen_0890")) * 10  # a minute
    result = await files.transcribe(AudioData(audio, PCM16_16K), SttOptions())
    assert (result.provider, result.language, result.final) == ("whisper", "en", True)
    assert result.duration_ms == len(audio) / 32
    assert result.text == " ".join(word.text for word in result.words)
    starts = [word.start_ms for word in result.words]
    assert starts == sorted(starts)
    assert starts[0] >= 800
    assert 40_000 < starts[-1] < result.duration_ms
    assert result.confidence is not None


async def test_the_same_recording_is_the_same_words_and_another_others(
    files: WhisperFiles, recordings: Path
) -> None:
    ten, go = pcm(recordings, "card_ten_of_clubs"), pcm(recordings, "go_somewhere")
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        first, second, again = (
            group.create_task(files.transcribe(AudioData(audio, PCM16_16K), SttOptions()))
            for audio in (ten, go, ten)
        )
    assert first.result().text
    assert first.result() == again.result()
    assert second.result().text != first.result().text


@pytest.mark.parametrize("audio", [b"", SECOND * 90])
async def test_nothing_is_understood_of_nothing(files: WhisperFiles, audio: bytes) -> None:
    result = await files.transcribe(AudioData(audio, PCM16_16K), SttOptions(language="auto"))
    assert (result.text, result.words, result.language) == ("", (), None)


async def test_what_it_does_not_take_is_refused(files: WhisperFiles) -> None:
    with pytest.raises(UnsupportedFormatError, match="raw pcm_s16le, 16000 Hz"):
        await files.transcribe(AudioData(SECOND, ULAW_8K), SttOptions())
    with pytest.raises(UnsupportedFormatError):
        await files.transcribe(AudioData(SECOND, container="wav"), SttOptions())
    with pytest.raises(UnsupportedLanguageError):
        await files.transcribe(AudioData(SECOND, PCM16_16K), SttOptions(language="tlh"))


async def test_there_is_a_limit(files: WhisperFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WhisperFiles, "max_bytes", 1_000)
    with pytest.raises(AudioTooLargeError, match="it takes 1,000"):
        await files.transcribe(AudioData(SECOND, PCM16_16K), SttOptions())


async def test_a_recording_is_cut_beside_the_event_loop(
    files: WhisperFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    cutters: list[int] = []

    def noted() -> Splitter:
        cutters.append(threading.get_ident())
        return splitter()

    monkeypatch.setattr(whisper_files, "splitter", noted)
    await files.transcribe(AudioData(SECOND, PCM16_16K), SttOptions())
    assert len(cutters) == 1
    assert threading.get_ident() not in cutters
